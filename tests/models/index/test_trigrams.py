"""Finding terms by a part of their value gives what reading every value gives, or says that it cannot tell."""

import random
from collections.abc import Collection

import pytest
from django.db import connection, transaction

from conversations.metadata import fold
from conversations.models import Conversation, Credential, Term
from conversations.models.index import sql_helpers, trigrams
from conversations.models.index.trigrams import TermCount, terms_containing
from tests.factories import make_conversation, make_credential

pytestmark = pytest.mark.django_db

TEXTS = [
    "plain ascii text",
    "UPPER and lower",
    'it\'s "quoted" \'twice\' """',
    "100% of_all \\ back\\\\slash %_%",
    "שלום עולם",
    "مرحبا بالعالم",
    "a\u202eright to left\u202c",
    "👩‍👩‍👧‍👦 family 🏳️‍🌈🏳️‍🌈",
    "e\u0301te\u0301 combining q\u0323\u0307\u0301",
    "été composed",
    "STRASSE straße ſtraſſe",
    "İstanbul Iıİi",
    "日本語のテキスト",
    "AND OR NOT NEAR(a b) ^a* -b +c: {d}",
    "new\nline\ttab  two spaces",
    "aaaaaaaaaaaaaaaa",
    "\ufffd\ufffe\uffff\U0010ffff",
    "",
    "ab",
]
ALPHABET = "ab\"'%_\\ é\u0301ש👩\u200dſß*-"


@pytest.fixture
def credential() -> Credential:
    return make_credential()


def filtered(part: str, credentials: Collection[int], key: str | None = None) -> list[TermCount]:
    """What a plain comparison of every value gives."""
    terms = Term.objects.exclude(key=None).exclude(value=None).filter(credential__in=credentials)
    terms = terms if key is None else terms.filter(key=key)
    return sorted((term.credential_id, term.pk, term.count) for term in terms if part in term.folded)


def assert_finds_what_a_filter_finds(part: str, credentials: Collection[int], key: str | None = None) -> int:
    found = terms_containing(part, credentials=credentials, key=key)
    assert found is not None
    assert sorted(found) == filtered(part, credentials, key), repr(part)
    return len(found)


def parts_of(text: str, chance: random.Random) -> list[str]:
    """Some of its parts that have trigrams, the longest too."""
    folded = fold(text)
    starts = [chance.randrange(max(1, len(folded) - 2)) for _ in range(12)]
    parts = [folded, *(folded[start : start + chance.randrange(3, 9)] for start in starts)]
    return [part for part in parts if len(part) >= trigrams.LENGTH]


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_parts_of_all_kinds_of_text_are_found(credential: Credential, text: str) -> None:
    for number, each in enumerate(TEXTS):
        make_conversation(credential, {f"key {number % 3}": each})
    for part in parts_of(text, random.Random(len(text))):
        assert assert_finds_what_a_filter_finds(part, [credential.pk])


@pytest.mark.long
@pytest.mark.parametrize("seed", range(6))
def test_random_parts_of_random_texts(seed: int) -> None:
    chance = random.Random(seed)
    credentials = [make_credential() for _ in range(3)]
    for _ in range(60):
        texts = ["".join(chance.choices(ALPHABET, k=chance.randrange(30))) for _ in range(2)]
        make_conversation(chance.choice(credentials), {"a": texts[0], chance.choice("bc"): texts[1]})
    hits = 0
    for _ in range(150):
        part = fold("".join(chance.choices(ALPHABET, k=chance.randrange(3, 6))))
        among = [credential.pk for credential in chance.sample(credentials, k=chance.randrange(1, 4))]
        if len(part) >= trigrams.LENGTH:
            hits += assert_finds_what_a_filter_finds(part, among, chance.choice([None, "a", "b", "elsewhere"]))
    assert hits


@pytest.mark.parametrize("part", ['"""', "%%%", "___", "\\\\\\", "'''", "* *", "a%c", "a_c", "\\%a", "a\\", "and"])
def test_no_character_has_a_meaning_of_its_own(credential: Credential, part: str) -> None:
    for text in ("abc", "abbc", "a%c a_c", "x\\%a\\", *TEXTS):
        make_conversation(credential, {"k": text})
    if len(part) >= trigrams.LENGTH:
        assert_finds_what_a_filter_finds(part, [credential.pk])


def test_all_of_the_trigrams_in_another_order_are_no_hit(credential: Credential) -> None:
    make_conversation(credential, {"k": "bcde abcd"})
    assert terms_containing("abcde", credentials=[credential.pk], key=None) == []


