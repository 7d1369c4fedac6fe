"""Exported files, parsed as a program or a spreadsheet parses them."""

import csv
import json
import logging
import tracemalloc
from datetime import UTC, date, datetime
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conversations.examples import bulk as bulk_examples
from conversations.exports.search_results import TRUNCATED, Export, file_name, problems_with
from conversations.models import Conversation, Team
from conversations.query import parse
from conversations.search import Search
from tests.factories import make_conversation, make_credential, make_team, make_user
from tests.html import HOSTILE

pytestmark = pytest.mark.django_db

FIXED = ["id", "credential", "state", "created", "last read", "added by", "origin", "url"]


def text_of(user: User, format_: str = "csv", metadata: str = "columns", q: str = "", **options: Any) -> str:
    return "".join(Export(Search.for_user(parse(q), user), format_, metadata, **options).chunks())


def table(text: str) -> list[list[str]]:
    return list(csv.reader(StringIO(text.removeprefix("\ufeff"), newline="")))


def records(text: str) -> list[dict[str, str]]:
    header, *rows = table(text)
    return [dict(zip(header, row, strict=True)) for row in rows]


def strictly(text: str) -> list[list[str]]:
    return list(csv.reader(StringIO(text, newline=""), strict=True))


def ids(text: str) -> list[str]:
    return [json.loads(line)["id"] for line in text.splitlines()]


def break_row(conversation: Conversation) -> None:
    """Make its row unreadable: Python refuses numbers with this many digits."""
    unreadable = f'{{"n": {"1" * 5_000}}}'
    with connection.cursor() as cursor:
        sql = "UPDATE conversations_conversation SET metadata = %s WHERE id = %s"
        cursor.execute(sql, [unreadable, conversation.pk])


def test_says_of_a_conversation_what_the_index_holds(superuser: User) -> None:
    created_at = datetime(2026, 5, 1, 12, 0, 3, tzinfo=UTC)
    row = make_conversation(
        make_credential(name="Support"),
        {"b": "2", "a": "1"},
        created_at=created_at,
        added_by=superuser,
        state="missing",
    )
    Conversation.objects.update(read_at=datetime(2026, 5, 2, 8, 30, 0, 250_000, tzinfo=UTC))
    facts = {
        "id": row.openai_id,
        "credential": "Support",
        "state": "missing",
        "created": "2026-05-01T12:00:03Z",
        "last_read": "2026-05-02T08:30:00Z",
        "added_by": "root",
        "origin": "created",
        "url": f"https://here/conversations/{row.pk}/",
        "metadata": {"b": "2", "a": "1"},
    }
    exported = json.loads(text_of(superuser, "json", site="https://here"))
    assert exported == [facts]
    assert list(exported[0]["metadata"]) == ["b", "a"]
    assert json.loads(text_of(superuser, "jsonl", site="https://here")) == facts
    assert table(text_of(superuser, site="https://here"))[1] == [*list(facts.values())[:-1], "1", "2"]


@pytest.mark.parametrize(
    "value", [*HOSTILE, "a,b;c", 'say "hi"', "a\rb", "\u2028", "'quoted'", "a=b", "a;b=1", "1 + 1"]
)
def test_a_value_comes_back_as_it_is(superuser: User, value: str) -> None:
    make_conversation(make_credential(), {"key": value})
    assert records(text_of(superuser))[0]["metadata.key"] == (f"'{value}" if value.startswith("\n") else value)
    assert json.loads(records(text_of(superuser, metadata="json"))[0]["metadata"]) == {"key": value}
    assert json.loads(text_of(superuser, "json"))[0]["metadata"] == {"key": value}
    assert json.loads(text_of(superuser, "jsonl"))["metadata"] == {"key": value}


