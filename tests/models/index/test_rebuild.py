"""A damaged index is made what the conversations say: whole, resumable, and while the site is in use."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from conversations.models import Conversation, IndexChange, Posting, Progress, Term
from conversations.models.index import rebuild as reindex
from conversations.models.index import trigrams
from conversations.models.index import writing as index
from conversations.models.index.rebuild import differences, rebuild
from conversations.models.index.terms import sort_key_at
from tests.checkouts import ROOT
from tests.factories import CREATED_AT, in_threads, make_conversation, make_credential
from tests.models.index.test_differences import (
    DAMAGES,
    SECRET,
    Damage,
    Indexed,
    bear,
    each_damage,
    everything_missing,
    folded_otherwise,
    held,
    indexed,
)
from tests.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.django_db

__all__ = ["indexed"]  # a fixture

OF_THE_INDEX = [damage for damage in DAMAGES if "past_the_index" not in damage.__name__]  # not of the conversations


class Interrupted(Exception):
    """Ends a rebuild in the middle."""


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reindex, "STEP", 2)
    monkeypatch.setattr(reindex, "POSTINGS", 2)


def reindexed(*arguments: str) -> str:
    """What the command writes."""
    out = StringIO()
    call_command("reindex", *arguments, stdout=out)
    return out.getvalue()


@each_damage
def test_damage_is_repaired(indexed: Indexed, damage: Damage) -> None:
    damage(indexed)
    assert rebuild() > 0 or damage.__name__.startswith("a_trigram")
    assert list(differences()) == []
    assert not Progress.objects.exists()


@pytest.mark.parametrize("damage", OF_THE_INDEX, ids=lambda damage: damage.__name__)
def test_the_repaired_index_is_what_it_was(indexed: Indexed, damage: Damage) -> None:
    whole = held()
    damage(indexed)
    rebuild()
    assert held() == whole


@each_damage
@pytest.mark.usefixtures("small_steps")
def test_damage_is_repaired_in_small_steps(indexed: Indexed, damage: Damage) -> None:
    damage(indexed)
    told: list[str] = []
    rebuild(report=told.append)
    assert list(differences()) == []
    assert SECRET.casefold() not in " ".join(told).casefold()


def test_the_command_says_how_much_it_repaired_and_no_value(indexed: Indexed) -> None:
    folded_otherwise(indexed)
    said = reindexed()
    assert said == "The index matches the conversations. Differences repaired: 2.\n"


def test_a_whole_index_is_left_as_it_is(indexed: Indexed) -> None:
    before = [*Term.objects.order_by("pk").values_list()]
    assert reindexed() == "The index matches the conversations. Differences repaired: 0.\n"
    assert [*Term.objects.order_by("pk").values_list()] == before


def test_how_far_it_is_is_told_on_a_terminal(indexed: Indexed) -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    call_command("reindex", stdout=out, no_color=True)
    *shown, last = out.getvalue().rstrip("\n").split("\r")
    assert any("postings, 0 differences repaired" in text for text in shown)
    assert last.replace("\033[K", "") == "The index matches the conversations. Differences repaired: 0."


def test_conversations_are_found_again_by_a_part_of_a_value(indexed: Indexed) -> None:
    everything_missing(indexed)
    rebuild()
    found = trigrams.terms_containing("geheim", credentials=[indexed.ours.pk], key=None)
    assert found == [(indexed.ours.pk, indexed.name.pk, 1)]


def test_trigrams_that_are_not_there_are_made(indexed: Indexed) -> None:
    connection.check_constraints()  # PostgreSQL makes no index while something is still to be checked
    trigrams.remove()
    assert not trigrams.are_kept()
    rebuild()
    assert trigrams.are_kept()
    found = trigrams.terms_containing("geheim", credentials=[indexed.ours.pk], key="name")
    assert found == [(indexed.ours.pk, indexed.name.pk, 1)]


def test_terms_made_after_the_trigrams_were_made_again_have_some_too(indexed: Indexed) -> None:
    connection.check_constraints()
    trigrams.remove()
    rebuild()
    make_conversation(indexed.ours, {"k": "later"})
    found = trigrams.terms_containing("late", credentials=[indexed.ours.pk], key=None)
    assert found == [(indexed.ours.pk, indexed.term("k", "later").pk, 1)]


def damage_at_random(chance: random.Random, indexed: Indexed) -> None:
    """Some of the damages of one kind, and noise over all tables."""
    for damage in chance.sample(DAMAGES, k=4):
        try:
            with transaction.atomic():
                damage(indexed)
        except (Term.DoesNotExist, Term.MultipleObjectsReturned, IntegrityError):
            pass  # another damage took away, or made already, what it would damage
    for term in chance.sample(list(Term.objects.all()), k=min(4, Term.objects.count())):
        Term.objects.filter(pk=term.pk).update(count=chance.randrange(-1, 4))
        Posting.objects.filter(term_id=term.pk, sort_key__in=[row.sort_key for row in some_rows(chance)]).delete()
        for sort_key in {row.sort_key for row in some_rows(chance)} - set(
            Posting.objects.filter(term=term).values_list("sort_key", flat=True)
        ):
            bear(term.pk, sort_key)


def some_rows(chance: random.Random) -> list[Conversation]:
    rows = list(Conversation.objects.order_by("pk"))
    return chance.sample(rows, k=min(3, len(rows)))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(12))
def test_an_index_that_was_damaged_at_random_is_repaired(
    indexed: Indexed, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr(reindex, "STEP", chance.choice([1, 2, 3, 2_000]))
    monkeypatch.setattr(reindex, "POSTINGS", chance.choice([1, 2, 3, 10_000]))
    for _ in range(6):
        make_conversation(indexed.ours, {chance.choice("abc"): chance.choice("123")}, state=chance.choice(STATES))
    damage_at_random(chance, indexed)
    assert list(differences()) != []
    rebuild()
    assert list(differences()) == []


STATES = ["active", "differs", "missing", "removed"]


# Interrupted


def interrupted_after(steps: int) -> None:
    """A rebuild that is interrupted when it has told so many steps."""
    told = 0

    def tell(text: str) -> None:
        nonlocal told
        told += 1
        if told == steps:
            raise Interrupted

    with pytest.raises(Interrupted):
        rebuild(report=tell)


def steps_of_a_rebuild() -> list[str]:
    told: list[str] = []
    rebuild(report=told.append)
    return told


@pytest.mark.usefixtures("small_steps")
def test_it_resumes_where_it_was_interrupted(indexed: Indexed) -> None:
    whole = len(steps_of_a_rebuild())
    interrupted_after(3)
    assert len(steps_of_a_rebuild()) == whole - 3
    assert not Progress.objects.exists()


@pytest.mark.usefixtures("small_steps")
def test_it_resumes_at_every_cursor(indexed: Indexed) -> None:
    whole = steps_of_a_rebuild()
    for steps in range(1, len(whole)):
        interrupted_after(steps)
        assert steps_of_a_rebuild() == whole[steps:]


@pytest.mark.usefixtures("small_steps")
def test_what_was_looked_at_before_the_interruption_is_not_looked_at_again(indexed: Indexed) -> None:
    interrupted_after(1)
    first = Term.objects.earliest("pk")
    Term.objects.filter(pk=first.pk).update(count=9)
    rebuild()
    assert Term.objects.get(pk=first.pk).count == 9


@pytest.mark.usefixtures("small_steps")
def test_restart_begins_anew(indexed: Indexed) -> None:
    interrupted_after(1)
    first = Term.objects.earliest("pk")
    Term.objects.filter(pk=first.pk).update(count=9)
    assert reindexed("--restart") == "The index matches the conversations. Differences repaired: 1.\n"
    assert list(differences()) == []


@pytest.mark.usefixtures("small_steps")
def test_what_was_repaired_before_the_interruption_is_counted(indexed: Indexed) -> None:
    Term.objects.update(count=9)
    interrupted_after(2)
    assert rebuild() == Term.objects.count()


def test_an_interruption_while_the_trigrams_are_taken_away_leaves_them_whole(indexed: Indexed) -> None:
    with pytest.raises(Interrupted), connection.execute_wrapper(interrupt_the_last_drop()):
        trigrams.remove()
    make_conversation(indexed.ours, {"k": "later"})
    assert trigrams.are_kept()
    assert list(differences()) == []


def interrupt_the_last_drop() -> Callable[..., Any]:
    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(("DROP TABLE", "DROP INDEX")):
            raise Interrupted
        return execute(sql, params, many, context)

    return wrapper


# At the same time


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_writes_while_it_runs_leave_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reindex, "STEP", 3)
    monkeypatch.setattr(reindex, "POSTINGS", 5)
    credentials = [make_credential(), make_credential()]
    rows = [make_conversation(credentials[0], {"shared": "1", "own": str(number)}) for number in range(16)]
    Term.objects.filter(value="1").update(count=40)  # too few would refuse the writes
    Posting.objects.filter(term__key="own").delete()
    busy = [lambda own=rows[start::2]: write(own, credentials) for start in range(2)]
    assert in_threads(*busy, lambda: [rebuild() for _ in range(3)] and None) == [None] * 3
    rebuild()
    assert list(differences()) == []


def write(rows: list[Conversation], credentials: list[Any]) -> None:
    chance = random.Random(rows[0].pk)
    for number in range(60):
        row = chance.choice(rows)
        with transaction.atomic():
            row = Conversation.objects.select_for_update(of=("self",)).get(pk=row.pk)
            if number % 5 == 0:
                row.transfer(chance.choice(credentials))
            else:
                row.store_response({"shared": chance.choice("12"), "own": str(number % 3)}, is_own_change=True)
        if number % 7 == 0:
            make_conversation(credentials[0], {"shared": "1"})


# Killed


COMMAND = """
import sys
from django.conf import settings
from django.core.management import execute_from_command_line

