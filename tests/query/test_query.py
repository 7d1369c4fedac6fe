"""The search language: what each text means, how it is written back, and what is said about what is not understood."""

import pytest

from conversations.query import (
    Clause,
    FieldClause,
    HasClause,
    MetadataClause,
    TextClause,
    Value,
    exact,
    parse,
    problem_for,
)


def pair(key: str, *texts: str, negated: bool = False) -> MetadataClause:
    return MetadataClause(key, exact(*texts), negated=negated)


def prefix(text: str) -> Value:
    return Value(text, "prefix")


def part(text: str) -> Value:
    return Value(text, "contains")


UNDERSTOOD: list[tuple[str, tuple[Clause, ...], str]] = [
    # text, terms, canonical text
    ("", (), ""),
    (" \t\n\u3000", (), ""),
    ("tenant:acme", (pair("tenant", "acme"),), "tenant:acme"),
    ("  tenant:acme\u00a0env:prod ", (pair("tenant", "acme"), pair("env", "prod")), "tenant:acme env:prod"),
    ("Tenant:ACME", (pair("Tenant", "ACME"),), "Tenant:ACME"),
    ("-tenant:acme", (pair("tenant", "acme", negated=True),), "-tenant:acme"),
    ("!tenant:acme", (pair("tenant", "acme", negated=True),), "-tenant:acme"),
    ('topic:"password reset"', (pair("topic", "password reset"),), 'topic:"password reset"'),
    ('topic:"plain"', (pair("topic", "plain"),), "topic:plain"),
    ('"a key":"b:c"', (pair("a key", "b:c"),), '"a key":"b:c"'),
    ('-"a key":b', (pair("a key", "b", negated=True),), '-"a key":b'),
    ('k:""', (pair("k", ""),), 'k:""'),
    ('"":x', (pair("", "x"),), '"":x'),
    ('k:"a\\"b"', (pair("k", 'a"b'),), 'k:"a\\"b"'),
    ('k:"a\\\\b"', (pair("k", "a\\b"),), "k:a\\b"),
    ('k:"a\\nb"', (pair("k", "a\\nb"),), "k:a\\nb"),
    ('k:"a\nb"', (pair("k", "a\nb"),), 'k:"a\nb"'),
    ('k:"\\\\"', (pair("k", "\\"),), "k:\\"),
    ("url:https://x.example/a", (pair("url", "https://x.example/a"),), 'url:"https://x.example/a"'),
    ("n:-5", (pair("n", "-5"),), 'n:"-5"'),
    ("n:!5", (pair("n", "!5"),), 'n:"!5"'),
    ("n:a=b", (pair("n", "a=b"),), 'n:"a=b"'),
    ("k:1..5", (pair("k", "1..5"),), "k:1..5"),
    ("k:a-b!c~d", (pair("k", "a-b!c~d"),), "k:a-b!c~d"),
    ("ключ:значение", (pair("ключ", "значение"),), "ключ:значение"),
    ("k:🙂", (pair("k", "🙂"),), "k:🙂"),
    # either
    ("k:a,b", (pair("k", "a", "b"),), "k:a,b"),
    ("k:a,b,a", (pair("k", "a", "b"),), "k:a,b"),
    ("k:a k:b", (pair("k", "a", "b"),), "k:a,b"),
    ("k:a x k:b,a", (pair("k", "a", "b"), TextClause("x")), "k:a,b x"),
    ("k:a K:b", (pair("k", "a"), pair("K", "b")), "k:a K:b"),
    ("-k:a,b", (pair("k", "a", "b", negated=True),), "-k:a,b"),
    ("-k:a -k:b", (pair("k", "a", negated=True), pair("k", "b", negated=True)), "-k:a -k:b"),
    ("-k:a -k:a", (pair("k", "a", negated=True),), "-k:a"),
    ("k:a -k:b", (pair("k", "a"), pair("k", "b", negated=True)), "k:a -k:b"),
    ('k:"a,b",c', (pair("k", "a,b", "c"),), 'k:"a,b",c'),
    ('k:"",a', (pair("k", "", "a"),), 'k:"",a'),
    # beginnings and parts
    ("k:abc*", (MetadataClause("k", (prefix("abc"),)),), "k:abc*"),
    ('k:"a b"*', (MetadataClause("k", (prefix("a b"),)),), 'k:"a b"*'),
    ('k:"abc*"', (pair("k", "abc*"),), 'k:"abc*"'),
    ('k:"*"', (pair("k", "*"),), 'k:"*"'),
    ("k:~part", (MetadataClause("k", (part("part"),)),), "k:~part"),
    ('k:~"a part"', (MetadataClause("k", (part("a part"),)),), 'k:~"a part"'),
    ("k:~~x", (MetadataClause("k", (part("~x"),)),), 'k:~"~x"'),
    ('k:~">5"', (MetadataClause("k", (part(">5"),)),), 'k:~">5"'),
    ("k:~>5", (MetadataClause("k", (part(">5"),)),), 'k:~">5"'),
    ('k:"~x"', (pair("k", "~x"),), 'k:"~x"'),
    ('k:a,b*,~"c d"', (MetadataClause("k", (*exact("a"), prefix("b"), part("c d"))),), 'k:a,b*,~"c d"'),
    ("k:a k:~a", (MetadataClause("k", (*exact("a"), part("a"))),), "k:a,~a"),
    # built-ins, and metadata that has their names
    ('"state":x', (pair("state", "x"),), '"state":x'),
    ('"State":x', (pair("State", "x"),), '"State":x'),
    ('"has":x', (pair("has", "x"),), '"has":x'),
    ("states:x", (pair("states", "x"),), "states:x"),
    ("state:active", (FieldClause("state", exact("active")),), "state:active"),
    ("State:ACTIVE,Differs", (FieldClause("state", exact("active", "differs")),), "state:active,differs"),
    ("state:active state:missing", (FieldClause("state", exact("active", "missing")),), "state:active,missing"),
    ("-state:removed", (FieldClause("state", exact("removed"), negated=True),), "-state:removed"),
    ('state:"removed"', (FieldClause("state", exact("removed")),), "state:removed"),
    ("id:conv_68a", (FieldClause("id", exact("conv_68a")),), "id:conv_68a"),
    ("id:conv_68a*", (FieldClause("id", (prefix("conv_68a"),)),), "id:conv_68a*"),
    ("-id:a,b*", (FieldClause("id", (*exact("a"), prefix("b")), negated=True),), "-id:a,b*"),
    ('credential:"Support prod"', (FieldClause("credential", exact("Support prod")),), 'credential:"Support prod"'),
    ("credential:a,b", (FieldClause("credential", exact("a", "b")),), "credential:a,b"),
    ("-credential:b", (FieldClause("credential", exact("b"), negated=True),), "-credential:b"),
    ("added:operator", (FieldClause("added", exact("operator")),), "added:operator"),
    ("added:m@x.example added:bo", (FieldClause("added", exact("m@x.example", "bo")),), "added:m@x.example,bo"),
    ("has:user_id", (HasClause("user_id"),), "has:user_id"),
    ("-has:user_id", (HasClause("user_id", negated=True),), "-has:user_id"),
    ("has:a has:b", (HasClause("a"), HasClause("b")), "has:a has:b"),
    ("has:state", (HasClause("state"),), 'has:"state"'),
    ('has:"a key"', (HasClause("a key"),), 'has:"a key"'),
    ('has:""', (HasClause(""),), 'has:""'),
    ("has:a:b", (HasClause("a:b"),), 'has:"a:b"'),
    # free text
    ("refund", (TextClause("refund"),), "refund"),
    ("-refund", (TextClause("refund", negated=True),), "-refund"),
    ("refund late", (TextClause("refund"), TextClause("late")), "refund late"),
    ("refund refund", (TextClause("refund"),), "refund"),
    ('"password reset"', (TextClause("password reset"),), '"password reset"'),
    ('!"password reset"', (TextClause("password reset", negated=True),), '-"password reset"'),
    ('"-x"', (TextClause("-x"),), '"-x"'),
    ('"k:v"', (TextClause("k:v"),), '"k:v"'),
    ('"OR"', (TextClause("OR"),), '"OR"'),
    ("or", (TextClause("or"),), "or"),
    ("a,b", (TextClause("a,b"),), '"a,b"'),
    (",", (TextClause(","),), '","'),
    ("a=b", (TextClause("a=b"),), '"a=b"'),
    ('"created>5"', (TextClause("created>5"),), '"created>5"'),
    ("(x)", (TextClause("(x)"),), "(x)"),
    ("\ufffd", (TextClause("\ufffd"),), "\ufffd"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "terms", "canonical"), UNDERSTOOD)
