"""The one write path of the search index: after any sequence of changes it is what a recount gives."""

import random
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversations.models import Conversation, Credential, EventDetail, IndexChange, Posting, Term
from conversations.models.choices import State
from conversations.models.index import writing as index
from conversations.models.index.rebuild import differences
from conversations.models.index.terms import EPOCH, TIEBREAK_BITS, index_terms, sort_key_at
from conversations.services.conversations import get_conversation
from tests.factories import CREATED_AT, in_threads, make_conversation, make_credential, make_known

pytestmark = pytest.mark.django_db

values = st.sampled_from(["", "a", "A", "ä", "x" * 512, "a\0b", "\ud800", "null"]) | st.sampled_from(
    [None, 1, True, [1]]
)
maps = st.dictionaries(st.sampled_from(["k", "K", "key two", "", "nul\0"]), values, max_size=4)
many_examples = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def held() -> list[tuple[Any, ...]]:
    """All that the index holds."""
    postings = {posting.term_id: [] for posting in Posting.objects.all()}
    for posting in Posting.objects.order_by("sort_key"):
        postings[posting.term_id].append(posting.sort_key)
    return sorted(
        ((term.credential_id, term.key, term.value, term.count, postings[term.pk]) for term in Term.objects.all()),
        key=str,
    )


def assert_is_what_a_recount_gives() -> None:
    assert list(differences()) == []


def change(row: Conversation, metadata: dict[str, Any]) -> None:
    with transaction.atomic():
        row.store_response(metadata, is_own_change=True)


@pytest.mark.long
@many_examples
@given(st.lists(st.tuples(st.integers(0, 3), maps), max_size=12))
def test_any_sequence_of_responses_is_what_a_recount_gives(steps: list[tuple[int, dict[str, Any]]]) -> None:
    with transaction.atomic():
        rows = [make_conversation(make_credential()) for _ in range(4)]
        for which, metadata in steps:
            change(rows[which], metadata)
        assert_is_what_a_recount_gives()
        transaction.set_rollback(True)


@pytest.mark.long
def test_any_mix_of_adding_changing_transferring_and_purging_is_what_a_recount_gives() -> None:
    chance = random.Random(7)
    credentials = [make_credential(), make_credential()]
    for _ in range(120):
        rows = list(Conversation.objects.all())
        metadata = {chance.choice("abcd"): chance.choice("123") for _ in range(chance.randrange(4))}
        step = chance.randrange(4) if rows else 0
        with transaction.atomic():
            if step == 0:
                make_conversation(chance.choice(credentials), metadata)
            elif step == 1:
                chance.choice(rows).store_response(metadata, is_own_change=chance.random() < 0.5)
            elif step == 2:
                chance.choice(rows).transfer(chance.choice(credentials))
            else:
                chance.choice(rows).purge()
    assert_is_what_a_recount_gives()


def test_many_changes_at_once_are_what_a_recount_gives() -> None:
    credential = make_credential()
    rows = [make_conversation(credential) for _ in range(30)]
    after = [{f"key {number % 7}": f"value {number}", "all": "same", f"own {number}": ""} for number in range(30)]
    with transaction.atomic():
        index.apply(
            IndexChange(credential.pk, row.sort_key, row.index_terms, index_terms(new, row.state))
            for row, new in zip(rows, after, strict=True)
        )
        for row, new in zip(rows, after, strict=True):
            Conversation.objects.filter(pk=row.pk).update(metadata=new)
    assert_is_what_a_recount_gives()


def test_a_term_that_nothing_has_is_deleted() -> None:
    row = make_conversation(make_credential(), {"a": "1", "b": "2"})
    change(row, {"b": "2"})
    assert Counter(Term.objects.values_list("key", flat=True)) == {"b": 2, None: 1}


def test_r23_a_term_belongs_to_one_credential() -> None:
    for _ in range(2):
        make_conversation(make_credential(), {"a": "1"})
    assert list(Term.objects.values_list("count", flat=True)) == [1, 1, 1, 1, 1, 1]


def test_r20_the_folded_value_stands_beside_the_value() -> None:
    make_conversation(make_credential(), {"a": "STRASSE"})
    term = Term.objects.get(key="a", value__isnull=False)
    assert (term.value, term.folded) == ("STRASSE", "strasse")


def test_the_empty_value_is_told_from_the_key_alone() -> None:
    make_conversation(make_credential(), {"a": ""})
    assert sorted(Term.objects.filter(key="a").values_list("value", flat=True), key=str) == ["", None]


def test_r18_broken_characters_are_stored_as_u_fffd_and_marked() -> None:
    row = make_conversation(make_credential(), {"nul": "a\0b", "half": "\ud83d"})
    row.refresh_from_db()
    assert (row.metadata, row.is_altered) == ({"nul": "a\ufffdb", "half": "\ufffd"}, True)
    assert Term.objects.filter(key="nul", value="a\ufffdb").exists()


def test_r18_values_that_are_no_strings_are_found_by_their_json() -> None:
    make_conversation(make_credential(), {"a": {"b": [1.5, None]}})
    assert Term.objects.get(key="a", value__isnull=False).value == '{"b": [1.5, null]}'


