"""Unusual responses: what the client makes of them, and what it refuses."""

import gzip
import json
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conversations.openai import errors
from conversations.openai.client import Calls
from conversations.openai.transport import MAX_RESPONSE_BYTES
from conversations.sandbox import Fault, Sandbox
from tests.certificates import make_certificate
from tests.raw_server import RawServer, raw_response

CallsTo = Callable[..., Calls]

ID = "conv_1"


def respond_with(sandbox: Sandbox, body: Any, **fault: Any) -> None:
    """The next response has this body, whatever the request."""
    sandbox.faults.add(Fault(body=body if isinstance(body, bytes | str) else json.dumps(body), **fault))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("1700000000", 1_700_000_000),
        ("1700000000.9", 1_700_000_000),
        ("0", 0),
        ("null", None),
        ("true", None),
        ('"1700000000"', 1_700_000_000),
        ('"1700000000.5"', 1_700_000_000),
        ("1700000000123", 1_700_000_000),
        ('"2023-11-14T22:13:20Z"', 1_700_000_000),
        ('"2023-11-14T23:13:20.25+01:00"', 1_700_000_000),
        ('"2023-11-14 22:13:20"', 1_700_000_000),
        ('"yesterday"', None),
        ('"NaN"', None),
        ("-5", None),
        ("1e999", None),
        ("1e300", None),
        ("9" * 400, None),
        ("[]", None),
    ],
)
def test_an_absurd_time_of_creation_is_none(
    sandbox: Sandbox, calls_to: CallsTo, written: str, expected: int | None
) -> None:
    respond_with(sandbox, f'{{"id": "{ID}", "created_at": {written}, "metadata": {{}}}}')
    assert calls_to(sandbox).retrieve_conversation(ID).created_at == expected


def test_metadata_that_is_null_is_empty(sandbox: Sandbox, calls_to: CallsTo) -> None:
    respond_with(sandbox, {"id": ID, "metadata": None})
    assert calls_to(sandbox).retrieve_conversation(ID).metadata == {}


@pytest.mark.parametrize("metadata", [[], "text", 1, True, ["a"] * 500])
def test_metadata_that_is_not_an_object_is_none_and_reported(
    sandbox: Sandbox, calls_to: CallsTo, metadata: Any
) -> None:
    respond_with(sandbox, {"id": ID, "metadata": metadata})
    remote = calls_to(sandbox).retrieve_conversation(ID)
    assert remote.metadata is None
    assert str(metadata)[:100] in remote.metadata_problem
    assert len(remote.metadata_problem) < 300


def test_missing_metadata_is_reported(sandbox: Sandbox, calls_to: CallsTo) -> None:
    respond_with(sandbox, {"id": ID})
    remote = calls_to(sandbox).retrieve_conversation(ID)
    assert (remote.metadata, remote.metadata_problem) == (None, "The response contains no metadata.")


def test_metadata_of_other_servers_comes_as_it_is(sandbox: Sandbox, calls_to: CallsTo) -> None:
    metadata = {"number": 1.5, "list": [None], "map": {"a": True}, "nul\0": "\ud800"}
    respond_with(sandbox, {"id": ID, "metadata": metadata})
    assert calls_to(sandbox).retrieve_conversation(ID).metadata == metadata


@pytest.mark.parametrize("odd_id", [None, "", 7, "a/b", "..", "a\0b", "x" * 256, "conv_2"])
def test_a_response_about_another_conversation_is_refused(sandbox: Sandbox, calls_to: CallsTo, odd_id: Any) -> None:
    respond_with(sandbox, {"id": odd_id, "metadata": {}})
    with pytest.raises(errors.BadResponse):
        calls_to(sandbox).update_conversation(ID, {})


@pytest.mark.parametrize(
    "body", [{}, {"deleted": "yes"}, {"id": ID}, {"deleted": None, "id": ID}, {"object": "conversation"}, ""]
)
def test_r2_a_removal_counts_only_if_the_response_confirms_it(sandbox: Sandbox, calls_to: CallsTo, body: Any) -> None:
    respond_with(sandbox, body)
    assert calls_to(sandbox).delete_conversation(ID) is False