def test_text_is_understood_and_written_back(text: str, terms: tuple[Clause, ...], canonical: str) -> None:
    query = parse(text)
    assert (query.clauses, query.problems) == (terms, ())
    assert str(query) == canonical
    assert parse(canonical) == query


REFUSED: list[tuple[str, str]] = [
    # text, what the message must say to write
    ("tenant:", 'has:tenant for any value, or tenant:""'),
    ('"a b":', 'has:"a b" for any value'),
    ("-tenant:", "has:tenant"),
    (":x", "Write key:value"),
    ("-:x", "Write key:value"),
    ("k:a,", "A value is missing next to a comma"),
    ("k:,a", "A value is missing next to a comma"),
    ("k:a,,b", "A value is missing next to a comma"),
    ("k:,", "A value is missing next to a comma"),
    ("k:*", "Write has:k"),
    ("k:**", "Write has:k"),
    ("k:~", "Write has:k"),
    ('k:~""', "Write has:k"),
    ('k:""*', "Write has:k"),
    ("k:a,~", "Write has:k"),
    ('"state":*', 'Write has:"state"'),
    ("k:a*b", 'k:~part for a part, or k:"a*b"'),
    ("k:*a*", 'k:~part for a part, or k:"*a*"'),
    ("k:~a*", 'k:"~a*" for that exact text'),
    ('k:~"a"*', 'Write k:"~a*"'),
    ('k:a"b', 'Add " at the end'),
    ('k:a"b"', 'Write k:"ab"'),
    ('k:"a"b', 'Write k:"ab"'),
    ('k:"a""b"', 'Write k:"ab"'),
    ('k:"a"b c', 'Write k:"ab"'),
    ("k:>5", 'k:">5" for that exact text'),
    ("k:<=5*", 'k:"<=5*" for that exact text'),
    ("k:“x", 'k:"x"'),
    ("k*:v", '"k*":value'),
    ("a,b:v", '"a,b":value'),
    ("~k:v", '"~k":value'),
    ('a"b":v', 'Write "ab"'),
    ("-", "right before a search term"),
    ("!", "right before a search term"),
    ("--x", "One minus is enough"),
    ("-!x", "One minus is enough"),
    ('"open', 'Add " at the end'),
    ('"', 'Add " at the end'),
    ('"open\\', 'Add " at the end'),
    ('"open\\"', 'Add " at the end'),
    ('k:"open and more:terms', 'Add " at the end'),
    ('""', "Write a word between them"),
    ('"a"b', 'Write "ab"'),
    ('a,"b"', 'Write "a,b"'),
    ("“hello", 'Use straight quotes: "hello"'),
    ("refund*", 'Write refund, or "refund*"'),
    ("~refund", 'Write refund, or "~refund"'),
    ("*", 'has:key for any value of a key, or "*"'),
    ("a*b", 'Write "a b", or "a*b"'),
    ("AND", '"AND" in quotes'),
    ("OR", "Write key:a,b for one of several values"),
    ("-NOT", "-key:a to exclude one"),
    ("created>2026", "Write created:>2026"),
    ("read<=2026-01", "Write read:<=2026-01"),
    ("Created=2026", "Write created:2026"),
    ("state:", "Write state:active, state:differs, state:missing, state:removed or state:unread"),
    ("state:activ", "Write state:active, state:differs, state:missing, state:removed or state:unread"),
    ("state:active,gone", 'There’s no state "gone"'),
    ("state:act*", 'There’s no state "act*"'),
    ("state:~act", 'There’s no state "~act"'),
    ('state:""', 'There’s no state ""'),
    ("id:", "as in id:conv_68a*"),
    ("id:*", "id:conv_68a*"),
    ("id:~68", "id:conv_68a*"),
    ("credential:", "Write credential:name"),
    ("credential:sup*", "Write credential:name"),
    ('credential:""', "Write credential:name"),
    ("added:", "Write added:name"),
    ("added:~m", "Write added:name"),
    ("has:", "as in has:tenant"),
    ("has:a,b", "Write has:a has:b"),
    ("has:*", 'has:"*"'),
    ("has:~a", 'has:"~a"'),
    ('has:"a"b', 'Write "ab"'),
    ("k:a\0b", "U+0000"),
    ('"\0"', "U+0000"),
    ("\ud800", "U+D800"),
    ("k\udfff:a", "U+DFFF"),
]


