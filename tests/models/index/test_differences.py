"""`manage.py check_index` tells each kind of damage, in words without a value, and changes nothing."""

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from conversations.models import Conversation, Credential, HourCount, Posting, Term
from conversations.models.index import rebuild as reindex
from conversations.models.index import sql_helpers, trigrams
from conversations.models.index.terms import term_digest
from tests.factories import make_conversation, make_credential

pytestmark = pytest.mark.django_db

SECRET = "Müller-Geheim"  # what no output may hold
GONE = 5  # the sort_key of no conversation
Held = list[tuple[Any, ...]]


class Indexed:
    """Three conversations of two credentials, and what has what."""

    def __init__(self) -> None:
        self.ours, self.theirs = make_credential(), make_credential()
        self.row = make_conversation(self.ours, {"name": SECRET, "env": "prod"})
        self.second = make_conversation(self.ours, {"env": "test"})
        self.foreign = make_conversation(self.theirs, {"env": "test"})

    def term(self, key: str | None, value: str | None, credential: Credential | None = None) -> Term:
        return Term.objects.get(credential=credential or self.ours, key=key, value=value)

    @property
    def name(self) -> Term:
        """The term that only `row` has, whose value is a secret."""
        return self.term("name", SECRET)


@pytest.fixture
def indexed() -> Indexed:
    return Indexed()


def held() -> Held:
    """All that the index holds, whatever the ids of its terms."""
    terms = {term.pk: (term.credential_id, term.key, term.value) for term in Term.objects.all()}
    facts = [(*terms[t.pk], t.folded, bytes(t.digest).hex(), t.count) for t in Term.objects.all()]
    postings = [
        (terms.get(term_id), sort_key) for term_id, sort_key in Posting.objects.values_list("term_id", "sort_key")
    ]
    hours = HourCount.objects.values_list("credential", "hour", "count")
    return sorted([*facts, *postings, *hours], key=repr)


def everything() -> list[list[tuple[Any, ...]]]:
    """Each row of the tables, and each term that has trigrams."""
    tables = ["conversations_term", "conversations_posting", "conversations_conversation", "conversations_progress"]
    tables.append("conversations_hourcount")
    if connection.vendor == "sqlite":
        tables.append("term_trigram_docsize")
    return [sorted(sql_helpers.fetch(f"SELECT * FROM {table}"), key=repr) for table in tables]  # noqa: S608


def bear(term_id: int, sort_key: int) -> None:
    sql_helpers.execute("INSERT INTO conversations_posting (term_id, sort_key) VALUES (%s, %s)", [term_id, sort_key])


def forget(term: Term, *sort_keys: int) -> None:
    Posting.objects.filter(term=term, sort_key__in=sort_keys).delete()


def change(term: Term, **fields: Any) -> None:
    Term.objects.filter(pk=term.pk).update(**fields)


# Damage


def too_many_of_another(indexed: Indexed) -> None:
    bear(indexed.name.pk, indexed.second.sort_key)


def too_many_of_another_and_counted(indexed: Indexed) -> None:
    bear(indexed.name.pk, indexed.second.sort_key)
    change(indexed.name, count=2)


def too_many_of_one_that_is_gone(indexed: Indexed) -> None:
    bear(indexed.name.pk, GONE)


def too_many_of_one_that_is_gone_and_counted(indexed: Indexed) -> None:
    bear(indexed.name.pk, GONE)
    change(indexed.name, count=2)


def too_many_of_another_credential(indexed: Indexed) -> None:
    bear(indexed.term("env", "test").pk, indexed.foreign.sort_key)


def too_many_of_another_credential_and_counted(indexed: Indexed) -> None:
    bear(indexed.term("env", "test").pk, indexed.foreign.sort_key)
    change(indexed.term("env", "test"), count=2)


def one_posting_missing(indexed: Indexed) -> None:
    forget(indexed.term("env", None), indexed.row.sort_key)


def one_posting_missing_and_counted(indexed: Indexed) -> None:
    forget(indexed.term("env", None), indexed.row.sort_key)
    change(indexed.term("env", None), count=1)