def test_a_204_to_a_deletion_confirms_nothing(sandbox: Sandbox, calls_to: CallsTo) -> None:
    respond_with(sandbox, "", status=204, times=None)
    calls = calls_to(sandbox)
    assert (calls.delete_conversation(ID), calls.delete_item(ID, "msg_1")) == (False, False)


@pytest.mark.parametrize(
    "delete", [lambda calls: calls.delete_conversation(ID), lambda calls: calls.delete_item(ID, ID)]
)
def test_a_deletion_that_was_not_done_is_refused(sandbox: Sandbox, calls_to: CallsTo, delete: Any) -> None:
    respond_with(sandbox, {"id": ID, "deleted": False})
    with pytest.raises(errors.NotDeleted) as caught:
        delete(calls_to(sandbox))
    assert not caught.value.may_have_happened


def test_a_response_about_another_deletion_confirms_nothing(sandbox: Sandbox, calls_to: CallsTo) -> None:
    respond_with(sandbox, {"deleted": True, "id": "conv_2"})
    with pytest.raises(errors.BadResponse) as caught:
        calls_to(sandbox).delete_conversation(ID)
    assert caught.value.may_have_happened


@pytest.mark.parametrize("body", [{"id": "msg_1", "object": "conversation.item.deleted", "deleted": True}, {"id": ID}])
def test_two_responses_confirm_the_deletion_of_an_item(sandbox: Sandbox, calls_to: CallsTo, body: Any) -> None:
    respond_with(sandbox, body)
    calls_to(sandbox).delete_item(ID, "msg_1")


@pytest.mark.parametrize("data", [{}, "text", 1])
def test_a_page_without_items_in_a_list_is_refused(sandbox: Sandbox, calls_to: CallsTo, data: Any) -> None:
    respond_with(sandbox, {"object": "list", "data": data})
    with pytest.raises(errors.BadResponse):
        calls_to(sandbox).list_items(ID)


def test_the_last_item_stands_in_for_a_missing_last_id(sandbox: Sandbox, calls_to: CallsTo) -> None:
    respond_with(sandbox, {"data": [{"id": "a"}, {"id": "b"}], "has_more": True})
    page = calls_to(sandbox).list_items(ID)
    assert (page.last_id, page.has_more) == ("b", True)


def test_a_page_from_which_nobody_can_continue_is_the_last(sandbox: Sandbox, calls_to: CallsTo) -> None:
    respond_with(sandbox, {"data": [{"no": "id"}], "has_more": True})
    assert not calls_to(sandbox).list_items(ID).has_more


def test_an_item_of_any_type_comes_as_it_is(sandbox: Sandbox, calls_to: CallsTo) -> None:
    respond_with(sandbox, {"type": "of tomorrow", "x": [1]})
    assert calls_to(sandbox).retrieve_item(ID, "item_1") == {"type": "of tomorrow", "x": [1]}


def test_a_request_id_that_cannot_be_stored_is_cleaned(sandbox: Sandbox, calls_to: CallsTo) -> None:
    respond_with(sandbox, {"id": ID}, headers={"x-request-id": "req\0"})
    assert "\0" not in calls_to(sandbox).retrieve_conversation(ID).request_id


# Size


@pytest.mark.long
def test_a_response_of_the_maximum_size_is_read(sandbox: Sandbox, calls_to: CallsTo) -> None:
    respond_with(sandbox, b'{"id": "conv_1"}' + b" " * (MAX_RESPONSE_BYTES - 16))
    assert calls_to(sandbox).retrieve_conversation(ID).id == ID


def test_a_larger_response_is_refused(sandbox: Sandbox, calls_to: CallsTo) -> None:
    respond_with(sandbox, b'{"id": "conv_1"}' + b" " * (MAX_RESPONSE_BYTES - 15))
    with pytest.raises(errors.BadResponse, match="too large"):
        calls_to(sandbox).retrieve_conversation(ID)


@pytest.mark.long
def test_a_small_response_that_unpacks_to_a_large_one_is_refused(sandbox: Sandbox, calls_to: CallsTo) -> None:
    respond_with(sandbox, gzip.compress(b" " * (MAX_RESPONSE_BYTES + 1)), headers={"Content-Encoding": "gzip"})
    with pytest.raises(errors.BadResponse, match="too large"):
        calls_to(sandbox).retrieve_conversation(ID)


