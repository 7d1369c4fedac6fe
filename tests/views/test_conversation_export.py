"""The page of an export, and the file that it leads to."""

import csv
import json
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.http import StreamingHttpResponse
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from conversations.examples import bulk as bulk_examples
from conversations.exports.search_results import TRUNCATED
from conversations.models import Conversation, Credential
from tests.factories import make_conversation, make_credential, make_team, make_user
from tests.html import everything, form_in, is_page, signed_in, text_of

PAGE = "/conversations/export/"
FILE = "/conversations/export/file/"
BOTH = pytest.mark.parametrize("url", [PAGE, FILE])
PROBLEMS = [
    pytest.param("acme AND prod", "AND", id="not understood"),
    pytest.param("state:gone tenant:acme", "state:gone", id="unknown state"),
    pytest.param("credential:Nobody", "credential:Nobody", id="unknown credential"),
]


def download(browser: Browser, **parameters: Any) -> str:
    response = browser.get(FILE, parameters)
    assert response.status_code == 200
    return b"".join(response.streaming_content).decode()


def ids(browser: Browser, **parameters: Any) -> list[str]:
    text = download(browser, **{"q": "", "format": "jsonl", **parameters})
    return [json.loads(line)["id"] for line in text.splitlines()]


def test_says_what_will_be_exported(as_operator: Browser, credential: Credential) -> None:
    for tenant in ("acme", "acme", "other"):
        make_conversation(credential, {"tenant": tenant})
    response = as_operator.get(PAGE, {"q": "tenant:acme"})
    assert is_page(response)
    assert response.template_name == "conversations/conversation_export.html"
    assert str(response.context_data["number"]) == "2"
    assert "tenant</b> is acme" in text_of(response)


def test_hides_what_was_removed_as_the_list_does(as_operator: Browser, credential: Credential) -> None:
    kept, _ = make_conversation(credential), make_conversation(credential, state="removed")
    text = download(as_operator, format="jsonl")
    assert [json.loads(line)["id"] for line in text.splitlines()] == [kept.openai_id]
    assert str(as_operator.get(PAGE).context_data["number"]) == "1"


def test_the_form_leads_to_the_file(as_operator: Browser, credential: Credential) -> None:
    make_conversation(credential, {"tenant": 'a "b" & c'})
    asked = {"q": 'tenant:"a \\"b\\" & c"', "order": "oldest", "col": ["tenant", "<b>"], "before": "7"}
    form = form_in(as_operator.get(PAGE, asked), "format")
    assert form.attributes["action"] == FILE
    assert form.attributes.get("method", "get") == "get"
    assert form.values("col") == ["tenant", "<b>"]
    assert form.values("before") == []
    response = as_operator.get(FILE, {name: form.values(name) for name, _ in form.fields})
    header, *rows = csv.reader(StringIO(b"".join(response.streaming_content).decode()))
    assert header[-2:] == ["metadata.tenant", "metadata.<b>"]
    assert len(rows) == 1


def test_a_viewer_may_export(client: Browser, viewer: User, credential: Credential) -> None:
    row = make_conversation(credential)
    assert ids(signed_in(client, viewer)) == [row.openai_id]


@BOTH
def test_a_get_changes_nothing_r3(as_operator: Browser, credential: Credential, url: str) -> None:
    make_conversation(credential, {"k": "v"})
    before = everything()
    response = as_operator.get(url)
    if isinstance(response, StreamingHttpResponse):
        assert b"".join(response.streaming_content)
    assert everything() == before


@BOTH
def test_is_kept_nowhere(as_operator: Browser, url: str) -> None:
    assert as_operator.get(url)["Cache-Control"] == "no-store"
    assert as_operator.get(url, {"q": "state:gone"})["Cache-Control"] == "no-store"


def test_shows_a_stranger_nothing_of_another_team_r23(client: Browser, stranger: User, credential: Credential) -> None:
    make_conversation(credential, {"tenant": "acme"})
    browser = signed_in(client, stranger)
    assert str(browser.get(PAGE, {"q": "tenant:acme"}).context_data["number"]) == "0"
    assert ids(browser, q="tenant:acme") == []
    assert "tenant" not in download(browser, q="")


def test_each_team_gets_its_own_of_a_shared_key_r23(client: Browser, db: None) -> None:
    teams = [make_team() for _ in range(3)]
    rows = [
        make_conversation(
            make_credential(teams=[team]), {"tenant": "acme"}, created_at=datetime(2026, 5, day, tzinfo=UTC)
        )
        for day, team in enumerate(teams, 1)
    ]
    for row, team in zip(rows, teams, strict=True):
        browser = signed_in(client, make_user(teams=[team]))
        assert ids(browser, q="tenant:acme") == [row.openai_id]
        assert str(browser.get(PAGE, {"q": "tenant:acme"}).context_data["number"]) == "1"
    browser = signed_in(client, make_user(teams=teams[:2]))
    assert ids(browser, q="tenant:acme") == [rows[1].openai_id, rows[0].openai_id]


def test_a_credential_of_others_is_as_unknown_as_one_that_is_not_r23(as_operator: Browser) -> None:
    make_credential(name="Theirs")
    answers = [text_of(as_operator.get(FILE, {"q": f"credential:{name}"})) for name in ("Theirs", "Nobodys")]
    assert answers[0].replace("Theirs", "") == answers[1].replace("Nobodys", "")


