"""Erasure requests: what is found of a person, and the document."""

import json

import pytest
from django.contrib.auth.models import User
from django.test import override_settings

from conversations.jobs import control
from conversations.jobs.drafts import draft_of_request
from conversations.jobs.erasure_requests import document_of, document_text, found_by, is_under_way, searches_of
from conversations.models import Credential, ErasureRequest, Job, State, Team
from conversations.pages.job_progress import JobProgress
from conversations.sandbox import Sandbox
from conversations.services.holds import lift_hold, place_hold
from tests.factories import add_messages, bring_into_state, make_conversation, make_credential, make_known
from tests.jobs.steps import outcomes, run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]

PAIRS = [("user_id", "48213"), ("email", "person@example.com")]


def make_request(actor: User, *credentials: Credential) -> ErasureRequest:
    request = ErasureRequest(reference="Ticket 9", actor=actor, actor_name=actor.get_username())
    request.identify(PAIRS)
    request.save()
    request.credentials.set(credentials)
    return request


def act(actor: User, request: ErasureRequest, kind: str, **parameters: str) -> Job:
    job = draft_of_request(actor=actor, kind=kind, request=request, searches=searches_of(request, actor))
    job.parameters = parameters
    assert control.start(job)
    return run(job)


def test_one_of_the_pairs_is_enough_over_all_credentials(
    sandbox: Sandbox, credential: Credential, actor: User, team: Team
) -> None:
    other = make_credential(sandbox, name="Other", teams=[team])
    foreign = make_credential(sandbox, name="Foreign")
    make_conversation(credential, {"user_id": "48213", "email": "person@example.com"})
    make_conversation(other, {"email": "person@example.com"})
    make_conversation(other, {"user_id": "482130"})
    make_conversation(foreign, {"user_id": "48213"})
    found = found_by(make_request(actor, credential, other, foreign), actor)
    assert found.total == 2
    assert found.by_credential == {"Sandbox": 1, "Other": 1}


def test_pairs_that_find_more_than_a_job_may_do_are_told(credential: Credential, actor: User) -> None:
    for _ in range(3):
        make_conversation(credential, {"user_id": "48213"})
    with override_settings(BULK_LIMIT=2):
        found = found_by(make_request(actor, credential), actor)
    assert (found.total, found.is_cut) == (2, True)


def test_what_was_not_read_is_told(credential: Credential, actor: User) -> None:
    row = make_conversation(credential)
    type(row).objects.filter(pk=row.pk).update(state="unread")
    assert found_by(make_request(actor, credential), actor).unread == 1


def test_everything_is_erased_but_what_is_held_and_the_document_says_so(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    rows = [make_known(sandbox, credential, {"user_id": "48213"}) for _ in range(3)]
    for row in rows:
        add_messages(sandbox, row, 2)
    other = make_known(sandbox, credential, {"user_id": "1"})
    removed = make_known(sandbox, credential, {"email": "person@example.com"})
    bring_into_state(removed, State.REMOVED)
    hold = place_hold(actor=actor, conversations=rows[:1], reason="Case 7")
    request = make_request(actor, credential)
    job = act(actor, request, "erase")
    assert outcomes(job) == {"held": 1, "erased": 2, "forgotten": 1}
    assert sandbox.store.get_conversation(other.openai_id)
    document = document_of(request, actor)
    by_id = {each["conversation"]: each for each in document["conversations"]}
    assert by_id[rows[0].openai_id]["outcome"] == "held"
    assert len(by_id[rows[1].openai_id]["receipt_sha256"]) == 64
    assert [each["conversation"] for each in document["left_in_the_index"]] == [rows[0].openai_id]
    assert document["left_in_the_index"][0]["held_because"] == [hold.reason]
    assert document["jobs"][0]["outcomes"] == {"erased": 2, "forgotten": 1, "held": 1}
    assert (document["found"], document["erasure"]) == (4, {"erased": 2, "forgotten": 1, "held": 1})


def test_no_value_of_the_person_is_in_the_document_or_stays_once_it_is_signed_off(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    make_known(sandbox, credential, {"user_id": "48213", "email": "person@example.com"})
    request = make_request(actor, credential)
    act(actor, request, "export", content="metadata", package="jsonl", format="json")
    act(actor, request, "erase")
    text = document_text(document_of(request, actor))
    assert "person@example.com" not in text
    assert '"48213"' not in text
    assert request.sign_off(by=actor, document=text)
    request.refresh_from_db()
    assert request.pairs == []
    assert request.keys == ["user_id", "email"]
    assert json.loads(request.document)["signed_off_by"] == "ops"
    assert not request.sign_off(by=actor, document="again")
    assert not Job.objects.filter(query__contains="48213").exists()


def test_signing_off_ends_what_could_make_the_document_untrue(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    row = make_known(sandbox, credential, {"user_id": "48213"})
    request = make_request(actor, credential)
    hold = place_hold(actor=actor, conversations=[row], reason="Case 7")
    job = act(actor, request, "erase")
    other = draft_of_request(actor=actor, kind="erase", request=request, searches=searches_of(request, actor))
    assert request.sign_off(by=actor, document="{}")
    lift_hold(actor=actor, hold=hold, reason="Closed")
    assert not control.start(other)
    job = Job.objects.get(pk=job.pk)
    assert not control.retry(job)
    assert JobProgress(job).buttons == []
    assert sandbox.store.get_conversation(row.openai_id)


def test_nobody_signs_off_for_credentials_that_they_may_no_longer_use_r23(
    credential: Credential, actor: User, team: Team
) -> None:
    other = make_credential(name="Other", teams=[team])
    request = make_request(actor, credential, other)
    assert list(ErasureRequest.objects.visible_to(actor)) == [request]
    other.teams.clear()
    assert not ErasureRequest.objects.visible_to(actor).exists()


def test_a_later_request_about_the_same_person_is_recognised(credential: Credential, actor: User) -> None:
    first = make_request(actor, credential)
    first.sign_off(by=actor, document="{}")
    second = make_request(actor, credential)
    assert list(second.earlier()) == [first]
    assert list(first.earlier()) == []


def test_it_is_under_way_while_one_of_its_jobs_is(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    make_known(sandbox, credential, {"user_id": "48213"})
    request = make_request(actor, credential)
    job = draft_of_request(actor=actor, kind="erase", request=request, searches=searches_of(request, actor))
    assert not is_under_way(request)
    control.start(job)
    assert is_under_way(request)
