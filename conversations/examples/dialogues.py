"""What people ask the assistant of a shop, a bank or a clinic, and the metadata of such conversations.

Texts may contain {order}, {day} and {amount}. Numbers are weights: how often a value occurs.
"""

Message = tuple[str, str]  # role, text
Dialogue = tuple[str, list[Message]]  # summary, messages

SYSTEM = (
    "You are the support assistant of {tenant}. Be brief and friendly. Never promise a refund before it is checked."
)
DEVELOPER = "Answer in the customer's language. The customer is on the plan {plan}. Order at hand: {order}."

TENANTS = {"acme": 9, "globex": 5, "initech": 3, "umbrella-clinic": 2, "Müller & Söhne": 1}
ENVIRONMENTS = {"prod": 14, "staging": 4, "dev": 1}
PLANS = {"free": 8, "pro": 6, "enterprise": 2}
LOCALES = {"en-US": 9, "de-DE": 4, "fr-FR": 2, "es-MX": 2, "ja-JP": 1, "ar-EG": 1}

TOPICS: dict[str, int] = {
    "shipping": 9,
    "billing": 7,
    "refund": 5,
    "login": 5,
    "cancellation": 3,
    "bug report": 3,
    "onboarding": 2,
    "appointment": 2,
    "feature request": 1,
}

DIALOGUES: dict[str, list[Dialogue]] = {
    "shipping": [
        (
            "Parcel was late; arrives tomorrow 📦",
            [
                ("user", "Hi, my order {order} should have been here on {day}. Where is it?"),
                ("assistant", "I am sorry. It left the depot this morning and arrives tomorrow before noon."),
                ("user", "Can it be left with a neighbour?"),
                ("assistant", "Yes. I have noted that for the courier. You will get a message when it is dropped off."),
                ("user", "Perfect, thank you!"),
            ],
        ),
        (
            "Wrong street number, corrected before dispatch",
            [
                ("user", "I typed the wrong house number for {order}. It is 42b, not 24b."),
                ("assistant", "Thanks for telling me in time: it has not been packed yet. I changed it to 42b."),
            ],
        ),
        (
            "Sendung beim Zoll",
            [
                ("user", "Meine Bestellung {order} hängt seit {day} beim Zoll. Was kann ich tun?"),
                ("assistant", "Der Zoll wartet auf die Rechnung. Ich habe sie gerade hochgeladen."),
                ("user", "Wie lange dauert das jetzt noch?"),
                ("assistant", "In der Regel zwei Werktage. Sie müssen nichts weiter tun."),
            ],
        ),
    ],
    "billing": [
        (
            "Charged twice; one charge was a reservation",
            [
                ("user", "I see {amount} twice on my card statement. Why?"),
                ("assistant", "The first is a reservation that your bank drops within five days. Only one is booked."),
                ("user", "It has been six days already."),
                ("assistant", "Then I have asked your bank to release it. The reference is {order}."),
                ("user", "Okay, I'll check again on {day}."),
                ("assistant", "Please do. If it is still there, answer here and a colleague takes over."),
            ],
        ),
        (
            "Invoice needs a VAT id",
            [
                ("user", "Could you put our VAT id on the invoice for {order}?"),
                ("assistant", "Gladly. Please send it in the form DE123456789."),
                ("user", "DE811907980"),
                ("assistant", "Done. The corrected invoice over {amount} is in your inbox."),
            ],
        ),
    ],
    "refund": [
        (
            "Damaged on arrival; refund approved",
            [
                ("user", "The kettle from {order} arrived with a crack. I want my money back."),
                ("assistant", "That should not have happened. Could you send a photo of the crack?"),
                ("user", "Sent. You can see it left of the handle."),
                ("assistant", "Thank you. {amount} goes back to your card within three days. Keep the kettle."),
                ("user", "That was quick 🙂"),
            ],
        ),
        (
            "Outside the return window",
            [
                ("user", "Can I still return {order}? I bought it in spring."),
                ("assistant", "I am afraid the 30 days are over. I can offer a repair at half the price."),
                ("user", "Let me think about it until {day}."),
            ],
        ),
    ],
    "login": [
        (
            "Lost phone, second factor reset",
            [
                ("user", "I lost my phone and can't sign in any more."),
                ("assistant", "I can reset the second factor. Which e-mail address did you sign up with?"),
                ("user", "customer@example.com"),
                ("assistant", "I sent a link there. It works once, for 15 minutes."),
                ("user", "It says “link expired”."),
                ("assistant", "An older link was opened. Please take the newest message, sent a moment ago."),
                ("user", "Now it worked."),
                ("assistant", "Good! Please print the recovery codes this time."),
            ],
        ),
        (
            "Mot de passe oublié",
            [
                ("user", "Bonjour, je n’arrive plus à me connecter depuis {day}."),
                ("assistant", "Bonjour. Je vous ai envoyé un lien pour choisir un nouveau mot de passe."),
            ],
        ),
    ],
    "cancellation": [
        (
            "Cancelled; data export sent",
            [
                ("user", "Please cancel my subscription at the end of the month."),
                ("assistant", "Done. It ends on the last day. Would you tell us why?"),
                ("user", "We moved to another tool. Can I export everything first?"),
                ("assistant", "Yes. The export is being made and will be mailed to you as a ZIP file."),
            ],
        ),
    ],
    "bug report": [
        (
            "Export breaks on line breaks in a cell",
            [
                ("user", "The CSV export puts half of a row into the next one."),
                ("assistant", "Does a cell of that row hold a line break?"),
                ("user", 'Yes:\n\n```\nid,note\n17,"first line\nsecond line"\n```'),
                ("assistant", "That is a bug of ours, now filed as {order}. Until then, the JSON export is right."),
            ],
        ),
        (
            "",
            [
                ("user", "App crashes when I open the camera 😡😡"),
                ("assistant", "Sorry about that! Which phone, and which version of the app?"),
                ("user", "Pixel 9, 4.12.0"),
                ("assistant", "Thank you. 4.12.1 mends this; it reaches your store on {day}."),
            ],
        ),
    ],
    "onboarding": [
        (
            "Importing contacts from a spreadsheet",
            [
                ("user", "How do I get my 3,000 contacts in?"),
                (
                    "assistant",
                    "Save the sheet as CSV, then choose Contacts, Import. Columns are matched by their names.",
                ),
                ("user", "And duplicates?"),
                ("assistant", "They are merged by e-mail address. You can look at the merges before they are made."),
            ],
        ),
        (
            "ساعدناه على تفعيل حسابه",
            [
                ("user", "مرحبا، كيف أفعّل حسابي الجديد؟"),
                ("assistant", "أهلا بك! أرسلنا رسالة إلى بريدك، اضغط على الرابط فيها."),
                ("user", "شكرا، نجح الأمر."),
            ],
        ),
    ],
    "appointment": [
        (
            "Moved to another day",
            [
                ("user", "I need to move my appointment on {day}, please."),
                ("assistant", "Of course. The next free times are 9:20 and 16:40 the day after."),
                ("user", "16:40."),
                ("assistant", "Booked: 16:40. Please bring your insurance card."),
            ],
        ),
    ],
    "feature request": [
        (
            "ダークモードの要望 🌙",
            [
                ("user", "ダークモードはありますか？"),
                ("assistant", "まだありませんが、開発チームに伝えました。ご意見ありがとうございます。"),
            ],
        ),
    ],
}