def term_missing(indexed: Indexed) -> None:
    term = indexed.name
    forget(term, indexed.row.sort_key)
    term.delete()


def everything_missing(indexed: Indexed) -> None:
    Posting.objects.all().delete()
    Term.objects.all().delete()


def counts_too_many(indexed: Indexed) -> None:
    change(indexed.name, count=7)


def counts_too_few(indexed: Indexed) -> None:
    change(indexed.term("env", None), count=1)


def counts_none(indexed: Indexed) -> None:
    change(indexed.name, count=0)


def counts_less_than_none(indexed: Indexed) -> None:
    change(indexed.name, count=-1)


def term_without_postings(indexed: Indexed) -> None:
    term = ("name", SECRET + "2")
    Term.objects.create(
        credential=indexed.ours,
        key=term[0],
        value=term[1],
        folded=term[1].casefold(),
        digest=term_digest(*term),
        count=0,
    )


def counts_and_has_no_postings(indexed: Indexed) -> None:
    term_without_postings(indexed)
    change(indexed.term("name", SECRET + "2"), count=3)


def folded_otherwise(indexed: Indexed) -> None:
    change(indexed.name, folded=SECRET)


def digest_of_another(indexed: Indexed) -> None:
    change(indexed.name, digest=term_digest("name", "another"))


def a_second_term_for_the_same(indexed: Indexed) -> None:
    second = Term.objects.create(
        credential=indexed.ours,
        key="name",
        value=SECRET,
        folded=SECRET.casefold(),
        digest=term_digest("x", "y"),
        count=1,
    )
    bear(second.pk, indexed.row.sort_key)


def value_of_another(indexed: Indexed) -> None:
    change(indexed.name, value=SECRET + "2")


def term_of_another_credential(indexed: Indexed) -> None:
    change(indexed.name, credential=indexed.theirs)


def term_gone(indexed: Indexed) -> None:
    indexed.name.delete()


def term_and_conversation_gone(indexed: Indexed) -> None:
    bear(indexed.name.pk + 1_000, GONE)


def another_state(indexed: Indexed) -> None:
    change(indexed.term(None, "active"), value="missing", folded="missing", digest=term_digest(None, "missing"))


def state_changed_past_the_index(indexed: Indexed) -> None:
    Conversation.objects.filter(pk=indexed.row.pk).update(state="removed")


def metadata_changed_past_the_index(indexed: Indexed) -> None:
    Conversation.objects.filter(pk=indexed.row.pk).update(metadata={"name": SECRET + "2", "other": SECRET})


def credential_changed_past_the_index(indexed: Indexed) -> None:
    Conversation.objects.filter(pk=indexed.row.pk).update(credential=indexed.theirs)


def ord_changed_past_the_index(indexed: Indexed) -> None:
    Conversation.objects.filter(pk=indexed.row.pk).update(sort_key=GONE)


def purged_past_the_index(indexed: Indexed) -> None:
    Conversation.objects.filter(pk=indexed.row.pk).delete()


def added_past_the_index(indexed: Indexed) -> None:
    copy = Conversation.objects.get(pk=indexed.row.pk)
    copy.pk, copy.openai_id = None, "conv_copy"
    copy.insert()


def a_trigram_missing(indexed: Indexed) -> None:
    term = indexed.name
    sql_helpers.execute(
        "INSERT INTO term_trigram (term_trigram, rowid, folded) VALUES ('delete', %s, %s)", [term.pk, term.folded]
    )


def a_trigram_too_many(indexed: Indexed) -> None:
    sql_helpers.execute("INSERT INTO term_trigram (rowid, folded) VALUES (%s, %s)", [indexed.name.pk + 1_000, SECRET])


Damage = Callable[[Indexed], None]


def hour_missing(indexed: Indexed) -> None:
    HourCount.objects.filter(credential=indexed.ours).delete()


def hour_counts_too_many(indexed: Indexed) -> None:
    HourCount.objects.filter(credential=indexed.theirs).update(count=3)


def hour_of_no_conversation(indexed: Indexed) -> None:
    HourCount.objects.create(credential=indexed.ours, hour=7, count=2)


