"""Which instants the dates of a search mean (R21), in any zone and on the days when clocks change."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest

from conversations.query import DateClause, parse

NOW = datetime(2026, 6, 15, 22, 30, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def bounds(text: str, zone: tzinfo = UTC, now: datetime = NOW) -> tuple[str, str]:
    term = parse(f"created:{text}").clauses[0]
    assert isinstance(term, DateClause)
    start, end = (edge and edge.isoformat().removesuffix("+00:00") for edge in term.bounds(now, zone))
    return start or "", end or ""


IN_UTC = [
    ("2026", "2026-01-01T00:00:00", "2027-01-01T00:00:00"),
    ("2026-01", "2026-01-01T00:00:00", "2026-02-01T00:00:00"),
    ("2026-12", "2026-12-01T00:00:00", "2027-01-01T00:00:00"),
    ("2024-02-29", "2024-02-29T00:00:00", "2024-03-01T00:00:00"),
    (">2026-01-01", "2026-01-02T00:00:00", ""),
    (">=2026-01-01", "2026-01-01T00:00:00", ""),
    ("<2026-01-01", "", "2026-01-01T00:00:00"),
    ("<=2026-01-01", "", "2026-01-02T00:00:00"),
    (">2026-01", "2026-02-01T00:00:00", ""),
    ("<=2026", "", "2027-01-01T00:00:00"),
    ("2026-01-01..2026-01-03", "2026-01-01T00:00:00", "2026-01-04T00:00:00"),
    ("2026-01-01..2026-01-01", "2026-01-01T00:00:00", "2026-01-02T00:00:00"),
    ("2026-05..2026", "2026-05-01T00:00:00", "2027-01-01T00:00:00"),
    ("2026-01-01..", "2026-01-01T00:00:00", ""),
    ("..2026-01-01", "", "2026-01-02T00:00:00"),
    ("today", "2026-06-15T00:00:00", "2026-06-16T00:00:00"),
    ("Yesterday", "2026-06-14T00:00:00", "2026-06-15T00:00:00"),
    ("<today", "", "2026-06-15T00:00:00"),
    ("yesterday..today", "2026-06-14T00:00:00", "2026-06-16T00:00:00"),
    ("7d", "2026-06-08T22:30:00", ""),
    ("007D", "2026-06-08T22:30:00", ""),
    ("24h", "2026-06-14T22:30:00", ""),
    ("2w", "2026-06-01T22:30:00", ""),
    ("14d..7d", "2026-06-01T22:30:00", "2026-06-08T22:30:00"),
    ("7d..", "2026-06-08T22:30:00", ""),
    ("..7d", "", "2026-06-08T22:30:00"),
    ("2026-06-01..7d", "2026-06-01T00:00:00", "2026-06-08T22:30:00"),
    ("2026-12-01..today", "2026-12-01T00:00:00", "2026-12-01T00:00:00"),
    ("2026-01-01T10:30", "2026-01-01T10:30:00", "2026-01-01T10:31:00"),
    ("2026-01-01T10:30:15", "2026-01-01T10:30:15", "2026-01-01T10:30:16"),
    (">2026-01-01T10:30", "2026-01-01T10:31:00", ""),
    ("<=2026-01-01T10:30:15Z", "", "2026-01-01T10:30:16"),
    (">=2026-01-01T10:30+02:00", "2026-01-01T08:30:00", ""),
    (">=2026-01-01T10:30-0530", "2026-01-01T16:00:00", ""),
    (">=2026-01-01t10:30z", "2026-01-01T10:30:00", ""),
    ('"2026-01-01 10:30"', "2026-01-01T10:30:00", "2026-01-01T10:31:00"),
    ("<2026-01-01T10:30:15.25", "", "2026-01-01T10:30:15.250000"),
]


@pytest.mark.parametrize(("text", "start", "end"), IN_UTC)
def test_bounds_in_utc(text: str, start: str, end: str) -> None:
    assert bounds(text) == (start, end)


@pytest.mark.parametrize(
    ("text", "zone", "start", "end"),
    [
        ("2026-01-01", "Europe/Berlin", "2025-12-31T23:00:00", "2026-01-01T23:00:00"),
        ("today", "Europe/Berlin", "2026-06-15T22:00:00", "2026-06-16T22:00:00"),
        ("yesterday", "America/New_York", "2026-06-14T04:00:00", "2026-06-15T04:00:00"),
        # 23 and 25 hours
        ("2026-03-29", "Europe/Berlin", "2026-03-28T23:00:00", "2026-03-29T22:00:00"),
        ("2026-10-25", "Europe/Berlin", "2026-10-24T22:00:00", "2026-10-25T23:00:00"),
        # midnight is skipped; midnight happens twice; the whole day is skipped
        ("2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00:00", "2018-11-05T02:00:00"),
        ("2025-11-02", "America/Havana", "2025-11-02T04:00:00", "2025-11-03T05:00:00"),
        ("2011-12-30", "Pacific/Apia", "2011-12-30T10:00:00", "2011-12-30T10:00:00"),
        # the first of two, and a clock time that does not exist
        ("2026-10-25T02:30", "Europe/Berlin", "2026-10-25T00:30:00", "2026-10-25T00:31:00"),
        ("2026-03-29T02:30", "Europe/Berlin", "2026-03-29T01:30:00", "2026-03-29T01:31:00"),
        ("1970-01-01", "Pacific/Kiritimati", "1970-01-01T10:40:00", "1970-01-02T10:40:00"),
        ("9998-12-31", "Pacific/Kiritimati", "9998-12-30T10:00:00", "9998-12-31T10:00:00"),
    ],
)
def test_bounds_in_a_zone(text: str, zone: str, start: str, end: str) -> None:
    assert bounds(text, ZoneInfo(zone)) == (start, end)


def test_an_age_is_hours_even_when_the_clocks_change() -> None:
    after_change = datetime(2026, 3, 30, 12, tzinfo=BERLIN)
    assert bounds("7d", BERLIN, after_change)[0] == "2026-03-23T10:00:00"


def test_an_empty_range_of_mixed_dates_ends_where_it_begins() -> None:
    start, end = bounds("today..2w")
    assert start == end


@pytest.mark.parametrize("zone", [UTC, BERLIN, timezone(timedelta(hours=-12)), timezone(timedelta(hours=14))])
def test_a_day_after_another_begins_where_that_ends(zone: tzinfo) -> None:
    assert bounds("2026-03-29", zone)[1] == bounds("2026-03-30", zone)[0] == bounds(">2026-03-29", zone)[0]


REFUSED = [
    ("", "created:2026-01-31"),
    (">", "right after the sign"),
    ("foo", "This isn’t a date"),
    ("~2026", "This isn’t a date"),
    ("2026*", "This isn’t a date"),
    ("20260101", "This isn’t a date"),
    ("2026-1-1", "This isn’t a date"),
    ("30m", "This isn’t a date"),
    ("-7d", "This isn’t a date"),
    ("٢٠٢٦", "This isn’t a date"),
    ("2026-01-01T10", "This isn’t a date"),
    ("2026-02-30", "There’s no such day"),
    ("2026-00", "There’s no such day"),
    ("2026-13", "There’s no such day"),
    ("2026-01-00", "There’s no such day"),
    ("2026-01-01T24:00", "There’s no such day"),
    ("2026-01-01T10:30:60", "There’s no such day"),
    ("2026-01-01T10:30+24:00", "There’s no such day"),
    ("2026-01-01T10:30+01:60", "59 minutes"),
    ("0000", "a year from 1970 to 9998"),
    ("0000-01-01T10:30", "There’s no such day"),
    ("1969-12-31", "a year from 1970 to 9998"),
    ("9999-12-31", "a year from 1970 to 9998"),
    ("9999-12-31T23:59:59", "a year from 1970 to 9998"),
    ("0d", "a number from 1 to 36500"),
    ("36501d", "a number from 1 to 36500"),
    ("999999999d", "a number from 1 to 36500"),
    ("9" * 5_000 + "h", "a number from 1 to 876000"),
    (">7d", "Leave > out for the last 7 days"),
    ("<=24h", "put a minus before the whole search term"),
    ("..", "on at least one side"),
    ("2026-02..2026-01", "Write 2026-01..2026-02"),
    ("today..yesterday", "Write yesterday..today"),
    ("7d..14d", "Write 14d..7d"),
    ("2026-01-01T10:30Z..2026-01-01T10:30+02:00", "ends before it begins"),
    ("2026-01-02T10:30..2026-01-01", "ends before it begins"),
    ("2026-01-01...2026-01-02", "This isn’t a date"),
    ("2026-01-01,2026-01-02", "one date or one range"),
]


@pytest.mark.parametrize(("text", "advice"), REFUSED)
def test_a_date_that_is_not_understood_says_what_to_write(text: str, advice: str) -> None:
    query = parse(f"-created:{text}")
    assert query.clauses == ()
    assert advice in query.problems[0].message


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("CREATED:Today", "created:today"),
        ("read:007D", "read:7d"),
        ('created:"2026-01-01 10:30"', "created:2026-01-01T10:30"),
        ("created:2026-01-01T10:30+00:00", "created:2026-01-01T10:30Z"),
        ("created:2026-01-01T10:30+0200..", "created:2026-01-01T10:30+02:00.."),
        ("created:>=2026-01-01T10:30:15.5", "created:>=2026-01-01T10:30:15.500000"),
        ("created:>2026 created:<2027 -read:7d", "created:>2026 created:<2027 -read:7d"),
    ],
)
def test_canonical_text(text: str, canonical: str) -> None:
    assert str(parse(text)) == canonical
    assert parse(canonical) == parse(text)
