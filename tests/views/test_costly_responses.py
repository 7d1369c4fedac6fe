"""Responses that a server made up to cost much: each is read once, or refused."""

import tracemalloc

import pytest

from conversations.items import displayed
from conversations.openai import decoding
from conversations.openai.decoding import decode, read_json
from conversations.openai.errors import OpenAIError, TooLarge
from conversations.openai.scrubbing import Scrubber
from tests.effort import calls_made, limited_computing

pytestmark = pytest.mark.long

NO_SECRETS = Scrubber([])
MIB = 1024 * 1024
MANY = b"," * 700_000


def check_it_is_read_once(body: bytes, status: int = 502) -> None:
    """The response is refused. It would take minutes if each part of it were looked at again for each other."""
    with limited_computing(), pytest.raises(OpenAIError):
        decode(status, {}, body, NO_SECRETS)


@pytest.mark.parametrize("piece", [b"<script ", b"<script>", b"<style></style ", b"<", b"<title>", b"<title ", b"<h1>"])
def test_tags_without_an_end_are_read_once(piece: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_PAGE_BYTES", 2 * MIB)
    check_it_is_read_once(piece * (2 * MIB // len(piece)))


def test_of_a_page_only_the_beginning_is_looked_through() -> None:
    beginning = b"x " * (decoding.MAX_PAGE_BYTES // 2)
    with pytest.raises(OpenAIError) as caught:
        decode(502, {}, beginning + b"<title>Bad gateway</title>", NO_SECRETS)
    assert "Bad gateway" not in caught.value.message


@pytest.mark.parametrize("status", [200, 502])
@pytest.mark.parametrize("piece", [b'\\"', b'"', b"\\", b'"\\'])
def test_strings_without_an_end_are_read_once(piece: bytes, status: int) -> None:
    check_it_is_read_once(MANY + b'"' + piece * 1_000_000, status)


def test_a_deep_response_with_a_string_without_an_end_is_read_once() -> None:
    with limited_computing(), pytest.raises(ValueError, match=r"Unterminated|nested"):
        read_json(b"[" * 2_000 + b'"' + b'\\"' * 1_000_000)


@pytest.mark.parametrize("body", [b"[" * 5_000_000, b"[" * 800_000 + b"]" * 800_000, b"[" + b"{}" * 800_000])
def test_brackets_without_end_are_too_much(body: bytes) -> None:
    with pytest.raises(TooLarge):
        decode(200, {}, body, NO_SECRETS)


def test_a_long_text_takes_no_more_memory_than_a_few_copies_of_it() -> None:
    body = b'{"text": "' + MANY + b"x" * 2_000_000 + b'"}'
    tracemalloc.start()
    decode(200, {}, body, NO_SECRETS)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5 * len(body)


@pytest.mark.parametrize("number", [b"&#" + b"1" * 5_000 + b";", b"&#x" + b"f" * 9_000 + b";", b"&#00000099999999"])
def test_a_reference_to_no_character_is_none(number: bytes) -> None:
    with pytest.raises(OpenAIError, match="Bad gateway"):
        decode(502, {}, b"<title>Bad " + number + b"gateway</title>", NO_SECRETS)


def test_what_stands_behind_an_open_tag_is_told() -> None:
    with pytest.raises(OpenAIError, match="2 < 3, and 4 < 5"):
        decode(502, {}, b"2 < 3, and 4 < 5", NO_SECRETS)


def test_a_hundred_texts_of_nothing_but_brackets_are_not_indented() -> None:
    few, many = ("[" + "[]," * count + "[]]" for count in (6_000, 63_000))
    items = [{"type": "function_call", "name": "f", "arguments": arguments} for arguments in (few, many)]
    assert [displayed(item).blocks[0].text for item in items] == [few, many]
    assert calls_made(lambda: displayed(items[1])) == calls_made(lambda: displayed(items[0])) < 1_000