@pytest.mark.long
@pytest.mark.parametrize("status", [404, 502])
def test_only_the_beginning_of_a_large_refusal_is_read(sandbox: Sandbox, calls_to: CallsTo, status: int) -> None:
    respond_with(sandbox, b"<title>Sorry</title>" + b" " * (MAX_RESPONSE_BYTES + 1), status=status, times=None)
    with pytest.raises(errors.OpenAIError, match="Sorry"):
        calls_to(sandbox).retrieve_conversation(ID)


def test_a_compressed_response_is_unpacked(sandbox: Sandbox, calls_to: CallsTo) -> None:
    respond_with(sandbox, gzip.compress(b'{"id": "conv_1"}'), headers={"Content-Encoding": "gzip"})
    assert calls_to(sandbox).retrieve_conversation(ID).id == ID


# Malformed HTTP


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFFFF\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 70_000 + b"\r\n\r\n{}",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 3,
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n{}",
        raw_response(b"{}", b"Content-Encoding: gzip, gzip, gzip, gzip, gzip, gzip, gzip"),
        raw_response(b"{}", b"Content-Encoding: deflate"),
        raw_response(b'{"id": "conv_1"}', length=b"9" * 30),
        raw_response(b"\xef\xbb\xbf{", b"\xff\xfe: \xff"),
        raw_response(b"{}", status=b"099 Early"),
        raw_response(b"{}", status=b"000 Nothing"),
    ],
)
def test_what_is_hardly_http_ends_in_a_documented_error(
    sandbox: Sandbox, calls_to: CallsTo, raw_server: Callable[..., RawServer], raw: bytes
) -> None:
    calls = calls_to(sandbox, base_url=raw_server(raw).url, budget=1, max_wait=0.0)
    with pytest.raises((errors.NoResponse, errors.BadResponse)) as caught:
        calls.create_conversation(items=[], metadata={})
    assert caught.value.may_have_happened


# Certificates


def test_a_certificate_that_nobody_vouches_for_is_sent_nothing(
    sandbox: Sandbox, calls_to: CallsTo, raw_server: Callable[..., RawServer], self_signed: ssl.SSLContext
) -> None:
    server = raw_server(raw_response(b'{"id": "conv_1"}'), tls=self_signed)
    with pytest.raises(errors.NotSent, match="doesn’t trust the server’s certificate"):
        calls_to(sandbox, base_url=server.url).retrieve_conversation(ID)
    assert not server.requests


def test_a_certificate_of_a_private_authority_is_accepted_where_that_is_known(
    sandbox: Sandbox,
    calls_to: CallsTo,
    raw_server: Callable[..., RawServer],
    self_signed: ssl.SSLContext,
    authority: str,
) -> None:
    server = raw_server(raw_response(b'{"id": "conv_1", "metadata": {}}'), tls=self_signed)
    calls = calls_to(sandbox, base_url=server.url, ca_certificates=authority)
    assert calls.retrieve_conversation(ID).id == ID


def test_a_file_of_authorities_is_for_every_client(
    sandbox: Sandbox,
    calls_to: CallsTo,
    raw_server: Callable[..., RawServer],
    self_signed: ssl.SSLContext,
    tmp_path: Path,
) -> None:
    server = raw_server(raw_response(b'{"id": "conv_1", "metadata": {}}'), tls=self_signed)
    calls = calls_to(sandbox, base_url=server.url, ca_file=str(tmp_path / "authority.pem"))
    assert calls.retrieve_conversation(ID).id == ID


def test_another_authority_vouches_for_nothing(
    sandbox: Sandbox, calls_to: CallsTo, raw_server: Callable[..., RawServer], self_signed: ssl.SSLContext
) -> None:
    server = raw_server(raw_response(b'{"id": "conv_1"}'), tls=self_signed)
    other = make_certificate("127.0.0.2")[1].decode()
    with pytest.raises(errors.NotSent, match="OPENAI_CA_FILE"):
        calls_to(sandbox, base_url=server.url, ca_certificates=other).retrieve_conversation(ID)
    assert not server.requests
