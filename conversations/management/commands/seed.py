"""`manage.py seed`: example conversations in a running sandbox, or any number of them for the index alone."""

import random
import time
from argparse import ArgumentParser
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from ...examples import bulk as bulk_examples
from ...examples import dialogues
from ...examples import items as item_examples
from ...models import Conversation, Credential
from ...models.choices import Origin
from ...openai.errors import NotFound
from ...sandbox import DEFAULT_KEY, Store
from ...services.clients import check_credential
from ...services.conversations import refresh_conversation, remove_conversation

COUNT = 200
DAYS = 90
DIFFERS, MISSING, REMOVED = 6, 4, 8  # how many conversations end up in these states
KEPT = 5  # the newest conversations, which aren't changed
LONG = 5_000  # messages in the long transcript
NAME = "Sandbox"


class Command(BaseCommand):
    """Creates conversations in the sandbox's file, adds them to the index, and changes a few of them."""

    help = "Fills an empty index with example conversations, created in a running sandbox or in the index only."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8001, help="the sandbox's port (default: %(default)s)")
        parser.add_argument("--file", help="the sandbox's SQLite file")
        parser.add_argument("--conversations", type=int, help="create this many in the index only, without a server")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError if the index isn't empty, or the credential can't be created."""
        if Conversation.objects.exists():
            raise CommandError("The index isn't empty. Examples can only be added to an empty one.")
        actor = User.objects.filter(is_superuser=True).order_by("pk").first()
        if options["conversations"]:
            self.make_many(options["conversations"], actor)
            return
        if not options["file"]:
            raise CommandError("Name the sandbox's file with --file, or how many to create with --conversations.")
        store = Store(options["file"])
        try:
            with transaction.atomic():
                entered = add_to_index(credential_at(f"http://127.0.0.1:{options['port']}/v1"), make_all(store), actor)
            if actor is not None:  # requests to the sandbox are recorded as events, which need an actor
                vary_states(store, entered, actor)
        finally:
            store.close()
        self.stdout.write(f"Created {COUNT} example conversations with the credential “{NAME}”.")

    def make_many(self, count: int, actor: User | None) -> None:
        started = time.monotonic()
        for done in bulk_examples.add_conversations(count, added_by=actor):
            self.stdout.write(f"{done:,} of {count:,} after {time.monotonic() - started:.0f} s")
        self.stdout.write("They're in the index only, for trying the search. No server has them.")


def credential_at(base_url: str) -> Credential:
    """The credential "Sandbox", pointed to `base_url`. That's allowed because it has no conversations yet (R1) and its
    key is set again for the new URL (R14)."""
    credential = Credential.objects.filter(name=NAME).first() or Credential(name=NAME, base_url=base_url)
    if not credential.base_url.startswith("http://127.0.0.1:"):
        raise CommandError(f"The credential “{NAME}” points to {credential.host}. Rename it first.")
    credential.base_url = base_url
    credential.is_active = True
    credential.set_key(DEFAULT_KEY)
    credential.notes = credential.notes or "The sandbox that ./dev run starts in place of OpenAI. It has only examples."
    try:
        credential.full_clean()
    except ValidationError as error:
        raise CommandError(f"The credential “{NAME}” can't be created: {' '.join(error.messages)}") from None
    credential.save()
    check_credential(credential=credential)
    return credential


def make_all(store: Store) -> list[dict[str, Any]]:
    """Create all conversations in the sandbox, oldest first."""
    draw = random.Random(20250101)  # noqa: S311  the same examples every time
    now = int(time.time())
    ages = sorted((DAYS * 86400 * draw.random() ** 2.2 for _ in range(COUNT)), reverse=True)
    with store.transaction():
        made = [make_one(store, draw, now - 360 - int(age)) for age in ages[:-KEPT]]
        made.append(make_one(store, draw, now - 300, tenant="acme", user=dialogues.CUSTOMER["user_id"]))
        made += make_special(store, now - 240)
        items = messages(draw, "billing", draw_values(draw))[1]
        made.append(store.create_conversation(metadata=dialogues.MAX_METADATA_LENGTH, items=items, created_at=now - 60))
    return made


def make_special(store: Store, created_at: int) -> list[dict[str, Any]]:
    """Create the conversations that test a page of items to its limits, a minute apart."""
    every = [*item_examples.every_type(), *item_examples.unknown_types(), *item_examples.from_other_servers()]
    items = [item_examples.long(LONG), item_examples.hostile(), every]
    return [
        store.create_conversation(
            metadata={**dialogues.CUSTOMER, "topic": topic}, items=special, created_at=created_at + 60 * number
        )
        for number, (topic, special) in enumerate(zip(dialogues.SPECIAL_TOPICS, items, strict=True))
    ]


def make_one(store: Store, draw: random.Random, created_at: int, **fixed: str) -> dict[str, Any]:
    """Create a conversation with messages about a random topic. `fixed` values replace random ones."""
    topic = pick(draw, dialogues.TOPICS)
    values = {**draw_values(draw), **fixed}
    summary, items = messages(draw, topic, values)
    metadata = {
        "tenant": values["tenant"],
        "env": pick(draw, dialogues.ENVIRONMENTS),
        "topic": topic,
        "user_id": values["user"],
        "plan": values["plan"],
        "locale": pick(draw, dialogues.LOCALES),
    }
    if topic in {"shipping", "billing", "refund"}:
        metadata["order_id"] = values["order"]
    if summary and draw.random() < 0.4:
        metadata["summary"] = summary
    if draw.random() < 0.15:
        metadata["priority"] = "high"
    return store.create_conversation(metadata=metadata, items=items, created_at=created_at)


def draw_values(draw: random.Random) -> dict[str, str]:
    """Random values that the messages and the metadata of a conversation have in common."""
    return {
        "tenant": pick(draw, dialogues.TENANTS),
        "plan": pick(draw, dialogues.PLANS),
        "user": f"u_{int(60 * draw.random() ** 2):04}",  # a few people write often
        "order": f"ORD-{draw.randrange(10**5, 10**6)}",
        "day": draw.choice(["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]),
        "amount": f"€{draw.randrange(5, 400)}.{draw.choice(['00', '50', '90', '99'])}",
    }


def messages(draw: random.Random, topic: str, values: Mapping[str, str]) -> tuple[str, list[dict[str, str]]]:
    """The summary and the messages of a random dialogue about the topic."""
    summary, dialogue = draw.choice(dialogues.DIALOGUES[topic])
    opening = draw.choice([[], [("system", dialogues.SYSTEM)], [("developer", dialogues.DEVELOPER)]])
    turns = [*opening, *dialogue][:8]
    return summary, [{"type": "message", "role": role, "content": text.format(**values)} for role, text in turns]


def pick(draw: random.Random, weights: Mapping[str, int]) -> str:
    """A random key; the values are weights."""
    return draw.choices(list(weights), list(weights.values()))[0]


def add_to_index(credential: Credential, made: list[dict[str, Any]], actor: User | None) -> list[Conversation]:
    return [
        Conversation.objects.add(
            credential=credential,
            openai_id=remote["id"],
            created_at=remote["created_at"],
            metadata=remote["metadata"],
            added_by=actor,
            origin=Origin.IMPORTED,
        )
        for remote in made
    ]


def vary_states(store: Store, entered: list[Conversation], actor: User) -> None:
    """Change or delete a few conversations in the sandbox only, and remove a few through Convadmin."""
    chosen = random.Random(7).sample(entered[:-KEPT], DIFFERS + MISSING + REMOVED)  # noqa: S311
    for conversation in chosen[:DIFFERS]:
        changed = {**conversation.metadata, "plan": "enterprise", "topic": "escalation", "desk": "second line"}
        changed.pop("summary", None)
        store.set_metadata(conversation.openai_id, changed)
        refresh_conversation(actor=actor, conversation=conversation)
    for conversation in chosen[DIFFERS : DIFFERS + MISSING]:
        store.delete_conversation(conversation.openai_id)
        with suppress(NotFound):
            refresh_conversation(actor=actor, conversation=conversation)
    for conversation in chosen[DIFFERS + MISSING :]:
        remove_conversation(actor=actor, conversation=conversation)
