"""What the templates say often."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from conversations.models import Outcome, State
from conversations.templatetags.convadmin import badge, chips, indented, outcome_tone, short_id, text, when


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(0), "just now"),
        (timedelta(seconds=-3600), "just now"),
        (timedelta(seconds=30), "30 s ago"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=23, minutes=59), "23 h ago"),
        (timedelta(days=1), "yesterday"),
        (timedelta(days=29), "29 days ago"),
    ],
)
def test_a_time_is_said_in_relative_words(now: datetime, ago: timedelta, words: str) -> None:
    assert when(now - ago).endswith(f">{words}</time>")


def test_the_absolute_time_in_utc_stands_behind_it() -> None:
    moment = datetime(2026, 5, 1, 14, 0, tzinfo=timezone(timedelta(hours=2)))
    assert 'datetime="2026-05-01T12:00:00+00:00" title="2026-05-01 12:00:00 UTC"' in when(moment)


def test_a_time_long_ago_is_a_date() -> None:
    assert ">1 May 2020<" in when(datetime(2020, 5, 1, tzinfo=UTC))


def test_chips_escape_keys_and_values() -> None:
    shown = chips({"<b>": "<script>alert(1)</script>"})
    assert shown == ('<span class="chip"><b>&lt;b&gt;</b><span>&lt;script&gt;alert(1)&lt;/script&gt;</span></span>')


def test_four_pairs_are_shown_and_the_others_counted() -> None:
    shown = chips({str(number): "v" for number in range(7)})
    assert shown.count('class="chip"') == 4
    assert shown.endswith(">+3</span>")


def test_a_chip_holds_the_beginning_of_a_long_value() -> None:
    assert f"<span>{'😀' * 60}…</span>" in chips({"k": "😀" * 512})


@pytest.mark.parametrize(("value", "shown"), [("a", "a"), (5, "5"), (None, "null"), (True, "true"), ([1], "[1]")])
def test_a_value_of_another_server_is_its_json_r18(value: object, shown: str) -> None:
    assert text(value) == shown
    assert f"<span>{shown}</span>" in chips({"k": value})


def test_json_is_shown_to_be_read() -> None:
    assert indented({"a": "é"}) == '{\n  "a": "é"\n}'


def test_a_long_id_is_cut_in_its_middle() -> None:
    assert short_id("conv_" + "a" * 42 + "bcdefg") == "conv_" + "a" * 13 + "…bcdefg"
    assert short_id("conv_short") == "conv_short"


def test_each_state_and_outcome_has_a_colour() -> None:
    assert all("badge-" in badge(state) for state in State.values)
    assert all(outcome_tone(outcome) for outcome in Outcome.values)
