"""Removes a client's own secrets from what servers send back. Pure.

A server may echo a key in any spelling: plain, escaped for JSON, HTML or a URL, in base64, alone or inside a longer
text. JSON is scrubbed as bytes and again after decoding, because any character may be escaped.
"""

import html
import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

SCRUBBED = "[secret]"
MATCHES_NOTHING = "(?!)"
# Shorter header values ("1", "true") are switches, and would be removed from every error message.
MIN_SECRET_LENGTH = 6
# Shorter values ("production", "ollama"), and values without a digit, can occur in someone's data by coincidence.
MIN_SURE_SECRET_LENGTH = 20


class Scrubber:
    """Replaces some secrets, in all spellings, by SCRUBBED."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = [secret for secret in secrets if len(secret) >= MIN_SECRET_LENGTH]
        self._all, self._all_bytes = _patterns(known)
        self._sure, self._sure_bytes = _patterns(filter(_is_sure, known))

    def text(self, text: str) -> str:
        return self._all.sub(SCRUBBED, text)

    def body(self, body: bytes, *, is_data: bool) -> bytes:
        """The body of a response without secrets, except those that JSON escapes hide. `is_data`: see `value()`."""
        pattern = self._sure_bytes if is_data else self._all_bytes
        return pattern.sub(SCRUBBED.encode(), body)

    def value(self, value: Any, *, is_data: bool) -> Any:
        """A JSON value without secrets, also in its keys.

        `is_data`: it's content that the next edit sends back, so secrets that may be ordinary words are kept.
        """
        return _scrubbed(value, self._sure if is_data else self._all)


def _is_sure(secret: str) -> bool:
    return len(secret) >= MIN_SURE_SECRET_LENGTH and any(character.isdigit() for character in secret)


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
    # Longest first: the first alternative that matches wins, and a shorter one would leave the rest of the secret.
    longest_first = sorted(spellings, key=len, reverse=True)
    pattern = "|".join(map(re.escape, longest_first)) or MATCHES_NOTHING
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
    """The base64 digits that depend on the secret alone, for each offset at which it may begin in a longer text."""
    yield b64encode(secret).decode()
    # Three bytes make four digits. `shared` digits at the start depend on the `before` bytes in front of the secret.
    for before, shared in ((0, 0), (1, 2), (2, 3)):
        encoded = b64encode(bytes(before) + secret).decode().rstrip("=")
        is_last_shared = (before + len(secret)) % 3 != 0
        yield encoded[shared : len(encoded) - is_last_shared]
