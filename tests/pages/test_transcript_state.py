"""Where in a transcript one is, as its URL says it."""

from typing import Any, get_args
from urllib.parse import parse_qs

import pytest
from openai.types.responses import ResponseIncludable

from conversations.pages.transcript_state import INCLUDABLE, TranscriptState
from conversations.sandbox import include

SOURCES, LOGPROBS = "web_search_call.action.sources", "message.output_text.logprobs"


def state(query: str = "", **fields: Any) -> TranscriptState:
    return TranscriptState.from_query(parse_qs(query, keep_blank_values=True)) if query else TranscriptState(**fields)


def test_what_can_be_included_is_what_the_package_of_openai_names() -> None:
    assert set(INCLUDABLE) == set(get_args(ResponseIncludable)) == set(include.INCLUDABLE)


def test_without_parameters_one_is_at_the_oldest() -> None:
    assert TranscriptState.from_query({}) == TranscriptState()
    assert TranscriptState().url == ""


@pytest.mark.parametrize(
    "query",
    [
        "?items=newest",
        "?item_after=msg_1",
        "?item_before=msg_1",
        "?items=newest&item_before=a+b%26c",
        f"?item_after=1&include={SOURCES}&include={LOGPROBS}",
        f"?items=newest&include={LOGPROBS}&q=tenant%3Aacme&order=oldest",
        "?q=",
        f"?items=newest&show=broken&item_after=msg_1&include={LOGPROBS}&q=tenant%3Aacme",
        "?items=newest&show=found&find=a+b%26c&text=raw&folds=open&item_after=msg_1",
        "?text=rendered&q=",
    ],
)
def test_an_address_turns_into_a_state_and_back(query: str) -> None:
    assert state(query[1:]).url == query


@pytest.mark.parametrize(
    "query",
    [
        "items=oldest",
        "items=",
        "include=everything",
        "include=",
        "after=1",
        "order=desc",
        "show=all",
        "show=found",
        "text=html",
        "folds=1",
        "find=+",
    ],
)
def test_what_is_unknown_counts_as_not_there(query: str) -> None:
    assert state(query) == TranscriptState()


def test_unknown_includes_are_dropped_and_known_ones_stand_once_and_in_order() -> None:
    asked = f"include={LOGPROBS}&include=everything&include={SOURCES}&include={SOURCES}"
    assert state(asked).include == (SOURCES, LOGPROBS)


def test_the_last_of_several_values_counts() -> None:
    assert state("items=newest&items=oldest&item_after=1&item_after=2") == TranscriptState(after="2")


def test_after_goes_before_before() -> None:
    assert state("item_after=1&item_before=2") == TranscriptState(after="1")


def test_links_keep_the_order_what_is_included_and_the_result() -> None:
    here = state(newest_first=True, after="1", include=(SOURCES,), result="q=acme")
    kept = f"include={SOURCES}&q=acme"
    assert here.after_item("2&") == f"?items=newest&item_after=2%26&{kept}"
    assert here.before_item("2") == f"?items=newest&item_before=2&{kept}"
    assert here.start == f"?items=newest&{kept}"
    assert here.reversed == f"?{kept}"


def test_the_calls_without_output_are_looked_for_from_the_beginning_and_left_again() -> None:
    here = state(newest_first=True, after="1", include=(SOURCES,), result="q=acme")
    assert here.broken == f"?items=newest&show=broken&include={SOURCES}&q=acme"
    there = state(here.broken[1:])
    assert there.reversed == f"?show=broken&include={SOURCES}&q=acme"
    assert there.after_item("2") == f"?items=newest&show=broken&item_after=2&include={SOURCES}&q=acme"
    assert there.whole == here.start
    assert there.hidden == [("items", "newest"), ("show", "broken"), ("q", "acme")]


def test_turned_twice_one_is_at_the_start_again() -> None:
    here = state(before="1", result="q=")
    assert (state(here.reversed[1:]).reversed, here.reversed) == (here.start, "?items=newest&q=")


def test_another_page_about_the_conversation_keeps_what_is_included_and_the_result() -> None:
    assert state(after="1", newest_first=True, include=(SOURCES,), result="q=a").included == f"?include={SOURCES}&q=a"
    assert TranscriptState().included == ""


def test_a_form_that_chooses_what_is_included_carries_the_rest_along() -> None:
    here = state("items=newest&item_after=1&q=&order=oldest&col=a&col=b")
    assert here.hidden == [("items", "newest"), ("q", ""), ("order", "oldest"), ("col", "a"), ("col", "b")]


def test_each_thing_that_can_be_included_says_whether_it_is() -> None:
    chosen = [name for name, words, is_chosen in state(include=(SOURCES,)).includable if is_chosen and words]
    assert chosen == [SOURCES]
    assert len(TranscriptState().includable) == 8


def test_the_result_is_kept_only_where_there_was_one() -> None:
    assert state("order=oldest&col=a").result == ""
    assert state("q=tenant:acme&before=7").result == "q=tenant%3Aacme&before=7"


def test_markdown_is_rendered_as_the_url_says_or_else_as_its_server_is_trusted() -> None:
    shown = [state(text=text, renders=renders).is_rendered for text in ("", "raw", "rendered") for renders in (0, 1)]
    assert shown == [0, 1, 0, 0, 1, 1]


def test_a_text_to_look_for_is_bounded() -> None:
    assert len(state("find=" + "x" * 5_000).find) == 200


def test_the_place_of_an_item_is_in_the_whole_transcript() -> None:
    place = state("show=found&find=x&text=raw&item_after=msg_9").at_item("msg_1")
    assert place == "?text=raw&item_at=msg_1#item-msg_1"