@pytest.mark.parametrize(("q", "named"), PROBLEMS)
def test_refuses_a_search_with_a_problem_r24(as_operator: Browser, credential: Credential, q: str, named: str) -> None:
    make_conversation(credential)
    page, file = as_operator.get(PAGE, {"q": q}), as_operator.get(FILE, {"q": q, "format": "json"})
    assert (page.status_code, file.status_code) == (422, 422)
    assert "Download" not in text_of(page)
    assert f'<code dir="auto">{named}</code> isn’t understood.' in text_of(page)
    assert file["Content-Type"] == "text/plain; charset=utf-8"
    assert f"{named} isn’t understood." in text_of(file)
    assert "conv_" not in text_of(file)


@pytest.mark.parametrize("parameters", [{"format": "xlsx"}, {"format": ""}, {"metadata": "rows"}])
def test_says_what_to_write_instead_of_an_unknown_format(as_operator: Browser, parameters: dict[str, str]) -> None:
    response = as_operator.get(FILE, parameters)
    assert response.status_code == 422
    assert f"Use {next(iter(parameters))}=" in text_of(response)


def test_escapes_what_was_searched_for(as_operator: Browser) -> None:
    text = text_of(as_operator.get(PAGE, {"q": 'a:"<script>alert(1)</script>" <img>:* x', "col": "<i>"}))
    for raw in ("<script>alert", "<img>", "<i>"):
        assert raw not in text


@pytest.mark.parametrize(
    ("format_", "content_type"),
    [("csv", "text/csv"), ("json", "application/json"), ("jsonl", "application/x-ndjson")],
)
def test_the_file_says_what_it_is(as_operator: Browser, settings: Settings, format_: str, content_type: str) -> None:
    settings.TIME_ZONE = "Pacific/Kiritimati"  # where the day begins first
    response = as_operator.get(FILE, {"q": "tenant:acme env:prod", "format": format_})
    day = timezone.localdate()
    name = f"conversations tenant-acme env-prod {day:%Y-%m-%d}.{format_}"
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'
    assert response["Content-Type"] == f"{content_type}; charset=utf-8"
    assert response["X-Content-Type-Options"] == "nosniff"


def test_follows_the_order_of_the_list(as_operator: Browser, credential: Credential) -> None:
    rows = [make_conversation(credential, created_at=datetime(2026, 5, day, tzinfo=UTC)) for day in (1, 2, 3)]
    oldest_first = [row.openai_id for row in rows]
    assert ids(as_operator) == oldest_first[::-1]
    assert ids(as_operator, order="oldest") == oldest_first
    assert ids(as_operator, order="oldest", before=str(rows[1].sort_key)) == oldest_first  # all, not a page


def test_holds_all_that_the_list_has_in_pages(as_operator: Browser, credential: Credential, settings: Settings) -> None:
    settings.PAGE_SIZE = 2
    rows = [make_conversation(credential) for _ in range(7)]
    assert set(ids(as_operator)) == {row.openai_id for row in rows}


def test_urls_lead_back_here(as_operator: Browser, credential: Credential) -> None:
    row = make_conversation(credential)
    exported = json.loads(download(as_operator, q="", format="json"))
    assert exported[0]["url"] == f"http://testserver/conversations/{row.pk}/"


def test_a_head_reads_no_conversation(as_operator: Browser, credential: Credential) -> None:
    make_conversation(credential)
    with CaptureQueriesContext(connection) as queries:
        response = as_operator.head(FILE, {"format": "csv"})
    assert response["Content-Disposition"].endswith('.csv"')
    assert not any(Conversation._meta.db_table in query["sql"] for query in queries)


@pytest.mark.long
def test_a_stream_that_breaks_off_is_no_whole_file(client: Browser, superuser: User) -> None:
    for _ in bulk_examples.add_conversations(1_500, added_by=None):
        pass
    oldest = Conversation.objects.order_by("sort_key")[0]
    with connection.cursor() as cursor:  # Python refuses numbers of so many digits
        sql = "UPDATE conversations_conversation SET metadata = %s WHERE id = %s"
        cursor.execute(sql, [f'{{"n": {"1" * 5_000}}}', oldest.pk])
    response = signed_in(client, superuser).get(FILE, {"q": "", "format": "json"})
    written: list[bytes] = []
    with pytest.raises(ValueError, match="digits"):
        written.extend(response.streaming_content)
    assert b"".join(written).count(b"conv_") == 1_000
    assert b"".join(written).endswith(TRUNCATED.encode())


@BOTH
def test_asks_as_many_queries_for_twelve_rows_as_for_two(
    as_operator: Browser, credential: Credential, operator: User, url: str
) -> None:
    counts = []
    for more in (2, 10):
        for _ in range(more):
            make_conversation(credential, {"k": "v"}, added_by=operator)
        with CaptureQueriesContext(connection) as queries:
            response = as_operator.get(url, {"q": "has:k"})
            if isinstance(response, StreamingHttpResponse):
                assert b"".join(response.streaming_content).count(b"conv_") == len(counts) * 10 + 2
        counts.append(len(queries))
    assert counts[0] == counts[1]
