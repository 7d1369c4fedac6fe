"""What's in the log, and the bytes that the server sends."""

import logging
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser

from convadmin.wsgi import application
from tests.html import signed_in


class Kept(logging.Handler):
    """Collects log records."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def log() -> Iterator[Kept]:
    handler = Kept()
    logging.getLogger("django").addHandler(handler)
    yield handler
    logging.getLogger("django").removeHandler(handler)


def test_a_refusal_is_a_line_of_the_log_without_a_traceback(client: Browser, viewer: User, log: Kept) -> None:
    signed_in(client, viewer).get("/conversations/new/")
    (record,) = log.records
    assert record.getMessage() == "Forbidden (Permission denied): /conversations/new/"
    assert record.exc_info is None


def test_a_link_with_which_somebody_chooses_a_password_is_not_logged() -> None:
    args = ("Unprocessable Entity", "/people/join/Mg/abc-123/?a=b")
    record = logging.LogRecord("django.request", logging.WARNING, "", 0, "%s: %s", args, None)
    (handler,) = [each for each in logging.getLogger("django").handlers if each.name == "console"]
    assert handler.filter(record)
    assert record.getMessage() == "Unprocessable Entity: /people/join/…/?a=b"


@pytest.mark.urls("tests.convadmin.test_site")
def test_a_failure_keeps_its_traceback(client: Browser, viewer: User, log: Kept) -> None:
    client.raise_request_exception = False
    signed_in(client, viewer).get("/broken/")
    assert log.records[-1].exc_info is not None


@pytest.mark.parametrize("url", ["/healthz", "/sign-in/", "/nowhere/", "/conversations/"])
def test_a_head_gets_the_response_to_a_get_without_its_body(db: None, url: str) -> None:
    bodies, lengths = [], []
    for method in ("GET", "HEAD"):
        environment = Browser()._base_environ(REQUEST_METHOD=method, PATH_INFO=url)  # type: ignore[attr-defined]
        told: dict[str, str] = {}
        body = b"".join(application(environment, lambda status, headers, told=told: told.update(headers)))
        bodies.append(bool(body))
        lengths.append("Content-Length" in told)
    assert not bodies[1]
    assert lengths[0] == lengths[1]


def test_the_head_of_a_file_reads_no_rows(as_operator: Browser) -> None:
    response = as_operator.head("/conversations/export/file/?q=&format=csv")
    assert response.status_code == 200
    assert b"".join(response.streaming_content) == b""
