"""Building links from a query, saying terms in plain words, and finding contradictions before any search."""

import pytest

from conversations.query import Query, parse

WORDS = [
    ("tenant:acme", ("tenant", "is", "acme")),
    ('-topic:"password reset"', ("topic", "is not", "password reset")),
    ("tenant:a,b", ("tenant", "is any of", "a, b")),
    ("-tenant:a,b", ("tenant", "is none of", "a, b")),
    ("k:a*", ("k", "begins with", "a")),
    ("-k:a*", ("k", "does not begin with", "a")),
    ("k:a*,b*", ("k", "begins with any of", "a, b")),
    ("k:~a", ("k", "contains", "a")),
    ("-k:~a", ("k", "does not contain", "a")),
    ("-k:~a,~b", ("k", "contains none of", "a, b")),
    ("k:a,b*,~c", ("k", "matches any of", "a, b*, ~c")),
    ('k:""', ("k", "is", "(empty)")),
    ("has:user_id", ("user_id", "is present", "")),
    ("-has:user_id", ("user_id", "is not present", "")),
    ("refund", ("any value", "contains", "refund")),
    ("-refund", ("any value", "does not contain", "refund")),
    ("-state:removed", ("state", "is not", "removed")),
    ("state:active,differs", ("state", "is any of", "active, differs")),
    ("id:conv_1*", ("id", "begins with", "conv_1")),
    ("credential:prod", ("credential", "is", "prod")),
    ("added:operator", ("added by", "is", "operator")),
    ("created:>2026-10-01", ("created", "after", "1 Oct 2026")),
    ("-created:>2026-10-01", ("created", "not after", "1 Oct 2026")),
    ("created:>=2026-10", ("created", "from", "Oct 2026")),
    ("created:<2026", ("created", "before", "2026")),
    ("created:<=today", ("created", "up to", "today")),
    ("created:2026-10-01", ("created", "on", "1 Oct 2026")),
    ("created:2026-10", ("created", "in", "Oct 2026")),
    ("-created:today", ("created", "is not", "today")),
    ("created:7d", ("created", "in the last", "7 days")),
    ("-read:1w", ("read", "not in the last", "1 week")),
    ("created:2026-01..2026-02", ("created", "between", "Jan 2026 and Feb 2026")),
    ("created:2026-01..", ("created", "from", "Jan 2026")),
    ("created:..24h", ("created", "up to", "24 hours ago")),
    ("read:2026-01-31T10:30Z", ("read", "at", "31 Jan 2026 10:30 UTC")),
    ("read:2026-01-31T10:30:05", ("read", "at", "31 Jan 2026 10:30:05")),
]


@pytest.mark.parametrize(("text", "words"), WORDS)
def test_words(text: str, words: tuple[str, str, str]) -> None:
    assert parse(text).clauses[0].label() == words


WITH = [
    ("", "k:a", "k:a"),
    ("k:a", "k:b", "k:a,b"),
    ("k:a x", "k:b", "k:a,b x"),
    ("k:a", "k:a", "k:a"),
    ("k:a", "-k:b", "k:a -k:b"),
    ("created:7d", "created:>2026", "created:7d created:>2026"),
    ("state:gone x", "k:a", "x k:a state:gone"),
]


@pytest.mark.parametrize(("before", "term", "after"), WITH)
def test_with(before: str, term: str, after: str) -> None:
    query = parse(before).with_clause(parse(term).clauses[0])
    assert str(query) == after
    assert parse(after).clauses == query.clauses


WITHOUT = [
    ("k:a", "k:a", ""),
    ("k:a,b x", "k:a", "k:b x"),
    ("k:a,b", "k:a,b", ""),
    ("k:a", "-k:a", "k:a"),
    ("-k:a,b", "-k:b", "-k:a"),
    ("k:a*", "k:a", "k:a*"),
    ("-state:removed tenant:acme", "-state:removed", "tenant:acme"),
    ("x y", "x", "y"),
    ("k:a", "j:a", "k:a"),
    ("k:a state:gone", "k:a", "state:gone"),
]


@pytest.mark.parametrize(("before", "term", "after"), WITHOUT)
def test_without(before: str, term: str, after: str) -> None:
    assert str(parse(before).without(parse(term).clauses[0])) == after


@pytest.mark.parametrize(
    ("query", "term", "found"),
    [
        ("k:a", "k:a", True),
        ("k:a,b", "k:b", True),
        ("k:a", "k:a,b", False),
        ("k:a", "-k:a", False),
        ("k:a*", "k:a", False),
        ("x", "x", True),
        ("-has:k", "has:k", False),
        ("-state:removed", "-state:removed", True),
    ],
)
def test_contains(query: str, term: str, found: bool) -> None:
    assert (parse(term).clauses[0] in parse(query)) is found


def test_a_query_built_by_hand_joins_terms_too() -> None:
    assert Query((*parse("k:a").clauses, *parse("k:b").clauses)) == parse("k:a,b")


def test_the_opposite_of_a_term_is_turned_round_and_back() -> None:
    (term,) = parse("-state:removed").clauses
    assert str(term.opposite()) == "state:removed"
    assert term.opposite().opposite() == term


SIMPLIFIED = [
    ("k:a -k:b", "k:a"),
    ("k:a has:k", "k:a"),
    ("has:k k:~a", "k:~a"),
    ("k:a,b -k:a", "k:b"),
    ("k:a,b -k:c -k:d,e", "k:a,b"),
    ("k:a* -k:ab", "k:a* -k:ab"),
    ("k:a -k:~b", "k:a -k:~b"),
    ("k:a -k:b,~c", "k:a -k:~c"),
    ("k:a,b* -k:a", "k:b* -k:a"),
    ("k:a -j:b", "k:a -j:b"),
    ("has:k -k:a", "has:k -k:a"),
    ("-has:k -k:a", "-has:k"),
    ("-k:a -k:b", "-k:a -k:b"),
    ("state:active -state:removed", "state:active"),
    ("id:a -id:b", "id:a"),
    ("credential:a -credential:A", "credential:a -credential:A"),
    ("credential:a,b -credential:a", "credential:b -credential:a"),
    ('"id":a -id:a', '"id":a -id:a'),
    ("x -y created:7d", "x -y created:7d"),
]


@pytest.mark.parametrize(("text", "simple"), SIMPLIFIED)
def test_simplified(text: str, simple: str) -> None:
    query = parse(text)
    assert str(query.simplified()) == simple
    assert str(query) == text
    assert not query.is_contradiction


@pytest.mark.parametrize(
    "text",
    [
        "k:a -k:a",
        "k:a,b -k:a -k:b",
        "k:a -k:a,b",
        "k:~a -k:~a",
        "k:a* -k:a*",
        "has:k -has:k",
        "k:a -has:k",
        "state:active -state:active",
        "-state:active,differs -state:missing,unread -state:removed",
        "credential:a -credential:a",
        "refund -refund",
        "created:7d -created:7d",
    ],
)
def test_contradictions(text: str) -> None:
    query = parse(text)
    assert query.is_contradiction
    assert query.simplified() == query
