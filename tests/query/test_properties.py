"""What holds for every search text and every query: it never raises, and text and terms turn into each other."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations.query import (
    STATES,
    Clause,
    DateClause,
    DateRange,
    FieldClause,
    HasClause,
    MetadataClause,
    Query,
    TextClause,
    Value,
    parse,
)
from conversations.query.dates import Ago, CalendarDate, ClockTime, NamedDay
from tests.effort import calls_made, limited_computing

pytestmark = pytest.mark.slow

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Berlin")

storable = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
awkward = st.sampled_from(list('"\\,:*~-!<>=. \n“”'))
plain_text = st.text(storable | awkward, max_size=12) | st.sampled_from(["state", "Created", "OR", "created>1", "~*"])
some_text = plain_text.filter(bool)
negation = st.booleans()


def many(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(strategy, min_size=1, max_size=4, unique=True).map(tuple)


exact_value = st.builds(Value, some_text)
prefix_value = st.builds(Value, some_text, st.just("prefix"))
part_value = st.builds(Value, some_text, st.just("contains"))
any_value = st.builds(Value, plain_text) | prefix_value | part_value

moments = (
    st.builds(CalendarDate, st.integers(1970, 9998), st.none() | st.integers(1, 12))
    | st.builds(CalendarDate, st.integers(1970, 9998), st.integers(1, 12), st.integers(1, 28))
    | st.sampled_from([NamedDay("today"), NamedDay("yesterday")])
    | st.builds(
        ClockTime,
        st.datetimes(datetime(1970, 1, 1), datetime(9998, 12, 31), timezones=st.just(UTC) | st.none()),
        st.just("microseconds"),
    )
)
ages = st.builds(Ago, st.integers(1, 5_000), st.sampled_from("hdw"))
ranges = (
    st.builds(DateRange, st.just(""), moments | ages)
    | st.builds(DateRange, st.sampled_from([">", ">=", "<", "<="]), moments)
    | st.builds(DateRange, st.just(".."), moments | ages)
    | st.builds(DateRange, st.just(".."), st.none(), moments | ages)
)

terms: st.SearchStrategy[Clause] = st.one_of(
    st.builds(MetadataClause, plain_text, many(any_value), negated=negation),
    st.builds(FieldClause, st.just("id"), many(exact_value | prefix_value), negated=negation),
    st.builds(FieldClause, st.just("state"), many(st.builds(Value, st.sampled_from(STATES))), negated=negation),
    st.builds(FieldClause, st.just("credential"), many(exact_value), negated=negation),
    st.builds(FieldClause, st.just("added"), many(exact_value), negated=negation),
    st.builds(HasClause, plain_text, negated=negation),
    st.builds(DateClause, st.sampled_from(["created", "read"]), ranges, negated=negation),
    st.builds(TextClause, some_text, negated=negation),
)
queries = st.lists(terms, max_size=6).map(lambda found: Query(tuple(found)))

words = ["k", "a", "state", "created", "has", "id", "read", "2026-01-01", "7d", "..", " ", "\t", "\0", "\ud800", "OR"]
search_text = st.lists(st.sampled_from([*words, *'":,*~-!<>=\\']), max_size=40).map("".join)
any_text = search_text | st.text(st.characters())


@settings(max_examples=500, deadline=None)
@given(queries)
def test_a_query_comes_back_from_its_text(query: Query) -> None:
    again = parse(str(query))
    assert again == query
    assert str(again) == str(query)


@settings(max_examples=500, deadline=None)
@given(any_text)
def test_parsing_never_raises_and_its_text_means_the_same(text: str) -> None:
    query = parse(text)
    for problem in query.problems:
        assert len(problem.text) == problem.end - problem.start
        assert problem.message
    again = parse(str(query))
    if "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text):
        assert again.clauses == query.clauses
        assert [p.message for p in again.problems] == [p.message for p in query.problems]
    str(query).encode()


@settings(max_examples=300, deadline=None)
@given(queries)
def test_every_term_has_words_and_every_date_has_bounds(query: Query) -> None:
    for term in query.clauses:
        assert term.label().subject is not None
        if isinstance(term, DateClause):
            start, end = term.bounds(NOW, ZONE)
            assert start is None or end is None or start <= end


@settings(max_examples=300, deadline=None)
@given(queries, terms)
def test_a_term_put_in_is_there_and_taken_out_is_not(query: Query, term: Clause) -> None:
    assert term in query.with_clause(term)
    assert term not in query.without(term)
    assert str(parse(str(query.with_clause(term)))) == str(query.with_clause(term))


small_values = st.builds(Value, st.sampled_from("ab")) | st.builds(
    Value, st.sampled_from("ab"), st.sampled_from(["prefix", "contains"])
)
small_queries = st.lists(
    st.builds(MetadataClause, st.sampled_from("kj"), many(small_values), negated=negation)
    | st.builds(HasClause, st.sampled_from("kj"), negated=negation)
    | st.builds(FieldClause, st.just("state"), many(st.builds(Value, st.sampled_from(STATES))), negated=negation),
    max_size=6,
).map(lambda found: Query(tuple(found)))
metadata = st.dictionaries(st.sampled_from("kj"), st.sampled_from(["a", "b", "ab", "ba", "c", ""]))


def matches(query: Query, pairs: dict[str, str], state: str) -> bool:
    """The plain meaning of a query, term by term."""
    return all(_holds(term, pairs, state) != term.negated for term in query.clauses)


def _holds(term: Clause, pairs: dict[str, str], state: str) -> bool:
    if isinstance(term, HasClause):
        return term.key in pairs
    if isinstance(term, FieldClause) and term.field == "state":
        return state in term.texts
    assert isinstance(term, MetadataClause)
    return term.key in pairs and any(_accepts(value, pairs[term.key]) for value in term.values)


def _accepts(value: Value, text: str) -> bool:
    if value.kind == "contains":
        return value.text in text
    return text.startswith(value.text) if value.kind == "prefix" else text == value.text


@settings(max_examples=1_000, deadline=None)
@given(small_queries, metadata, st.sampled_from(STATES))
def test_simplifying_changes_no_result(query: Query, pairs: dict[str, str], state: str) -> None:
    answer = matches(query, pairs, state)
    assert matches(query.simplified(), pairs, state) == answer
    assert not (answer and query.is_contradiction)


@pytest.mark.parametrize(
    "piece",
    ["k:a ", "a", '"', '\\"', '"a\\', "k:a,", "k:", ",", "-", "~*", "k:~", "..", "9", "created:7d ", '"a" ', "\0", "<"],
)
def test_each_character_is_read_once(piece: str) -> None:
    text = (piece * 200_000)[:200_000]
    with limited_computing():
        plain, quoted = parse(text), parse('k:"' + text)
    assert plain.clauses or plain.problems
    assert quoted.clauses or quoted.problems


def test_each_of_many_distinct_clauses_is_compared_with_few_others() -> None:
    text = " ".join(f"k:{number} j{number}:x -{number}" for number in range(10_000))
    with limited_computing():
        query = parse(text).simplified()
    assert len(query.clauses) == 20_001


def test_twice_the_clauses_are_twice_the_work() -> None:
    once, twice = (
        calls_made(parse(" ".join(f"k:{number} j{number}:x -{number}" for number in range(count))).simplified)
        for count in (300, 600)
    )
    assert 0 < twice < 2.2 * once


@settings(max_examples=20, deadline=None)
@given(st.text(st.characters() | awkward, min_size=2_000, max_size=10_000))
def test_long_arbitrary_text_never_raises(text: str) -> None:
    str(parse(text)).encode()