# Metadata of the conversations with special content.
CUSTOMER = {"tenant": "acme", "env": "dev", "user_id": "48213"}
SPECIAL_TOPICS = ("long transcript", "hostile content", "every item type")  # oldest first

# As much as the API allows: 16 pairs, some of them with keys and values of the maximum length.
MAX_METADATA_LENGTH = {
    "tenant": "acme",
    "env": "prod",
    "topic": "escalation",
    "user_id": "u_00000001-7c1e-4a7b-9a50-3f0f6d1c9b11",
    "order_id": "ORD-2025-000000000000000000000000000000000000000000000000000001",
    "plan": "enterprise",
    "locale": "he-IL",
    "customer_note": "לקוחה לדוגמה, מעדיפה עברית",
    "address": "12 Rothschild Blvd.\nFloor 3\nTel Aviv",
    "summary": "A long quarrel about one parcel, a lost invoice and three couriers. " * 7 + "Settled.",
    "source_url": "https://shop.example/help/tickets/" + "very-long-path/" * 30 + "?from=mail",
    "a_key_of_sixty_four_characters_which_is_as_long_as_a_key_may_be_": "yes",
    "mood": "😤" * 40 + "🙂",
    "empty": "",
    "spaced": "  kept as it is  ",
    "retention": "legal hold until 2031-12-31",
}
