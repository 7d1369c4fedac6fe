"""Taking a client's own secrets out of whatever a server sends back. Pure.

A server may echo a key in any spelling: plain, escaped for JSON or a URL, in base64, alone or in the middle of another
text. Strings are scrubbed after they were decoded, so that no escape of JSON hides one.
"""

import html
import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

SCRUBBED = "[secret]"
SHORTEST_SECRET = 6  # shorter header values ("1", "true") are switches, and would be cut out of every error
NOTHING = "(?!)"  # matches nowhere
SHORTEST_SURE_SECRET = 20  # a shorter one ("production", "ollama"), or one of letters alone, may as well be a word


class Scrubber:
    """Knows the spellings of some secrets."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = [secret for secret in secrets if len(secret) >= SHORTEST_SECRET]
        self._every, self._every_bytes = _patterns(known)
        self._sure, self._sure_bytes = _patterns(filter(_is_sure, known))

    def text(self, text: str) -> str:
        """The text without any of the secrets."""
        return self._every.sub(SCRUBBED, text)

    def body(self, body: bytes, *, is_data: bool) -> bytes:
        """The bytes of an answer without the secrets, as far as no escape of JSON hides one."""
        pattern = self._sure_bytes if is_data else self._every_bytes
        return pattern.sub(SCRUBBED.encode(), body)

    def value(self, value: Any, *, is_data: bool) -> Any:
        """A JSON value without the secrets, in keys too. `is_data`: it is content, which goes back to the server with
        the next edit, so secrets that may as well be words of somebody's metadata stay."""
        return _scrubbed(value, self._sure if is_data else self._every)


def _is_sure(secret: str) -> bool:
    """Whether a text can hardly be anything but the secret."""
    return len(secret) >= SHORTEST_SURE_SECRET and any(character.isdigit() for character in secret)


def _scrubbed(value: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return pattern.sub(SCRUBBED, value)
    if isinstance(value, dict):
        return {pattern.sub(SCRUBBED, key): _scrubbed(item, pattern) for key, item in value.items()}
    if isinstance(value, list):
        return [_scrubbed(item, pattern) for item in value]
    return value


def _patterns(secrets: Iterable[str]) -> tuple[re.Pattern[str], re.Pattern[bytes]]:
    spellings = {each for secret in secrets for each in _spellings(secret)}
    longest_first = sorted(spellings, key=len, reverse=True)
    pattern = "|".join(map(re.escape, longest_first)) or NOTHING
    return re.compile(pattern), re.compile(pattern.encode(errors="replace"))


def _spellings(secret: str) -> Iterator[str]:
    escaped = json.dumps(secret)[1:-1]
    codes = secret.encode(errors="replace")
    yield from (secret, escaped, escaped.replace("/", "\\/"), html.escape(secret))
    yield from ("".join(f"\\u{ord(each):{digits}}" for each in secret) for digits in ("04x", "04X"))
    yield from (quote(secret, errors="replace"), quote(secret, safe="", errors="replace"))
    yield from ("".join(f"%{code:{digits}}" for code in codes) for digits in ("02x", "02X"))
    for core in _in_base64(codes):
        yield core
        yield core.replace("+", "-").replace("/", "_")


def _in_base64(secret: bytes) -> Iterator[str]:
    """The characters of base64 that stand for the secret alone, wherever in a longer text it begins."""
    yield b64encode(secret).decode()
    for before, shared in ((0, 0), (1, 2), (2, 3)):  # bytes in front, and characters that hold bits of those
        encoded = b64encode(bytes(before) + secret).decode().rstrip("=")
        is_last_shared = (before + len(secret)) % 3 != 0
        yield encoded[shared : len(encoded) - is_last_shared]
