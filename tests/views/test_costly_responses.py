"""Answers that a server made up to cost much: each is read, or refused, in a moment."""

import time
import tracemalloc
from contextlib import suppress

import pytest

from conversations.items import displayed
from conversations.openai.decoding import decode, read_json
from conversations.openai.errors import OpenAIError, TooLarge
from conversations.openai.scrubbing import Scrubber

pytestmark = pytest.mark.long

NO_SECRETS = Scrubber([])
KIB = 1024
MANY = b"," * 700_000


def seconds(body: bytes, status: int = 502) -> float:
    """How long it takes to read an answer, whatever comes of it."""
    started = time.process_time()
    with suppress(OpenAIError):
        decode(status, {}, body, NO_SECRETS)
    return time.process_time() - started


@pytest.mark.parametrize("piece", [b"<script ", b"<script>", b"<style></style ", b"<", b"<title>", b"<title ", b"<h1>"])
def test_tags_without_an_end_are_read_once(piece: bytes) -> None:
    assert seconds(piece * (64 * KIB // len(piece))) < 0.5


@pytest.mark.parametrize("status", [200, 502])
@pytest.mark.parametrize("piece", [b'\\"', b'"', b"\\", b'"\\'])
def test_strings_without_an_end_are_read_once(piece: bytes, status: int) -> None:
    assert seconds(MANY + b'"' + piece * 100_000, status) < 1


def test_a_deep_answer_with_a_string_without_an_end_is_read_once() -> None:
    started = time.process_time()
    with suppress(ValueError):
        read_json(b"[" * 2_000 + b'"' + b'\\"' * 50_000)
    assert time.process_time() - started < 1


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
    arguments = "[" + "[]," * 63_000 + "[]]"
    started = time.process_time()
    shown = [displayed({"type": "function_call", "name": "f", "arguments": arguments}) for _ in range(100)]
    assert time.process_time() - started < 2
    assert shown[0].blocks[0].text == arguments