@pytest.mark.parametrize(("text", "advice"), REFUSED)
def test_what_is_not_understood_says_what_to_write(text: str, advice: str) -> None:
    problem = parse(f"env:prod {text}").problems[0]
    assert advice in problem.message
    assert parse(f"env:prod {text}").clauses[0] == pair("env", "prod")


@pytest.mark.parametrize(("text", "advice"), REFUSED)
def test_a_problem_survives_the_canonical_text(text: str, advice: str) -> None:
    query = parse(f"{text.replace(chr(0), '*').encode('utf-8', 'replace').decode()} a")
    again = parse(str(query))
    assert again.clauses == query.clauses
    assert [problem.message for problem in again.problems] == [problem.message for problem in query.problems]


def test_a_problem_knows_its_place() -> None:
    text = "a:b  state:gone -c:d"
    (problem,) = parse(text).problems
    assert (problem.start, problem.end, problem.text) == (5, 15, "state:gone")
    assert text[problem.start : problem.end] == problem.text


def test_an_open_quote_takes_the_rest() -> None:
    query = parse('a:b "c d:e ')
    assert query.clauses == (pair("a", "b"),)
    assert query.problems[0].text == '"c d:e '


def test_the_text_of_a_problem_can_be_stored() -> None:
    assert parse("k:a\0\ud800").problems[0].text == "k:a\ufffd\ufffd"


def test_a_long_text_is_cut_in_the_message_only() -> None:
    (problem,) = parse("x" * 9_000 + "*").problems
    assert len(problem.message) < 300
    assert len(problem.text) == 9_001


def test_the_evaluator_can_refuse_a_term() -> None:
    query = parse('tenant:acme credential:nope "open')
    refused = query.refused(query.clauses[1], "There is no such credential.")
    assert refused.clauses == (pair("tenant", "acme"),)
    assert [(problem.start, problem.text) for problem in refused.problems] == [(12, "credential:nope"), (28, '"open')]
    assert parse(str(refused)).clauses == query.clauses


def test_a_problem_for_a_joined_or_built_term_names_the_whole_term() -> None:
    joined = parse("credential:a x credential:b").clauses[0]
    assert problem_for(joined, "no").text == "credential:a,b"
    assert problem_for(FieldClause("added", exact("bo")), "no").text == "added:bo"


def test_the_place_of_a_term_takes_no_part_in_equality() -> None:
    assert parse("  a:b").clauses == parse("a:b").clauses
    assert hash(parse("  a:b")) == hash(parse("a:b"))