@pytest.mark.parametrize(
    "value", ["=1+1", "+49 30 1", "-5", "@SUM(A1)", "\tx", "\rx", "\nx", " =1", "＝1", "－1", "=", "-"]
)
def test_no_cell_is_a_formula(superuser: User, value: str) -> None:
    make_conversation(make_credential(name=f"{value.strip()}name"), {"key": value, "=key": "x"})
    (record,) = records(text_of(superuser))
    assert record["metadata.key"] == f"'{value}"
    assert not any(cell[:1] in {*"=+-@\t\r"} - {""} for cell in [*record, *record.values()])
    assert json.loads(text_of(superuser, "json"))[0]["metadata"]["key"] == value


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("a;=1+1", "a;'=1+1"),
        ("a; =1;@b", "a;' =1;'@b"),
        ("a\t+1", "a\t'+1"),
        ("a\n-1\r\n＠x", "a\n'-1\r\n'＠x"),
        ("\t=1", "'\t'=1"),
        (";;=1", ";;'=1"),
        ("a\u2028=1", "a\u2028'=1"),
    ],
)
def test_no_part_of_a_cell_is_a_formula_where_cells_are_split_otherwise(superuser: User, value: str, cell: str) -> None:
    make_conversation(make_credential(), {"key": value})
    assert records(text_of(superuser))[0]["metadata.key"] == cell


@pytest.mark.parametrize("value", ["a;=1", "a; -1", "a\u2028＝1"])
def test_metadata_in_one_cell_is_json_without_a_formula(superuser: User, value: str) -> None:
    make_conversation(make_credential(), {"key": value})
    cell = records(text_of(superuser, metadata="json"))[0]["metadata"]
    assert json.loads(cell) == {"key": value}
    assert value not in cell


def test_values_that_are_no_text_stay_what_they_are_in_json(superuser: User) -> None:
    metadata = {"n": 1.5, "list": ["é", None], "no": False}
    make_conversation(make_credential(), metadata)
    assert json.loads(text_of(superuser, "json"))[0]["metadata"] == metadata
    (record,) = records(text_of(superuser))
    assert [record[f"metadata.{key}"] for key in metadata] == ["1.5", '["é", null]', "false"]


def test_letters_are_written_as_they_are(superuser: User) -> None:
    make_conversation(make_credential(), {"ключ": "😀"})
    for format_, metadata in (("csv", "columns"), ("csv", "json"), ("json", ""), ("jsonl", "")):
        text = text_of(superuser, format_, metadata)
        assert "ключ" in text
        assert "😀" in text
        assert text.startswith("\ufeff") == (format_ == "csv")


def test_csv_is_as_rfc_4180_has_it(superuser: User) -> None:
    make_conversation(make_credential(), {"key": 'a "b"\nc'})
    text = text_of(superuser)
    assert text.endswith(',"a ""b""\nc"\r\n')
    assert text.count("\r\n") == 2


def test_keys_are_columns_the_most_frequent_first_and_marked_as_such(superuser: User) -> None:
    credential = make_credential()
    for metadata in ({"state": "mine", "b": "1"}, {"b": "2"}, {"a": "3"}):
        make_conversation(credential, metadata)
    make_conversation(credential, {"elsewhere": "x"}, state="removed")
    header, *_ = table(text_of(superuser, q="-state:removed"))
    assert header == [*FIXED, "metadata.b", "metadata.a", "metadata.state"]


def test_chosen_columns_come_first_even_if_no_conversation_has_them(superuser: User) -> None:
    make_conversation(make_credential(), {"b": "1", "a": "2"})
    header, row = table(text_of(superuser, columns=("a", "none")))
    assert header[8:] == ["metadata.a", "metadata.none", "metadata.b"]
    assert row[8:] == ["2", "", "1"]


def test_keys_beyond_the_columns_stand_in_the_last(superuser: User) -> None:
    credential = make_credential()
    for number in range(16):
        make_conversation(credential, {f"key {number * 13 + place:03}": "x" for place in range(13)})
    header, *_ = table(text_of(superuser))
    assert header[8:] == [*(f"metadata.key {number:03}" for number in range(200)), "other metadata"]
    rest = [record["other metadata"] for record in records(text_of(superuser))]
    assert [json.loads(text) for text in rest if text] == [{f"key {number}": "x" for number in range(200, 208)}]


