"""A transcript as a file: the page that offers it, and the file."""

import csv
import json
from io import StringIO

import pytest
from django.test import Client as Browser

from conversations.models import Conversation, Credential, Event, Outcome
from conversations.openai.errors import ServerError
from conversations.sandbox import Fault, Sandbox
from tests.factories import add_messages, make_known, make_user
from tests.html import REFUSALS, UNREACHABLE, fragment, is_page, signed_in, text_of


@pytest.fixture
def long_conversation(sandbox: Sandbox, credential: Credential) -> Conversation:
    known = make_known(sandbox, credential)
    add_messages(sandbox, known, 120)
    return known


@pytest.fixture
def url(long_conversation: Conversation) -> str:
    return f"/conversations/{long_conversation.pk}/items/export/"


def file_at(browser: Browser, url: str, format_: str, **more: object) -> str:
    response = browser.get(f"{url}file/", {"format": format_, **more})
    return b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]


def test_offers_the_formats_and_what_can_be_included(as_operator: Browser, url: str) -> None:
    response = as_operator.get(f"{url}?include=reasoning.encrypted_content")
    assert is_page(response)
    for words in ("Markdown", "JSON Lines", "CSV", 'value="reasoning.encrypted_content" checked'):
        assert words in text_of(response)


def test_json_and_json_lines_hold_all_items_as_openai_gave_them(
    as_operator: Browser, url: str, long_conversation: Conversation, sandbox: Sandbox
) -> None:
    items = sandbox.store.list_items(long_conversation.openai_id)
    assert json.loads(file_at(as_operator, url, "json"))["data"] == items
    assert [json.loads(line) for line in file_at(as_operator, url, "jsonl").splitlines()] == items


def test_csv_and_markdown_hold_all_texts(as_operator: Browser, url: str) -> None:
    header, *rows = csv.reader(StringIO(file_at(as_operator, url, "csv").removeprefix("\ufeff"), newline=""))
    texts = [row[header.index("text")] for row in rows]
    assert texts == [f"Message {number}" for number in range(1, 121)]
    markdown = file_at(as_operator, url, "md")
    assert [text for text in texts if f"```text\n{text}\n```" not in markdown] == []


def test_the_file_is_named_by_the_id_and_asks_to_be_saved(
    as_operator: Browser, url: str, long_conversation: Conversation
) -> None:
    response = as_operator.get(f"{url}file/", {"format": "csv"})
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith(f'attachment; filename="{long_conversation.openai_id} ')
    assert response["Cache-Control"] == "no-store"
    response.close()


def test_what_shall_be_included_is_requested_on_each_page(as_operator: Browser, url: str, sandbox: Sandbox) -> None:
    file_at(as_operator, url, "json", include="message.output_text.logprobs")
    assert [entry.query["include[]"] for entry in sandbox.log] == [["message.output_text.logprobs"]] * 2


def test_a_download_is_an_event_and_shown_as_whole(as_operator: Browser, url: str) -> None:
    file_at(as_operator, url, "json")
    event = Event.objects.get()
    assert (event.action, event.outcome, event.item_count) == ("export", Outcome.SUCCEEDED, 120)
    text = text_of(as_operator.get(url, headers=fragment("downloads")))
    assert "Complete" in text
    assert "120 items" in text


def test_one_that_broke_off_says_so_in_the_file_and_on_the_page(
    as_operator: Browser, url: str, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(skip=1, times=3, status=500, message="Lost half-way."))
    chunks: list[bytes] = []
    with pytest.raises(ServerError):
        chunks.extend(as_operator.get(f"{url}file/", {"format": "json"}).streaming_content)  # type: ignore[attr-defined]
    assert b"This file is incomplete" in chunks[-1]
    assert b"Lost half-way." in chunks[-1]
    text = text_of(as_operator.get(url))
    assert "Incomplete" in text
    assert "Lost half-way." in text


def test_somebody_elses_downloads_are_not_shown(
    as_operator: Browser, url: str, credential: Credential, client: Browser
) -> None:
    file_at(as_operator, url, "json")
    other = make_user(teams=[*credential.teams.all()])
    assert "None yet." in text_of(signed_in(client, other).get(url))


def test_asking_for_the_head_of_the_file_reads_nothing(as_operator: Browser, url: str, sandbox: Sandbox) -> None:
    response = as_operator.head(f"{url}file/", {"format": "json"})
    assert response.status_code == 200
    assert len(sandbox.log) == 0
    assert not Event.objects.exists()


@pytest.mark.parametrize("format_", ["", "xml", "JSON"])
def test_an_unknown_format_is_refused(as_operator: Browser, url: str, sandbox: Sandbox, format_: str) -> None:
    response = as_operator.get(f"{url}file/", {"format": format_})
    assert response.status_code == 422
    assert "Choose a format: md, json, jsonl, csv." in text_of(response)
    assert len(sandbox.log) == 0


@pytest.mark.parametrize(("fault", "words"), REFUSALS)
def test_where_nothing_can_be_read_a_page_says_why_in_place_of_a_file(
    as_operator: Browser, url: str, sandbox: Sandbox, fault: Fault, words: str
) -> None:
    sandbox.faults.add(fault)
    response = as_operator.get(f"{url}file/", {"format": "json"})
    assert response.status_code == 502
    assert is_page(response)
    assert words in text_of(response)
    assert Event.objects.get().outcome != Outcome.PENDING


def test_tells_that_openai_cannot_be_reached(as_operator: Browser, url: str, sandbox: Sandbox) -> None:
    sandbox.stop()
    assert UNREACHABLE in text_of(as_operator.get(f"{url}file/", {"format": "json"}))


def test_an_inactive_credential_is_said_in_words(as_operator: Browser, credential: Credential, url: str) -> None:
    credential.is_active = False
    credential.save()
    response = as_operator.get(f"{url}file/", {"format": "json"})
    assert response.status_code == 422
    assert "is inactive" in text_of(response)
