"""What templates show often: a time, some metadata, a state."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from django import template
from django.utils import timezone
from django.utils.safestring import SafeString

from ..metadata import as_text
from ..models import JobOutcome, Outcome, State
from ..models.choices import Stage
from ..pages.job_progress import TONES as JOB_TONES
from .items import exact
from .markup import filled, filled_each

register = template.Library()

CHIPS = 4
CHIP_LENGTH = 60  # characters of a value that a chip holds; the page of the conversation shows all
STATE_TONES = {
    State.ACTIVE: "good",
    State.DIFFERS: "warn",
    State.MISSING: "bad",
    State.REMOVED: "off",
    State.UNREAD: "info",
}
OUTCOME_TONES = {
    Outcome.PENDING: "info",
    Outcome.SUCCEEDED: "good",
    Outcome.REFUSED: "warn",
    Outcome.FAILED: "off",
    Outcome.UNKNOWN: "bad",
    Outcome.STOPPED: "warn",
}
STAGE_TONES = {Stage.RUNNING: "info", Stage.STOPPED: "warn", Stage.FINISHED: "good", Stage.CLOSED: "bad"}
_STEPS = ((60, 1, "s"), (3600, 60, "min"), (86_400, 3600, "h"))


@register.simple_tag
def when(time: datetime | None) -> SafeString:
    """A relative time, with the absolute time in UTC as its title; "never" without one."""
    if time is None:
        return filled("never")
    time = time.astimezone(UTC)
    absolute = f"{time:%Y-%m-%d %H:%M:%S}"
    machine = f"{absolute.replace(' ', 'T')}+00:00"
    return filled('<time datetime="%s" title="%s UTC">%s</time>', machine, absolute, _ago(time))


def _ago(time: datetime) -> str:
    seconds = (timezone.now() - time).total_seconds()
    if seconds < 5:
        return "just now"
    for limit, unit, name in _STEPS:
        if seconds < limit:
            return f"{int(seconds // unit)} {name} ago"
    days = int(seconds // 86_400)
    if days == 1:
        return "yesterday"
    return f"{days} days ago" if days < 30 else f"{time.day} {time:%b %Y}"


@register.simple_tag
def chips(metadata: Mapping[str, Any]) -> SafeString:
    """The first pairs of a map, one chip each. Built in Python for the list, as its rows are (see `listing`)."""
    shown, more = _first_chips(metadata)
    return filled('%s<span class="chip chip-more">+%s</span>', shown, more) if more > 0 else shown


@register.simple_tag
def chips_that_fit(metadata: Mapping[str, Any]) -> SafeString:
    """The same on one line, of which a script says how many more there are than fit."""
    shown, more = _first_chips(metadata)
    words = f"+{more}" if more > 0 else ""
    return filled(
        '<div class="chips-line">%s</div><span class="chip-more" data-more="%s">%s</span>', shown, more, words
    )


def _first_chips(metadata: Mapping[str, Any]) -> tuple[SafeString, int]:
    """The chips of the first pairs, and how many more there are."""
    pairs = [(key, as_text(metadata[key])) for key in islice(metadata, CHIPS)]
    shown = filled_each(
        '<span class="chip"><b>%s</b><span>%s</span></span>',
        ((exact(shortened(key)), exact(shortened(value))) for key, value in pairs),
    )
    return shown, len(metadata) - len(pairs)


def shortened(value: str) -> str:
    """A value, as much of it as fits into a chip or cell."""
    if not value:
        return "(empty)"
    return value if len(value) <= CHIP_LENGTH else f"{value[:CHIP_LENGTH]}…"


@register.simple_tag
def badge(state: str) -> SafeString:
    """The state of a conversation."""
    known = State(state)
    return filled('<span class="badge badge-%s">%s</span>', STATE_TONES[known], known.label)


@register.filter
def text(value: Any) -> str:
    """A metadata value as text."""
    return as_text(value)


@register.filter
def indented(value: Any) -> str:
    """Indented JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False)


@register.filter
def short_id(openai_id: str) -> str:
    """An id without its middle, if it is too long for a row."""
    return openai_id if len(openai_id) <= 28 else f"{openai_id[:18]}…{openai_id[-6:]}"


@register.filter
def stage_tone(stage: str) -> str:
    """The colour of an erasure's stage."""
    return STAGE_TONES[Stage(stage)]


@register.filter
def job_tone(outcome: str) -> str:
    """The colour of an item's outcome in a job."""
    return JOB_TONES[JobOutcome(outcome)]


@register.filter
def outcome_label(outcome: str) -> str:
    """The outcome of an item in words."""
    return JobOutcome(outcome).label if outcome in JobOutcome.values else outcome


@register.filter
def per_second(rate: float) -> str:
    """A rate with as many digits as tell something: "640 per second", "0.5 per second"."""
    return f"{rate:,.0f} per second" if rate >= 10 else f"{rate:.1f} per second"


@register.filter
def outcome_tone(outcome: str) -> str:
    """The colour of an outcome."""
    return OUTCOME_TONES[Outcome(outcome)]
