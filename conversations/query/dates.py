"""The dates of the search language: text → DateRange → text, and the instants that it stands for at a given time.

A date stays as it was written, so that a parsed query does not change with the clock:

    2026 · 2026-01 · 2026-01-31            a whole year, month or day, in the zone given to `bounds`
    2026-01-31T10:30 · …:15 · …Z · …+02:00 a minute or second, in that zone or in its own
    today · yesterday                      a day
    24h · 7d · 2w                          since that many hours, days of 24 hours, or weeks of 168 ago

`>d` begins when d has ended, `>=d` when it begins; `<d` ends before d begins, `<=d` when it has ended; `a..b`
holds both ends, `a..` and `..b` one. `7d` has no end, so that its opposite is "older". Comparing with an age
(`>7d`) is refused, because people read it both ways. Where a clock time happens twice, the first is meant.
Years run from 1970 (the API counts seconds from there) to 9998 (the year after must exist).
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo

FIRST_YEAR, LAST_YEAR = 1970, 9998
MAX_AGE = timedelta(days=36_500)

Bounds = tuple[datetime | None, datetime | None]

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_AGE = re.compile(r"([0-9]+)([hdw])")
_CALENDAR = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_CLOCK = re.compile(
    r"(?P<minute>[0-9]{4}-[0-9]{2}-[0-9]{2}[t ][0-9]{2}:[0-9]{2})"
    r"(?P<second>:[0-9]{2}(?P<fraction>\.[0-9]{1,6})?)?"
    r"(?P<offset>z|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_UNIT_NAMES = {"h": "hour", "d": "day", "w": "week"}
_STEPS = {
    "minutes": timedelta(minutes=1),
    "seconds": timedelta(seconds=1),
    "microseconds": timedelta(microseconds=1),
}


class NotADate(ValueError):
    """The text is no date; the message says why and, if it is `complete`, what to write instead."""

    def __init__(self, message: str, *, complete: bool = False) -> None:
        super().__init__(message)
        self.complete = complete


@dataclass(frozen=True)
class CalendarDate:
    """A whole year, month or day."""

    year: int
    month: int | None = None
    day: int | None = None

    @property
    def clock_family(self) -> str:
        """Moments of one family can be put in order without a clock or a zone."""
        return "local"

    @property
    def preposition(self) -> str:
        """The word between "created" and this point."""
        return "on" if self.day else "in"

    def start(self, now: datetime, zone: tzinfo) -> datetime:
        """The first instant, in UTC."""
        return _midnight(date(self.year, self.month or 1, self.day or 1), zone)

    def end(self, now: datetime, zone: tzinfo) -> datetime:
        """The first instant after it, in UTC."""
        if self.month is None:
            following = date(self.year + 1, 1, 1)
        elif self.day is None:
            following = date(self.year + self.month // 12, self.month % 12 + 1, 1)
        else:
            following = date(self.year, self.month, self.day) + timedelta(days=1)
        return _midnight(following, zone)

    def __str__(self) -> str:
        """As it is typed: 2026, 2026-01 or 2026-01-31."""
        parts = [f"{self.year:04}", *(f"{part:02}" for part in (self.month, self.day) if part is not None)]
        return "-".join(parts)

    def label(self) -> str:
        """As people write it: 31 Jan 2026."""
        day = [str(self.day)] if self.day else []
        month = [_MONTHS[self.month - 1]] if self.month else []
        return " ".join([*day, *month, str(self.year)])


@dataclass(frozen=True)
class NamedDay:
    """Today or yesterday."""

    name: str

    clock_family = "day"
    preposition = "is"

    def start(self, now: datetime, zone: tzinfo) -> datetime:
        """The first instant, in UTC."""
        return _midnight(self._day(now, zone), zone)

    def end(self, now: datetime, zone: tzinfo) -> datetime:
        """The first instant after it, in UTC."""
        return _midnight(self._day(now, zone) + timedelta(days=1), zone)

    def _day(self, now: datetime, zone: tzinfo) -> date:
        return now.astimezone(zone).date() - timedelta(days=1 if self.name == "yesterday" else 0)

    def __str__(self) -> str:
        return self.name

    def label(self) -> str:
        return self.name


@dataclass(frozen=True)
class ClockTime:
    """A minute, second or microsecond; `at` is aware if the offset was written, else in the zone of the list."""

    at: datetime
    precision: str = "minutes"

    preposition = "at"

    @property
    def clock_family(self) -> str:
        """Moments of one family can be put in order without a clock or a zone."""
        return "absolute" if self.at.tzinfo else "local"

    def start(self, now: datetime, zone: tzinfo) -> datetime:
        """The first instant, in UTC."""
        return (self.at if self.at.tzinfo else self.at.replace(tzinfo=zone)).astimezone(UTC)

    def end(self, now: datetime, zone: tzinfo) -> datetime:
        """The first instant after it, in UTC."""
        return self.start(now, zone) + _STEPS[self.precision]

    def __str__(self) -> str:
        """As it is typed, with Z for UTC."""
        return self.at.isoformat(timespec=self.precision).replace("+00:00", "Z")

    def label(self) -> str:
        """As people write it: 31 Jan 2026 10:30 UTC."""
        day = CalendarDate(self.at.year, self.at.month, self.at.day).label()
        clock = self.at.replace(tzinfo=None).isoformat(timespec=self.precision).partition("T")[2]
        return f"{day} {clock} {self.at.tzname() or ''}".rstrip()


@dataclass(frozen=True)
class Ago:
    """The instant so many hours, days of 24 hours or weeks before now."""

    amount: int
    unit: str

    clock_family = "age"
    preposition = "in the last"

    def start(self, now: datetime, zone: tzinfo) -> datetime:
        return now.astimezone(UTC) - self.amount * _UNITS[self.unit]

    end = start

    def __str__(self) -> str:
        return f"{self.amount}{self.unit}"

    def label(self) -> str:
        """As people write it: 7 days."""
        return f"{self.amount} {_UNIT_NAMES[self.unit]}{'' if self.amount == 1 else 's'}"


Point = CalendarDate | NamedDay | ClockTime | Ago

_COMPARISONS = {">=": "from", "<=": "up to", ">": "after", "<": "before"}


@dataclass(frozen=True)
class DateRange:
    """A stretch of time as written: relation is "" (within first), a comparison with first, or ".."."""

    relation: str
    first: Point | None
    last: Point | None = None

    def bounds(self, now: datetime, zone: tzinfo) -> Bounds:
        """Half-open [start, end) in UTC, None where open; `now` is aware; an empty range has start == end."""
        start, end = self._edges(now, zone)
        if start is not None and end is not None:
            end = max(start, end)
        return start, end

    def _edges(self, now: datetime, zone: tzinfo) -> Bounds:
        if self.first is None or self.relation in ("", ".."):
            last = self.last if self.relation else _until(self.first)
            return (
                self.first.start(now, zone) if self.first else None,
                last.end(now, zone) if last else None,
            )
        # ">d" starts where d ends, and "<=d" ends there; the other two use its start.
        edge = (self.first.end if self.relation in (">", "<=") else self.first.start)(now, zone)
        return (edge, None) if self.relation.startswith(">") else (None, edge)

    def __str__(self) -> str:
        if self.relation == "..":
            return f"{self.first or ''}..{self.last or ''}"
        return f"{self.relation}{self.first}"

    def label(self) -> tuple[str, str]:
        """The relation and the value in plain words: ("after", "1 Oct 2026")."""
        if self.relation == ".." and self.first and self.last:
            return "between", f"{_point_label(self.first)} and {_point_label(self.last)}"
        point = self.first or self.last
        if point is None:
            return "is", "any time"
        if self.relation == "..":
            return ("from" if self.first else "up to"), _point_label(point)
        return _COMPARISONS.get(self.relation, point.preposition), point.label()


def parse_range(text: str) -> DateRange:
    """Read what follows `created:`; raises NotADate with a sentence for the person who typed it."""
    lowered = text.strip().lower()
    for sign in _COMPARISONS:
        if lowered.startswith(sign):
            return _compared(sign, lowered.removeprefix(sign).strip())
    first, dots, last = lowered.partition("..")
    if not dots:
        return DateRange("", _read_point(lowered))
    if not first and not last:
        raise NotADate("A range needs a date on at least one side of the dots.")
    found = DateRange("..", _read_point(first) if first else None, _read_point(last) if last else None)
    _refuse_backwards(found)
    return found


def _compared(sign: str, text: str) -> DateRange:
    if not text:
        raise NotADate(f"There’s no date after {sign}. Write it right after the sign, without a space.")
    point = _read_point(text)
    if isinstance(point, Ago):
        raise NotADate(
            f"{sign}{point} can be read in two ways. Leave {sign} out for the last {point.label()}, "
            "or put a minus before the whole search term for anything older.",
            complete=True,
        )
    return DateRange(sign, point)


def _refuse_backwards(found: DateRange) -> None:
    first, last = found.first, found.last
    if first is None or last is None or first.clock_family != last.clock_family:
        return
    # Dates of one family compare the same on every day, so any day will do.
    any_day = datetime(2026, 6, 15, 12, tzinfo=UTC)
    if first.start(any_day, UTC) >= last.end(any_day, UTC):
        raise NotADate(f"The range ends before it begins. Write {last}..{first}.", complete=True)


def _read_point(text: str) -> Point:
    """One date of the grammar above, already in lower case."""
    if text in ("today", "yesterday"):
        return NamedDay(text)
    if age := _AGE.fullmatch(text):
        return _ago(age[1], age[2])
    try:
        if calendar := _CALENDAR.fullmatch(text):
            return _calendar(*(int(part) if part else None for part in calendar.groups()))
        if clock := _CLOCK.fullmatch(text):
            return _clock(clock)
    except NotADate:
        raise
    except ValueError:
        raise NotADate("There’s no such day or time.") from None
    raise NotADate("This isn’t a date.")


def _ago(digits: str, unit: str) -> Ago:
    most = MAX_AGE // _UNITS[unit]
    # The length comes first: int() refuses very long numbers.
    if len(digits) > 9 or not 1 <= int(digits) <= most:
        raise NotADate(f"Write a number from 1 to {most} before the {unit}.", complete=True)
    return Ago(int(digits), unit)


def _calendar(year: int | None, month: int | None, day: int | None) -> CalendarDate:
    _check_year(year or 0)
    found = CalendarDate(year or 0, month, day)
    date(found.year, 1 if month is None else month, 1 if day is None else day)
    return found


def _clock(match: re.Match[str]) -> ClockTime:
    precision = "microseconds" if match["fraction"] else "seconds" if match["second"] else "minutes"
    at = datetime.strptime(match["minute"].replace(" ", "t"), "%Y-%m-%dt%H:%M")
    _check_year(at.year)
    at = at.replace(
        second=int(match["second"][1:3]) if match["second"] else 0,
        microsecond=int(match["fraction"][1:].ljust(6, "0")) if match["fraction"] else 0,
        tzinfo=_offset(match["offset"]),
    )
    return ClockTime(at, precision)


def _offset(text: str | None) -> tzinfo | None:
    if not text:
        return None
    if text == "z":
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    if int(digits[2:]) > 59:
        raise NotADate("An offset has at most 59 minutes.")
    size = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-size if text[0] == "-" else size) if size else UTC


def _check_year(year: int) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise NotADate(f"Write a year from {FIRST_YEAR} to {LAST_YEAR}.", complete=True)


def _until(point: Point | None) -> Point | None:
    """Where a single point ends: an age has no end, so that clocks a little ahead of ours still count."""
    return None if isinstance(point, Ago) else point


def _point_label(point: Point) -> str:
    return f"{point.label()} ago" if isinstance(point, Ago) else point.label()


def _midnight(day: date, zone: tzinfo) -> datetime:
    """The first instant of a day in the zone: right on the days whose midnight is skipped or happens twice."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
