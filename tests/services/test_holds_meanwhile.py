"""Legal holds and what happens at the same time: changes that are under way, purging, lifting, other administrators."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client as Browser

from conversations.models import Conversation, Credential, Event, Hold, Team
from conversations.sandbox import Sandbox
from conversations.services.erasures import erase, start_erasure
from conversations.services.errors import Held, ServiceError
from conversations.services.holds import holds_on, lift_hold, place_hold, place_search_hold, sweep
from conversations.services.unresolved_events import accept_remote_metadata
from tests.factories import calls_in, make_conversation, make_credential
from tests.services.test_holds import edit, in_threads, on_it, on_its_search, remove, transfer

pytestmark = [pytest.mark.django_db, pytest.mark.long]


def on_first_call(sandbox: Sandbox, name: str, act: Callable[[], object]) -> None:
    """Act in the middle of the first call of this kind, in a thread of the sandbox."""
    original, done = getattr(sandbox.store, name), []

    def wrapped(*arguments: Any, **options: Any) -> Any:
        result = original(*arguments, **options)
        if not done:
            done.append(True)
            act()
            connection.close()
        return result

    setattr(sandbox.store, name, wrapped)


@in_threads
@pytest.mark.parametrize("path", [remove, edit])
def test_a_hold_that_is_placed_after_the_read_still_keeps_the_change_from_being_sent(
    path: Callable[[User, Conversation], None], conversation: Conversation, operator: User, sandbox: Sandbox
) -> None:
    on_first_call(sandbox, "get_conversation", lambda: on_it(operator, conversation))
    with pytest.raises(Held):
        path(operator, conversation)
    assert {entry.method for entry in calls_in(sandbox)} == {"GET"}
    assert not Event.objects.pending().exists()


@in_threads
def test_what_a_search_held_during_a_transfer_stays_held(
    conversation: Conversation, operator: User, sandbox: Sandbox, team: Team
) -> None:
    make_credential(sandbox, teams=[team])
    on_first_call(sandbox, "get_conversation", lambda: on_its_search(operator, conversation))
    transfer(operator, conversation)
    conversation.refresh_from_db()
    assert [hold.reason for hold in holds_on(conversation)] == ["Case 7"]


@in_threads
def test_a_deletion_that_was_sent_before_the_hold_leaves_the_index_as_it_was(
    conversation: Conversation, operator: User, sandbox: Sandbox
) -> None:
    erasure = start_erasure(actor=operator, conversation=conversation, reason="Ticket")
    on_first_call(sandbox, "delete_conversation", lambda: on_it(operator, conversation))
    assert erase(actor=operator, erasure=erasure, seconds=20).is_finished
    conversation.refresh_from_db()
    assert (conversation.state, conversation.metadata) == ("removed", {"tenant": "acme"})


def test_our_version_of_what_is_held_is_kept(conversation: Conversation, operator: User) -> None:
    conversation.store_response({"tenant": "globex"}, is_own_change=False)
    on_it(operator, conversation)
    with pytest.raises(Held):
        accept_remote_metadata(actor=operator, conversation=conversation)
    conversation.refresh_from_db()
    assert conversation.our_metadata == {"tenant": "acme"}


def test_a_hold_on_what_was_just_purged_is_none(
    conversation: Conversation, credential: Credential, operator: User
) -> None:
    other = make_conversation(credential, {"tenant": "acme"})
    conversation.purge()
    with pytest.raises(ServiceError, match="just purged"):
        place_hold(actor=operator, conversations=[conversation, other], reason="Case 7")
    assert not Hold.objects.exists()


def test_a_sweep_of_a_lifted_hold_notes_nothing(conversation: Conversation, operator: User) -> None:
    hold = on_its_search(operator, conversation)
    lift_hold(actor=operator, hold=hold, reason="Closed")
    sweep(hold)
    assert not hold.held.exists()
    conversation.delete()


def test_an_administrator_of_some_of_its_credentials_does_not_lift_it(
    conversation: Conversation, credential: Credential, operator: User, administrator: User, client: Browser
) -> None:
    foreign = make_credential(name="Foreign")
    hold = place_search_hold(actor=operator, query="", credentials=[credential, foreign], reason="Case 7")
    client.force_login(administrator)
    assert client.post(f"/holds/{hold.pk}/lift/", {"reason": "Mine", "token": "t"}).status_code == 403
    assert "Lift the hold" not in client.get(hold.get_absolute_url()).content.decode()
    assert holds_on(conversation) == [hold]
