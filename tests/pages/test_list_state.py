"""The state of the list: the URL is all there is of it."""

from urllib.parse import parse_qs

import pytest

from conversations.pages.list_state import ListState
from conversations.query import FieldClause, exact

SEARCHES = ["", "tenant:acme", '-key:"two words" a&b=c #d', "state:lost", 'q="<script>"', "ключ:знач", "a+b %41"]


def state(text: str | None = None, **cursors: str) -> ListState:
    typed = {} if text is None else {"q": text}
    return ListState.from_query({name: [value] for name, value in {**typed, **cursors}.items()})


def in_url(url: str) -> dict[str, str]:
    found = parse_qs(url.removeprefix("?"), keep_blank_values=True, strict_parsing=True)
    return {name: values[0] for name, values in found.items()}


def test_opens_without_what_was_removed_r4() -> None:
    assert state().query.clauses == (FieldClause("state", exact("removed"), negated=True),)


def test_an_empty_search_hides_nothing_r4() -> None:
    assert state("").chips == []


@pytest.mark.parametrize("text", SEARCHES)
def test_the_links_to_other_pages_keep_the_text(text: str) -> None:
    shown = state(text)
    assert in_url(shown.older_than("7")) == {"q": text, "before": "7"}
    assert in_url(shown.newer_than("7")) == {"q": text, "after": "7"}
    assert in_url(shown.first) == {"q": text}


def test_reads_the_cursors() -> None:
    shown = state("a", before="1", after="2")
    assert (shown.before, shown.after) == ("1", "2")


def test_each_chip_drops_its_term_and_keeps_the_others() -> None:
    shown = state("tenant:acme has:plan -state:removed")
    for chip in shown.chips:
        left = state(in_url(chip.without)["q"]).query.clauses
        assert set(left) == set(shown.query.clauses) - {chip.clause}


def test_clearing_drops_all_also_the_default_r4() -> None:
    assert state(in_url(state().cleared)["q"]).query.clauses == ()


def test_a_term_that_turns_out_not_to_be_answerable_becomes_a_problem_r24() -> None:
    shown = state("credential:x tenant:acme")
    [term] = [chip.clause for chip in shown.chips if chip.label[0] == "credential"]
    refused = shown.answering(shown.query.refused(term, "There is none."))
    assert [problem.message for problem in refused.query.problems] == ["There is none."]
    assert [chip.label[0] for chip in refused.chips] == ["tenant"]
    assert refused.text == "credential:x tenant:acme"