def test_a_part_as_long_as_a_value_can_be(credential: Credential) -> None:
    text = "".join(chr(0x4E00 + number) for number in range(512))
    make_conversation(credential, {"k": text})
    assert assert_finds_what_a_filter_finds(text, [credential.pk]) == 1
    assert terms_containing(text + "x", credentials=[credential.pk], key=None) == []


@pytest.mark.parametrize("part", ["", "a", "ab", "👩\u200d"])
def test_parts_that_are_too_short_cannot_be_told(credential: Credential, part: str) -> None:
    make_conversation(credential, {"k": "abc"})
    assert terms_containing(part, credentials=[credential.pk], key=None) is None


def test_three_characters_are_long_enough(credential: Credential) -> None:
    make_conversation(credential, {"k": "👩\u200d👩"})
    assert assert_finds_what_a_filter_finds("👩\u200d👩", [credential.pk]) == 1


def test_keys_and_states_are_not_values(credential: Credential) -> None:
    make_conversation(credential, {"active": "x"})
    assert terms_containing("active", credentials=[credential.pk], key=None) == []


def test_r23_terms_of_other_credentials_are_not_told(credential: Credential) -> None:
    for owner in (credential, make_credential()):
        make_conversation(owner, {"k": "shared text"})
    found = terms_containing("shared", credentials=[credential.pk], key=None)
    assert found == [(credential.pk, Term.objects.get(credential=credential, value="shared text").pk, 1)]


def test_more_candidates_than_are_looked_at_cannot_be_told(
    credential: Credential, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        make_conversation(credential, {"k": f"text {number}"})
    monkeypatch.setattr(trigrams, "MAX_CANDIDATES", 3)
    assert terms_containing("text", credentials=[credential.pk], key=None) is None
    monkeypatch.setattr(trigrams, "MAX_CANDIDATES", 4)
    assert len(terms_containing("text", credentials=[credential.pk], key=None) or []) == 4


def kept() -> int:
    """How many terms have trigrams; PostgreSQL keeps them with the row."""
    if connection.vendor == "postgresql":
        return Term.objects.exclude(key=None).exclude(value=None).count()
    return sql_helpers.fetch("SELECT count(*) FROM term_trigram_docsize")[0][0]


def test_r28_a_term_that_is_deleted_takes_its_trigrams_along(credential: Credential) -> None:
    row = make_conversation(credential, {"k": "secret text", "other": "another"})
    with transaction.atomic():
        row.store_response({"other": "another"}, is_own_change=True)
    assert kept() == 1
    assert terms_containing("secret", credentials=[credential.pk], key=None) == []
    if connection.vendor == "sqlite":
        assert sql_helpers.fetch("SELECT rowid FROM term_trigram WHERE term_trigram MATCH '\"sec\"'") == []


def test_r28_a_purge_takes_the_trigrams_along(credential: Credential) -> None:
    make_conversation(credential, {"k": "secret text"}).purge()
    assert kept() == 0


def test_what_is_rolled_back_leaves_no_trigrams(credential: Credential) -> None:
    with transaction.atomic():
        make_conversation(credential, {"k": "secret text"})
        transaction.set_rollback(True)
    assert kept() == 0
    assert not trigrams.differ()


def test_without_trigrams_nothing_can_be_told_and_everything_is_written(credential: Credential) -> None:
    trigrams.remove()
    row = make_conversation(credential, {"k": "some text"})
    assert not trigrams.are_kept()
    assert terms_containing("some", credentials=[credential.pk], key=None) is None
    row.purge()
    assert not Conversation.objects.exists()


def test_making_and_taking_away_twice_does_no_harm(credential: Credential) -> None:
    make_conversation(credential, {"k": "some text"})
    connection.check_constraints()  # PostgreSQL makes no index while something is still to be checked
    trigrams.remove()
    trigrams.remove()
    assert (trigrams.install(), trigrams.install()) == (True, True)
    assert assert_finds_what_a_filter_finds("some", [credential.pk]) == 1


def test_an_engine_that_has_none_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    trigrams.remove()
    for name in ("_SQLITE", "_POSTGRESQL"):
        monkeypatch.setattr(trigrams, name, ["CREATE VIRTUAL TABLE term_trigram USING nothing_of_this_name(x)"])
    assert trigrams.install() is False
    assert not trigrams.are_kept()