def test_a_value_of_the_greatest_length_is_indexed() -> None:
    make_conversation(make_credential(), {"k" * 64: "\N{GRINNING FACE}" * 512})
    assert Term.objects.filter(value="\N{GRINNING FACE}" * 512).exists()


def test_transferring_moves_the_terms() -> None:
    row, other = make_conversation(make_credential(), {"a": "1"}), make_credential()
    with transaction.atomic():
        row.transfer(other)
    assert set(Term.objects.values_list("credential", flat=True)) == {other.pk}


def test_transferring_to_the_same_credential_changes_nothing() -> None:
    row = make_conversation(make_credential(), {"a": "1"})
    with transaction.atomic():
        row.transfer(row.credential)
    assert_is_what_a_recount_gives()


def test_r28_purging_takes_the_terms_and_the_details(credential: Credential, sandbox: Any, operator: Any) -> None:
    row = make_known(sandbox, credential, {"a": "1"})
    get_conversation(actor=operator, credential=credential, openai_id=row.openai_id)
    stale = Conversation.objects.get(pk=row.pk)
    change(row, {"b": "2"})
    stale.purge()
    assert [model.objects.count() for model in (Conversation, Term, Posting, EventDetail)] == [0, 0, 0, 0]


# sort_key


def test_ord_is_the_second_and_a_tiebreak() -> None:
    row = make_conversation(make_credential())
    assert row.sort_key >> TIEBREAK_BITS == int((CREATED_AT - EPOCH).total_seconds())


def test_an_ord_that_is_taken_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    taken, bits = make_conversation(make_credential()).sort_key, (1 << TIEBREAK_BITS) - 1
    free = taken ^ 1
    drawn = iter([taken & bits, taken & bits, free & bits])
    monkeypatch.setattr("secrets.randbits", lambda _: next(drawn))
    assert make_conversation(make_credential()).sort_key == free


def test_r1_the_same_conversation_cannot_be_entered_twice() -> None:
    credential = make_credential()
    make_conversation(credential, openai_id="conv_1")
    with pytest.raises(IntegrityError), transaction.atomic():
        make_conversation(make_credential(), openai_id="conv_1")
    assert Conversation.objects.count() == 1


def test_r1_the_same_id_at_another_server_is_another_conversation() -> None:
    make_conversation(make_credential(), openai_id="conv_1")
    make_conversation(make_credential(base_url="https://eu.api.openai.com/v1"), openai_id="conv_1")
    assert Conversation.objects.count() == 2


@pytest.mark.parametrize("seconds", [None, 0, 1, 2**40, int(EPOCH.timestamp()) - 1])
def test_a_missing_or_absurd_time_of_creation_counts_as_first_seen(seconds: int | None) -> None:
    before = datetime.now(UTC)
    with transaction.atomic():
        row = Conversation.objects.add(
            credential=make_credential(),
            openai_id="conv_1",
            created_at=seconds,
            metadata={},
            added_by=None,
            origin="fetched",
        )
    assert before.replace(microsecond=0) <= row.created_at <= datetime.now(UTC)
    assert row.sort_key >> TIEBREAK_BITS == sort_key_at(row.created_at) >> TIEBREAK_BITS


# States (R2)


def test_r2_what_changed_without_us_differs_until_openai_holds_it_again() -> None:
    row = make_conversation(make_credential(), {"a": "1"})
    states = []
    for answer in ({"a": "2"}, {"a": "3"}, {"a": "1"}):
        row.store_response(answer, is_own_change=False)
        states.append((row.state, row.our_metadata))
    assert states == [(State.DIFFERS, {"a": "1"}), (State.DIFFERS, {"a": "1"}), (State.ACTIVE, None)]


def test_r2_a_difference_survives_a_404_between() -> None:
    row = make_conversation(make_credential(), {"a": "1"})
    row.store_response({"a": "2"}, is_own_change=False)
    row.store_not_found()
    assert row.state == State.MISSING
    row.store_response({"a": "2"}, is_own_change=False)
    assert (row.state, row.our_metadata) == (State.DIFFERS, {"a": "1"})


@pytest.mark.django_db(transaction=True)
def test_terms_that_come_and_go_at_the_same_time_are_what_a_recount_gives() -> None:
    credential = make_credential()
    rows = [make_conversation(credential, {"shared": "1"}) for _ in range(4)]

    def work(row: Conversation) -> None:
        for number in range(12):
            change(row, {"shared": "1", "other": "2"} if number % 2 else {})

    assert in_threads(*(lambda row=row: work(row) for row in rows)) == [None] * 4
    assert_is_what_a_recount_gives()


def test_a_key_that_no_engine_could_index_is_kept_and_not_searchable(credential: Credential) -> None:
    long = "".join(chr(0x4E00 + number) for number in range(9000))
    conversation = make_conversation(credential, {long: "a", "env": "prod"})
    assert conversation.metadata == {long: "a", "env": "prod"}
    assert {term.key for term in Term.objects.all()} == {"env", None}