def test_of_many_matches_the_keys_of_the_index_are_the_columns(superuser: User) -> None:
    credential = make_credential()
    make_conversation(credential, {"rare": "1", "k" * 501: "too long for the index"})
    for _ in range(5):
        make_conversation(credential, {"frequent": "2"})
    written = records(text_of(superuser, batch=2))
    assert list(written[0])[8:] == ["metadata.frequent", "metadata.rare", "other metadata"]
    others = [record["other metadata"] for record in written]
    assert [json.loads(text) for text in others if text] == [{"k" * 501: "too long for the index"}]


@pytest.mark.parametrize("batch", [2, 1000])
def test_keys_of_others_are_no_columns_r23(batch: int) -> None:
    mine, theirs, both = make_team(), make_team(), make_team()
    for team, key in ((mine, "mine"), (theirs, "theirs"), (both, "both")):
        credential = make_credential(teams=[team])
        for _ in range(4):
            make_conversation(credential, {"tenant": "acme", key: "x"})
    header, *rows = table(text_of(make_user(teams=[mine, both]), batch=batch))
    assert set(header[8:]) - {"other metadata"} == {"metadata.tenant", "metadata.both", "metadata.mine"}
    assert len(rows) == 8


@pytest.mark.parametrize(("format_", "text"), [("json", "[\n]\n"), ("jsonl", ""), ("csv", "\ufeff" + ",".join(FIXED))])
def test_nothing_is_a_whole_file_too(superuser: User, format_: str, text: str) -> None:
    assert text_of(superuser, format_).rstrip("\r\n") == text.rstrip()


@pytest.mark.parametrize("batch", [1, 3, 7, 100])
def test_batches_hold_all_in_order(superuser: User, batch: int) -> None:
    rows = [make_conversation(make_credential(), created_at=datetime(2026, 5, day, tzinfo=UTC)) for day in range(1, 8)]
    oldest_first = [row.openai_id for row in rows]
    assert ids(text_of(superuser, "jsonl", batch=batch)) == oldest_first[::-1]
    assert ids(text_of(superuser, "jsonl", batch=batch, oldest_first=True)) == oldest_first
    assert [row["id"] for row in json.loads(text_of(superuser, "json", batch=batch))] == oldest_first[::-1]
    assert [record["id"] for record in records(text_of(superuser, batch=batch))] == oldest_first[::-1]


def test_what_is_purged_or_transferred_meanwhile_is_left_out_r23(operator: User, team: Team) -> None:
    own, foreign = make_credential(teams=[team]), make_credential()
    rows = [make_conversation(own, created_at=datetime(2026, 5, day, tzinfo=UTC)) for day in range(1, 5)]
    chunks = Export(Search.for_user(parse(""), operator), "jsonl", oldest_first=True, batch=1).chunks()
    first = next(chunks)
    rows[1].transfer(foreign)
    rows[2].purge()
    assert ids(first + "".join(chunks)) == [rows[0].openai_id, rows[3].openai_id]


def test_one_that_is_transferred_meanwhile_is_written_once(superuser: User) -> None:
    old, new = make_credential(), make_credential()
    moved = make_conversation(old, created_at=datetime(2026, 4, 1, tzinfo=UTC))
    for _ in range(66):  # more than the first block of a walk
        make_conversation(new)
    chunks = Export(Search.for_user(parse(""), superuser), "jsonl", batch=10).chunks()
    first = next(chunks)
    moved.transfer(new)
    assert ids(first + "".join(chunks)).count(moved.openai_id) == 1


