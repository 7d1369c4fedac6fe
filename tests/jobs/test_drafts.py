"""Drafts: the resolved list is what the search finds, and stays what it is."""

import random
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import override_settings

from conversations.jobs.drafts import Nothing, TooMany, draft_of_rows, draft_of_search
from conversations.jobs.previews import preview_of
from conversations.models import Conversation, Credential, Job, State, Team
from conversations.query import parse
from conversations.search import Search
from conversations.services.holds import place_hold, place_search_hold
from tests.factories import CREATED_AT, make_conversation, make_credential
from tests.jobs.bulk import draft, step

pytestmark = pytest.mark.django_db

QUERIES = [
    "",
    "tenant:acme",
    "-state:removed",
    "tenant:acme,globex -env:dev",
    "has:env -tenant:acme",
    "env:d*",
    "env:~o tenant:initech",
    "state:missing,differs",
    "created:>2026-03-01",
    "-created:>2026-03-01 tenant:globex",
    "acme",
    'credential:"Number 3","Number 7" tenant:acme',
    '-credential:"Number 1"',
    "tenant:nobody",
]


@pytest.fixture
def credentials(team: Team) -> list[Credential]:
    """Twelve, of which the actor may use ten."""
    mine = [
        make_credential(name=f"Number {n}", base_url=f"https://s{n}.example.com/v1", teams=[team]) for n in range(10)
    ]
    return mine + [make_credential(name=f"Foreign {n}", base_url=f"https://f{n}.example.com/v1") for n in range(2)]


def make_random(draw: random.Random, credentials: list[Credential], count: int) -> list[Conversation]:
    rows = []
    for _ in range(count):
        metadata: dict[str, Any] = {"tenant": draw.choice(["acme", "globex", "initech"])}
        if draw.random() < 0.7:
            metadata["env"] = draw.choice(["prod", "dev", "staging"])
        created_at = CREATED_AT - timedelta(days=draw.randrange(150))
        state = draw.choice([State.ACTIVE] * 5 + [State.REMOVED, State.MISSING, State.DIFFERS])
        rows.append(make_conversation(draw.choice(credentials), metadata, created_at=created_at, state=state))
    return rows


def listed(job: Job) -> set[int]:
    return set(job.items.values_list("conversation_id", flat=True))


def searched(actor: User, query: str) -> set[int]:
    search = Search.for_user(parse(query), actor)
    return {row.pk for row in search.visible.by_sort_keys(search.sort_keys())}


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_r30_the_resolved_list_is_what_the_search_finds_while_rows_come_and_go(
    actor: User, credentials: list[Credential], seed: int
) -> None:
    draw = random.Random(seed)
    rows = make_random(draw, credentials, 120)
    for query in QUERIES:
        expected = searched(actor, query)
        if not expected:
            with pytest.raises(Nothing):
                draft(actor, "remove", query)
            continue
        job = draft(actor, "remove", query)
        assert listed(job) == expected
        assert job.total == len(expected)
        assert set(job.credentials.all()) == {row.credential for row in Conversation.objects.filter(pk__in=expected)}
        gone = rows.pop(draw.randrange(len(rows)))
        gone_key = gone.pk
        gone.purge()
        rows += make_random(draw, credentials, 2)
        assert listed(job) - {None} == expected - {gone_key}  # what came later isn't in it


def test_rows_of_others_are_left_out(actor: User, credentials: list[Credential]) -> None:
    own, foreign = make_conversation(credentials[0]), make_conversation(credentials[-1])
    assert listed(draft_of_rows(actor=actor, kind="remove", keys=[own.pk, foreign.pk, 999_999])) == {own.pk}
    with pytest.raises(Nothing):
        draft_of_rows(actor=actor, kind="remove", keys=[foreign.pk])


def test_more_than_the_limit_is_refused_and_nothing_is_left(actor: User, credentials: list[Credential]) -> None:
    for _ in range(3):
        make_conversation(credentials[0])
    search = Search.for_user(parse(""), actor)
    with override_settings(BULK_LIMIT=2), pytest.raises(TooMany, match="More than 2 conversations match"):
        draft_of_search(actor=actor, kind="remove", search=search, query="")
    assert not Job.objects.exists()


def test_the_preview_tells_what_stands_in_the_way(actor: User, credentials: list[Credential]) -> None:
    first, second = credentials[:2]
    make_conversation(first, {"cust": "a"})
    make_conversation(first, {"cust": "b", "tenant": "x"})  # the new name is taken
    make_conversation(first, {"other": "c"})  # nothing to rename
    make_conversation(second, {"cust": "d"}, state=State.DIFFERS)
    make_conversation(second, {"cust": "e"}, state=State.REMOVED)
    held = make_conversation(second, {"cust": "f"})
    place_hold(actor=actor, conversations=[held], reason="Case 7")
    preview = preview_of(draft(actor, "edit", steps=[step("rename", "cust", to="tenant")]))
    assert (preview.total, preview.changing, preview.unchanged, preview.held) == (6, 1, 1, 1)
    assert preview.impossible == {"It already has a key “tenant”.": 1}
    assert (preview.differing, preview.removed) == (1, 1)
    assert [(credential.name, count) for credential, count in preview.by_credential if credential] == [
        ("Number 0", 3),
        ("Number 1", 3),
    ]
    changes = {tuple((change.key, change.before, change.after) for change in each.changes) for each in preview.samples}
    assert (("cust", "a", None), ("tenant", None, "a")) in changes


def test_the_preview_counts_what_the_search_of_a_hold_finds(actor: User, credentials: list[Credential]) -> None:
    for tenant in ("acme", "acme", "globex"):
        make_conversation(credentials[0], {"tenant": tenant})
    place_search_hold(actor=actor, query="tenant:acme", credentials=credentials[:2], reason="Case 8")
    assert preview_of(draft(actor, "erase")).held == 2


def test_the_time_is_that_of_the_slowest_credential(actor: User, credentials: list[Credential]) -> None:
    fast, slow = credentials[:2]
    Credential.objects.filter(pk=fast.pk).update(concurrency=64)
    Credential.objects.filter(pk=slow.pk).update(concurrency=1)
    for _ in range(10):
        make_conversation(fast)
    for _ in range(5):
        make_conversation(slow)
    assert preview_of(draft(actor, "remove")).seconds == pytest.approx(5 * 2 * 0.4)


def test_the_time_is_that_of_the_last_job_of_the_same_kind(actor: User, credentials: list[Credential]) -> None:
    for _ in range(50):
        make_conversation(credentials[0])
    last = draft(actor, "remove")
    Job.objects.filter(pk=last.pk).update(
        state="finished", running_since=CREATED_AT, finished_at=CREATED_AT + timedelta(seconds=100)
    )
    assert preview_of(draft(actor, "remove")).seconds == pytest.approx(100)
    assert preview_of(draft(actor, "erase")).seconds != pytest.approx(100)
    last.credentials.add(credentials[1])  # whose part of the time is unknown
    assert preview_of(draft(actor, "remove")).seconds != pytest.approx(100)
