"""A server that answers so as to exhaust whoever asks: each conversation of it is one way to try."""

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MIB = 1024 * 1024


def text(item: Any) -> bytes:
    return json.dumps(item, ensure_ascii=False).encode()


def conversation(name: str, metadata: Any) -> bytes:
    return text({"id": name, "created_at": 1_700_000_000, "metadata": metadata})


def items(*entries: Any) -> bytes:
    return text({"object": "list", "data": entries, "has_more": False})


def message(*parts: Any) -> dict[str, Any]:
    return {"id": "msg_1", "type": "message", "role": "user", "content": list(parts)}


def call(arguments: str) -> dict[str, Any]:
    return {"id": "fc_1", "type": "function_call", "name": "f", "call_id": "c", "arguments": arguments}


PART = {"type": "input_text", "text": "x"}
EMOJI = "\N{GRINNING FACE}"
NAN = b'{"id": "msg_1", "type": "message", "role": NaN, "content": [NaN, {"type": NaN, "text": -Infinity}], "x": 1e999}'
HOPELESS_STRING = b'"' + b'\\"' * (12 * MIB)

# What `GET /conversations/{name}` answers.
CONVERSATIONS: dict[str, Callable[[], bytes]] = {
    "metadata of 100,000 keys": lambda: conversation("conv_keys", {f"key {n}": f"value {n}" for n in range(100_000)}),
    "a value of 2 MB": lambda: conversation("conv_value", {"long": "x" * 2_000_000}),
    "a value of 30 MB": lambda: conversation("conv_huge", {"long": "x" * 30_000_000}),
    "a key of 2 MB": lambda: conversation("conv_key", {"k" * 2_000_000: "v"}),
    "metadata nested 100,000 deep": lambda: (
        b'{"id": "conv_deep", "metadata": {"a":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_002
    ),
    "metadata of NaN": lambda: (
        b'{"id": "conv_nan", "created_at": NaN, "metadata": {"a": NaN, "b": [1e999], "NaN": -Infinity}}'
    ),
}
# What `GET /conversations/{name}/items` answers.
ITEMS: dict[str, Callable[[], bytes]] = {
    "an item of 500,000 parts": lambda: items(message(*[PART] * 500_000)),
    "an item of 140,000 parts": lambda: items(message(*[PART] * 140_000)),
    "200,000 items for limit=100": lambda: items(*({"id": f"m{n}"} for n in range(200_000))),
    "100,000 items for limit=100": lambda: items(*({"id": f"m{n}", "type": "message"} for n in range(100_000))),
    "an item nested 100,000 deep": lambda: (
        b'{"data": [{"id": "msg_1", "content": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]}"
    ),
    "an item of NaN": lambda: b'{"data": [' + NAN + b"]}",
    "100 items of 300 kB": lambda: items(*[message({"type": "input_text", "text": "x" * 300_000})] * 100),
    "100 items of 1,300 parts": lambda: items(*[message(*[PART] * 1_300)] * 100),
    "a text of 31 MB": lambda: items(message({"type": "input_text", "text": "x" * 31_000_000})),
    "a text of 7 million emoji": lambda: items(message({"type": "input_text", "text": EMOJI * 7_000_000})),
    "a text of 15 million “<”": lambda: items(message({"type": "input_text", "text": "<" * 15_000_000})),
    "arguments of 20 MB of JSON": lambda: items(call("[" + "[]," * 6_600_000 + "[]]")),
    "arguments of 190 kB of JSON, 100 times": lambda: items(*[call("[" + "[]," * 63_000 + "[]]")] * 100),
    "600,000 empty objects": lambda: items(message(*[{}] * 290_000)),
    "a string without an end": lambda: b"," * 700_000 + HOPELESS_STRING,
    "30 million brackets": lambda: b"[" * 30_000_000,
    "a page of unclosed tags": lambda: b"<script>" * 3_000_000,
    "an error of 30 MB": lambda: text({"error": {"message": "m" * 30_000_000, "code": "c" * 1_000}}),
    "gzip of 1 GB": lambda: b"",  # of its own, below
}
ALIASES = {name: f"conv_{number}" for number, name in enumerate(ITEMS)}
NAMES = {alias: name for name, alias in ALIASES.items()}
IDS = dict(
    zip(CONVERSATIONS, ["conv_keys", "conv_value", "conv_huge", "conv_key", "conv_deep", "conv_nan"], strict=True)
)
FAILING = {"a page of unclosed tags", "an error of 30 MB"}


@cache
def bomb() -> bytes:
    return gzip.compress(b" " * 1_000_000_000, 1)


class Handler(BaseHTTPRequestHandler):
    """Answers by the id in the path, whatever is asked of it."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        openai_id, *below = self.path.partition("?")[0].removeprefix("/v1/conversations/").split("/")
        status, body, headers = told(openai_id, below)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(OSError):  # whoever asked has read enough
            self.wfile.write(body)

    do_GET = do_POST = do_DELETE = answer  # noqa: N815

    def log_message(self, *args: Any) -> None:
        pass


def told(openai_id: str, below: list[str]) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers of an answer."""
    name = NAMES.get(openai_id, "")
    if name == "gzip of 1 GB":
        return 200, bomb(), {"Content-Encoding": "gzip"}
    if not below or not name:
        making = next((make for held, make in CONVERSATIONS.items() if IDS[held] == openai_id), None)
        return 200, making() if making else conversation(openai_id, {}), {}
    body = made(name)
    if len(below) > 1 and body.startswith(b'{"object": "list", "data": ['):
        body = first_item(body)
    return 502 if name in FAILING else 200, body, {}


@cache
def made(name: str) -> bytes:
    return ITEMS[name]()


@cache
def first_item(body: bytes) -> bytes:
    return text(json.loads(body)["data"][0])


@contextmanager
def hostile_server() -> Iterator[str]:
    """The base URL of one."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    server.shutdown()