DAMAGES: list[Damage] = [
    hour_missing,
    hour_counts_too_many,
    hour_of_no_conversation,
    too_many_of_another,
    too_many_of_another_and_counted,
    too_many_of_one_that_is_gone,
    too_many_of_one_that_is_gone_and_counted,
    too_many_of_another_credential,
    too_many_of_another_credential_and_counted,
    one_posting_missing,
    one_posting_missing_and_counted,
    term_missing,
    everything_missing,
    counts_too_many,
    counts_too_few,
    counts_none,
    counts_less_than_none,
    term_without_postings,
    counts_and_has_no_postings,
    folded_otherwise,
    digest_of_another,
    a_second_term_for_the_same,
    value_of_another,
    term_of_another_credential,
    term_gone,
    term_and_conversation_gone,
    another_state,
    state_changed_past_the_index,
    metadata_changed_past_the_index,
    credential_changed_past_the_index,
    ord_changed_past_the_index,
    purged_past_the_index,
    added_past_the_index,
]
if connection.vendor == "sqlite":  # PostgreSQL keeps its trigrams itself
    DAMAGES += [a_trigram_missing, a_trigram_too_many]
each_damage = pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)


@pytest.fixture
def repaired() -> Any:
    """Leave no foreign key behind that leads nowhere, which the tests' own check would find."""
    yield
    Posting.objects.exclude(term__in=Term.objects.all()).delete()


def checked() -> tuple[str, str]:
    """What the command writes, and what it fails with."""
    out = StringIO()
    try:
        call_command("check_index", stdout=out)
    except CommandError as error:
        return out.getvalue(), str(error)
    return out.getvalue(), ""


def test_a_whole_index_is_said_to_be_so(indexed: Indexed) -> None:
    assert checked() == ("The index matches the conversations.\n", "")


def test_an_empty_index_is_whole() -> None:
    assert checked() == ("The index matches the conversations.\n", "")


@each_damage
@pytest.mark.usefixtures("repaired")
def test_damage_is_told_without_a_value_and_nothing_is_changed(indexed: Indexed, damage: Damage) -> None:
    damage(indexed)
    before = everything()
    told, failure = checked()
    assert failure.startswith(f"{told.count(chr(10))} difference")
    assert "manage.py reindex" in failure
    assert SECRET.casefold() not in (told + failure).casefold()
    assert everything() == before


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (counts_too_many, "(“name”): counts 7, has 1 postings"),
        (folded_otherwise, "(“name”): counts 1, has 1 postings, or is malformed."),
        (too_many_of_another_and_counted, "(“name”): no conversation has it."),
        (term_and_conversation_gone, "(missing): no conversation has it."),
        (one_posting_missing_and_counted, "can't be found by “env”."),
        (state_changed_past_the_index, "can't be found by state."),
    ],
    ids=lambda each: getattr(each, "__name__", None),
)
@pytest.mark.usefixtures("repaired")
def test_what_differs_is_named(indexed: Indexed, damage: Damage, told: str) -> None:
    damage(indexed)
    assert told in checked()[0]


def test_a_conversation_that_cannot_be_found_is_named_by_its_id(indexed: Indexed) -> None:
    one_posting_missing_and_counted(indexed)
    assert checked()[0] == f"Conversation {indexed.row.openai_id}: can't be found by “env”.\n"


def test_only_the_first_differences_are_told_and_all_are_counted() -> None:
    credential = make_credential()
    for number in range(60):
        make_conversation(credential, {f"key {number}": ""})
    Term.objects.filter(value="").update(count=2)
    told, failure = checked()
    assert told.count("\n") == 50
    assert failure.startswith("60 differences")


def test_many_steps_tell_what_one_step_tells(indexed: Indexed, monkeypatch: pytest.MonkeyPatch) -> None:
    too_many_of_another(indexed)
    one_posting_missing(indexed)
    whole = list(reindex.differences())
    monkeypatch.setattr(reindex, "STEP", 1)
    monkeypatch.setattr(reindex, "POSTINGS", 1)
    assert list(reindex.differences()) == whole


def test_no_trigrams_at_all_are_no_difference(indexed: Indexed) -> None:
    trigrams.remove()
    assert checked()[1] == ""
