"""Listing what a server has, where it has a list."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User

from conversations.jobs import control
from conversations.models import Conversation, Credential, Job, JobState, State, Team
from conversations.sandbox import Dialect, Fault, Sandbox
from tests.factories import KEY, make_conversation, make_credential, make_known, make_remote
from tests.jobs.steps import outcomes, run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server() -> Iterator[Sandbox]:
    with Sandbox(key=KEY, dialect=Dialect(lists_conversations=True)) as running:
        yield running


@pytest.fixture
def lister(server: Sandbox, team: Team) -> Credential:
    return make_credential(server, teams=[team])


def start(actor: User, credential: Credential) -> Job:
    return control.create(kind="list", credentials=[credential], actor=actor)


@pytest.mark.long
def test_everything_is_indexed_page_by_page(server: Sandbox, lister: Credential, actor: User) -> None:
    for number in range(230):
        make_remote(server, {"number": str(number)})
    job = run(start(actor, lister))
    assert (job.state, outcomes(job), len(server.log)) == (JobState.FINISHED, {"added": 230}, 3)
    row = Conversation.objects.latest("pk")
    assert (row.state, row.origin, row.added_by) == (State.ACTIVE, "listed", actor)


def test_what_is_known_or_changed_is_told(server: Sandbox, lister: Credential, actor: User) -> None:
    make_known(server, lister, {"a": "1"})
    changed = make_known(server, lister, {"a": "1"})
    server.store.set_metadata(changed.openai_id, {"a": "2"})
    assert outcomes(run(start(actor, lister))) == {"known": 1, "changed": 1}
    changed.refresh_from_db()
    assert changed.state == State.DIFFERS


@pytest.mark.long
def test_a_walk_goes_on_where_it_was(server: Sandbox, lister: Credential, actor: User) -> None:
    for _ in range(150):
        make_remote(server)
    server.faults.add(Fault(skip=1, times=None, status=400, message="Broken."))
    job = run(start(actor, lister))
    assert outcomes(job) == {"added": 100, "failed": 1}
    server.faults.clear()
    control.retry(job)
    assert outcomes(run(job)) == {"added": 150}
    assert len(server.log) == 3


def test_a_server_without_a_list_says_so_and_that_is_remembered(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    item = run(start(actor, credential)).items.get()
    credential.refresh_from_db()
    assert (item.outcome, item.status, credential.can_list) == ("failed", 405, False)
    assert "doesn’t list its conversations" in item.message


def test_what_the_index_has_and_the_list_has_not_stays(server: Sandbox, lister: Credential, actor: User) -> None:
    row = make_conversation(lister)
    run(start(actor, lister))
    row.refresh_from_db()
    assert row.state == State.ACTIVE


def test_an_empty_list_is_no_error(lister: Credential, actor: User) -> None:
    job = run(start(actor, lister))
    lister.refresh_from_db()
    assert (job.state, job.items.count(), lister.can_list) == (JobState.FINISHED, 0, True)
