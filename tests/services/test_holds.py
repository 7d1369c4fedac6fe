"""Legal holds: nothing that is held is removed, erased, edited, transferred or purged, whichever way it is tried."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import ProtectedError
from django.test import Client as Browser

from conversations.jobs.schedule import make_due_jobs, sweep_holds
from conversations.models import (
    Conversation,
    Credential,
    Erasure,
    Event,
    EventDetail,
    Hold,
    RetentionRule,
    Stage,
    Team,
)
from conversations.sandbox import Sandbox
from conversations.services.conversations import refresh_conversation, remove_conversation, transfer_conversation
from conversations.services.erasures import (
    close_erasure,
    erase,
    forget_conversation,
    resume_erasure,
    start_erasure,
    stop_erasure,
    work_on,
)
from conversations.services.errors import Held
from conversations.services.holds import (
    holds_on,
    lift_hold,
    place_hold,
    place_search_hold,
    purge_conversation,
)
from conversations.services.items import add_items, delete_items
from conversations.services.metadata_edit import update_metadata
from conversations.services.registrations import Registration, register
from tests.factories import (
    add_messages,
    calls_in,
    make_credential,
    make_known,
    make_remote,
    metadata_at,
)
from tests.jobs.bulk import done, draft, step
from tests.jobs.steps import make_refresh, run

pytestmark = [pytest.mark.django_db, pytest.mark.long]
in_threads = pytest.mark.django_db(transaction=True)  # others see what it stores


def on_it(actor: User, row: Conversation) -> Hold:
    return place_hold(actor=actor, conversations=[row], reason="Case 7")


def on_its_search(actor: User, row: Conversation) -> Hold:
    return place_search_hold(actor=actor, query="tenant:acme", credentials=[row.credential], reason="Case 7")


@pytest.fixture(params=[on_it, on_its_search], ids=["on the conversation", "by a search"])
def hold(request: pytest.FixtureRequest, conversation: Conversation, administrator: User) -> Hold:
    made: Hold = request.param(administrator, conversation)
    return made


def remove(actor: User, row: Conversation) -> None:
    remove_conversation(actor=actor, conversation=row)


def edit(actor: User, row: Conversation) -> None:
    update_metadata(actor=actor, conversation=row, opened_with=row.metadata, requested={"tenant": "other"})


def start_to_erase(actor: User, row: Conversation) -> None:
    start_erasure(actor=actor, conversation=row, reason="Ticket")


def transfer(actor: User, row: Conversation) -> None:
    other = Credential.objects.exclude(pk=row.credential_id).get()
    transfer_conversation(actor=actor, conversation=row, credential=other)


def add(actor: User, row: Conversation) -> None:
    items = [{"type": "message", "role": "user", "content": "More"}]
    add_items(actor=actor, conversation=row, items=items)


def delete_one(actor: User, row: Conversation) -> None:
    delete_items(actor=actor, conversation=row, item_ids=["msg_1"])


def purge(actor: User, row: Conversation) -> None:
    purge_conversation(conversation=row)


def forget(actor: User, row: Conversation) -> None:
    forget_conversation(conversation=row)


@pytest.mark.parametrize("path", [remove, edit, start_to_erase, transfer, add, delete_one, purge, forget])
def test_r29_a_service_refuses_and_says_who_and_why(
    path: Callable[[User, Conversation], None],
    hold: Hold,
    conversation: Conversation,
    operator: User,
    sandbox: Sandbox,
    team: Team,
) -> None:
    make_credential(sandbox, teams=[team])
    with pytest.raises(Held, match=r"Held by administrator on .*: “Case 7”"):
        path(operator, conversation)
    assert not calls_in(sandbox)
    assert not Event.objects.pending().exists()
    conversation.refresh_from_db()
    assert conversation.metadata == metadata_at(sandbox, conversation.openai_id) == {"tenant": "acme"}


JOBS: dict[str, dict[str, Any]] = {
    "edit": {"steps": [step("set", "tenant", "other")]},
    "remove": {},
    "erase": {},
    "transfer": {"to": 0},
}


@in_threads
@pytest.mark.parametrize("kind", JOBS)
def test_a_job_leaves_it_as_it_is(
    kind: str, hold: Hold, conversation: Conversation, operator: User, sandbox: Sandbox, team: Team
) -> None:
    other = make_credential(sandbox, teams=[team])
    job = done(draft(operator, kind, **{**JOBS[kind], **({"to": other.pk} if kind == "transfer" else {})}))
    item = job.items.get()
    assert item.outcome == "held"
    assert "Case 7" in item.message
    assert sandbox.store.get_conversation(conversation.openai_id)


@in_threads
def test_a_rule_leaves_it_as_it_is(hold: Hold, conversation: Conversation, operator: User, sandbox: Sandbox) -> None:
    rule = RetentionRule(name="All", query="", age_days=1, action="erase", reason="Policy")
    rule.change(author=operator)
    rule.credentials.set([conversation.credential])
    assert rule.approve(by=operator)
    make_due_jobs()
    assert run(rule.jobs.get()).state == "finished"
    assert not rule.jobs.get().items.exists()
    assert sandbox.store.get_conversation(conversation.openai_id)


PAGES: dict[str, dict[str, Any]] = {
    "remove/": {},
    "metadata/": {"do": "save", "opened_with": '{"tenant": "acme"}', "key": "tenant", "value": "b", "stored": ""},
    "erase/": {"reason": "Ticket"},
    "items/new/": {"role": "user", "text": "More"},
}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_refuses_with_the_reason(
    page: str, hold: Hold, conversation: Conversation, operator: User, client: Browser, sandbox: Sandbox
) -> None:
    client.force_login(operator)
    data = {**PAGES[page], "token": "t1", "ending": conversation.openai_id[-6:]}
    response = client.post(f"/conversations/{conversation.pk}/{page}", data)
    assert response.status_code == 422
    assert "Case 7" in response.content.decode()
    assert sandbox.store.get_conversation(conversation.openai_id)


@pytest.mark.parametrize("how", ["one", "many"])
def test_the_admin_does_not_purge_it(
    how: str, hold: Hold, conversation: Conversation, superuser: User, client: Browser
) -> None:
    client.force_login(superuser)
    if how == "one":
        client.post(f"/admin/conversations/conversation/{conversation.pk}/delete/", {"post": "yes"})
    else:
        data = {"action": "delete_selected", "_selected_action": [conversation.pk], "post": "yes"}
        response = client.post("/admin/conversations/conversation/", data, follow=True)
        assert "Case 7" in response.content.decode() or "protected" in response.content.decode()
    assert Conversation.objects.filter(pk=conversation.pk).exists()


def test_the_row_itself_can_not_be_deleted(conversation: Conversation, operator: User) -> None:
    on_it(operator, conversation)
    with pytest.raises(ProtectedError):
        conversation.delete()


def test_a_registration_changes_nothing_of_it(hold: Hold, conversation: Conversation, credential: Credential) -> None:
    assert register(credential, [Registration(conversation.openai_id, {"tenant": "other"})]) == set()
    conversation.refresh_from_db()
    assert conversation.metadata == {"tenant": "acme"}


def test_reading_it_is_allowed(hold: Hold, conversation: Conversation, operator: User) -> None:
    assert refresh_conversation(actor=operator, conversation=conversation).metadata == {"tenant": "acme"}


@pytest.mark.parametrize("place", [on_it, on_its_search])
def test_a_running_erasure_stops_and_can_neither_go_on_nor_be_given_up(
    place: Callable[[User, Conversation], Hold], conversation: Conversation, operator: User, sandbox: Sandbox
) -> None:
    add_messages(sandbox, conversation, 5)
    erasure = start_erasure(actor=operator, conversation=conversation, reason="Ticket")
    hold = place(operator, conversation)
    erasure = work_on(actor=operator, erasure=erasure)
    assert erasure.stage == Stage.STOPPED
    assert "Case 7" in erasure.failure["message"]
    assert len(sandbox.store.list_items(conversation.openai_id)) == 5
    for again in (resume_erasure, lambda erasure: close_erasure(actor=operator, erasure=erasure)):
        with pytest.raises(Held):
            again(erasure=erasure)
    assert lift_hold(actor=operator, hold=hold, reason="Closed")
    assert erase(actor=operator, erasure=resume_erasure(erasure=erasure), seconds=20).is_finished


def test_a_hold_placed_between_two_steps_of_an_erasure_stops_it(
    conversation: Conversation, operator: User, sandbox: Sandbox
) -> None:
    """As where a search comes to match later: nobody has stopped the erasure."""
    add_messages(sandbox, conversation, 3)
    erasure = start_erasure(actor=operator, conversation=conversation, reason="Ticket")
    on_it(operator, conversation)
    Erasure.objects.update(stage=Stage.RUNNING, failure={})
    assert work_on(actor=operator, erasure=erasure).is_stopped
    assert len(sandbox.store.list_items(conversation.openai_id)) == 3


def test_a_stopped_erasure_stays_stopped(conversation: Conversation, operator: User) -> None:
    erasure = start_erasure(actor=operator, conversation=conversation, reason="Ticket")
    stop_erasure(actor=operator, erasure=erasure)
    on_it(operator, conversation)
    erasure.refresh_from_db()
    assert "Case 7" not in str(erasure.failure)


def test_what_comes_to_match_later_is_held(credential: Credential, operator: User, sandbox: Sandbox) -> None:
    hold = place_search_hold(actor=operator, query="tenant:acme", credentials=[credential], reason="Case 7")
    later = make_known(sandbox, credential, {"tenant": "acme"})
    other = make_known(sandbox, credential, {"tenant": "globex"})
    assert holds_on(later) == [hold]
    assert holds_on(other) == []


def test_r29_what_matched_once_stays_held_after_it_changed_elsewhere(
    conversation: Conversation, operator: User, sandbox: Sandbox
) -> None:
    hold = on_its_search(operator, conversation)
    sandbox.store.set_metadata(conversation.openai_id, {"tenant": "globex"})
    row = refresh_conversation(actor=operator, conversation=conversation)
    assert row.metadata == {"tenant": "globex"}
    assert holds_on(row) == [hold]
    with pytest.raises(Held):
        remove(operator, row)


@in_threads
def test_what_a_job_reads_first_stays_held(credential: Credential, operator: User, sandbox: Sandbox) -> None:
    """The application said tenant:acme; the server says something else."""
    from conversations.services.registrations import Registration, register

    openai_id = make_remote(sandbox, {"tenant": "globex"})
    register(credential, [Registration(openai_id, {"tenant": "acme"})])
    hold = place_search_hold(actor=operator, query="tenant:acme", credentials=[credential], reason="Case 7")
    run(make_refresh(operator, credential))
    row = Conversation.objects.get()
    assert row.metadata == {"tenant": "globex"}
    assert holds_on(row) == [hold]


def test_a_worker_notes_what_a_search_finds(conversation: Conversation, operator: User) -> None:
    hold = on_its_search(operator, conversation)
    assert not hold.held.exists()
    sweep_holds()
    assert list(hold.held.values_list("conversation", flat=True)) == [conversation.pk]
    hold.refresh_from_db()
    assert hold.swept_at is not None


def test_placing_and_lifting_are_events_with_the_reason(conversation: Conversation, administrator: User) -> None:
    hold = on_it(administrator, conversation)
    assert lift_hold(actor=administrator, hold=hold, reason="Closed")
    assert not lift_hold(actor=administrator, hold=hold, reason="Twice")
    events = Event.objects.about(conversation).order_by("pk")
    assert [(event.action, event.actor_name) for event in events] == [
        ("hold", "administrator"),
        ("lift_hold", "administrator"),
    ]
    notes = EventDetail.objects.order_by("pk").values_list("note", flat=True)
    assert list(notes) == [f"Hold {hold.pk}: Case 7", f"Hold {hold.pk}: Closed"]
    hold.refresh_from_db()
    assert (hold.lifted_by_name, hold.lift_reason) == ("administrator", "Closed")
    remove(administrator, conversation)


def test_a_renamed_credential_stays_held(conversation: Conversation, operator: User, client: Browser) -> None:
    client.force_login(operator)
    query = 'credential:"Sandbox" tenant:acme'
    client.post(f"/holds/new/?q={query}", {"reason": "Case 7", "token": "t1"})
    hold = Hold.objects.get()
    assert (hold.query, list(hold.credentials.all())) == ("tenant:acme", [conversation.credential])
    Credential.objects.update(name="Renamed")
    assert holds_on(conversation) == [hold]