settings.DATABASES["default"]["NAME"] = sys.argv.pop(1)
execute_from_command_line(sys.argv)
"""


def reindexing(*arguments: str) -> subprocess.Popen[str]:
    """The command in a process of its own, on the database of the tests."""
    database = str(connection.settings_dict["NAME"])
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "convadmin.settings"}
    command = [sys.executable, "-c", COMMAND, database, "reindex", *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def fill(number: int) -> None:
    """An index of so many conversations, with a term of its own for each, that miscounts every one."""
    credential = make_credential()
    made = (CREATED_AT + timedelta(seconds=second) for second in range(number))
    rows = Conversation.objects.bulk_create(
        Conversation(
            credential=credential,
            base_url=credential.base_url,
            openai_id=f"conv_{moment.timestamp()}",
            sort_key=sort_key_at(moment),
            created_at=moment,
            metadata={"k": moment.isoformat()},
            origin="imported",
        )
        for moment in made
    )
    with transaction.atomic():
        index.apply(IndexChange(credential.pk, row.sort_key, after=row.index_terms) for row in rows)
        Term.objects.update(count=9)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_rebuild_that_is_killed_resumes_where_it_was() -> None:
    fill(2_600)
    with reindexing() as process:
        wait_until(Progress.objects.exists)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert Progress.objects.get().repaired >= reindex.STEP
    seen = Term.objects.earliest("pk").pk
    Term.objects.filter(pk=seen).update(count=9)
    with reindexing() as process:
        said, _ = process.communicate(timeout=PATIENCE)
    assert said.startswith("The index matches the conversations. ")
    assert [difference.partition(" (")[0] for difference in differences()] == [f"Term {seen}"]
    with reindexing("--restart") as process:
        said, _ = process.communicate(timeout=PATIENCE)
    assert said == "The index matches the conversations. Differences repaired: 1.\n"
    assert list(differences()) == []