@pytest.mark.parametrize(("format_", "metadata"), [("csv", "columns"), ("csv", "json"), ("json", ""), ("jsonl", "")])
def test_a_failure_in_the_middle_leaves_no_whole_file(
    superuser: User, caplog: pytest.LogCaptureFixture, format_: str, metadata: str
) -> None:
    rows = [make_conversation(make_credential(), {"k": "v"}) for _ in range(8)]
    oldest = min(rows, key=lambda row: row.sort_key)
    break_row(oldest)
    written: list[str] = []
    with caplog.at_level(logging.ERROR), pytest.raises(ValueError, match="digits"):
        written.extend(Export(Search.for_user(parse(""), superuser), format_, metadata, batch=2).chunks())
    # `extend` keeps what came before the failure.
    text = "".join(written)
    assert "conv_" in text
    assert oldest.openai_id not in text
    assert text.endswith(TRUNCATED)
    assert "An export was cut off" in caplog.text
    with pytest.raises((json.JSONDecodeError, csv.Error)):
        {"csv": strictly, "json": json.loads, "jsonl": ids}[format_](text)


def test_a_file_that_fails_at_once_is_not_begun(superuser: User) -> None:
    break_row(make_conversation(make_credential()))
    chunks = Export(Search.for_user(parse(""), superuser), "jsonl").chunks()
    with pytest.raises(ValueError, match="digits"):
        next(chunks)


@pytest.mark.long
def test_reads_no_more_than_a_batch_before_the_first_text(superuser: User) -> None:
    for _ in bulk_examples.add_conversations(3_000, added_by=None):
        pass
    with CaptureQueriesContext(connection) as queries:
        chunks = Export(Search.for_user(parse(""), superuser), "jsonl").chunks()
        first = next(chunks)
    assert first.count("\n") == 1_000
    assert sum("metadata" in query["sql"] for query in queries) == 1
    tracemalloc.start()
    size = sum(len(chunk) for chunk in Export(Search.for_user(parse(""), superuser), "jsonl", batch=100).chunks())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 1_000_000
    assert peak < 1_000_000


def test_statements_grow_with_batches_and_not_with_rows(superuser: User) -> None:
    credential, counts = make_credential(), []
    for more, batch in ((12, 100), (24, 100), (0, 9)):
        for _ in range(more):
            make_conversation(credential, {"k": "v"}, added_by=superuser)
        with CaptureQueriesContext(connection) as queries:
            text_of(superuser, batch=batch)
        counts.append(len(queries))
    one, more_rows, more_batches = counts
    assert more_rows == one
    assert more_batches == one + 3 + 1  # and one for the keys of the index


def test_reads_no_secret(superuser: User) -> None:
    make_conversation(make_credential(), added_by=superuser)
    with CaptureQueriesContext(connection) as queries:
        text_of(superuser)
    assert not any("sealed_key" in query["sql"] or "password" in query["sql"] for query in queries)


@pytest.mark.parametrize(
    ("q", "name"),
    [
        ("tenant:acme env:prod", "conversations tenant-acme env-prod 2026-11-24.csv"),
        ("", "conversations 2026-11-24.csv"),
        ("-state:removed", "conversations not-state-removed 2026-11-24.csv"),
        ('note:"two words"', "conversations note-two-words 2026-11-24.csv"),
        ("name:José ключ:ж", "conversations name-Jose 2026-11-24.csv"),
        ('path:"../../etc\\"x" r:"a\nb"', "conversations path-..-..-etc-x r-a-b 2026-11-24.csv"),
        ("has:" + "x" * 64 + " a:" + "y" * 64, f"conversations has-{'x' * 64} a-{'y' * 9} 2026-11-24.csv"),
    ],
)
def test_a_file_is_named_for_its_search(q: str, name: str) -> None:
    assert file_name(parse(q), "csv", date(2026, 11, 24)) == name


def test_says_what_to_write_instead_of_an_unknown_format() -> None:
    assert problems_with("csv", "json") == []
    assert problems_with("xlsx", "rows") == [
        "format=xlsx is unknown. Use format=csv or format=json or format=jsonl.",
        "metadata=rows is unknown. Use metadata=columns or metadata=json.",
    ]
