"""The database whose activity is measured: events over a dozen credentials, erasures with their items.

Imported after `django.setup()`. The first credential has half of the events, each further one half of what is left,
and the last has none; one event in 400 is unresolved.
"""

import random
import secrets
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.utils import timezone

from conversations.examples import bulk as bulk_examples
from conversations.models import Conversation, Credential, ErasedItem, Erasure, Event, EventDetail, Outcome, Team
from conversations.models.choices import ItemOutcome, Stage
from conversations.models.index import sql_helpers

EVENTS, ERASURES, ITEMS, CONVERSATIONS, CREDENTIALS = 100_000, 1_000, 500, 20_000, 12
TIMELINE = 400  # events of the conversation whose page is measured
VALUE = "a value as long as such values are " * 3
ACTIONS = ("update", "refresh", "get", "add_items", "delete_items", "export")
TEAMS = {"all": range(CREDENTIALS), "some": range(3, 9), "few": [CREDENTIALS - 2], "none": [CREDENTIALS - 1]}


def prepare() -> None:
    """Make the database, or find what an earlier run made."""
    call_command("migrate", verbosity=0, interactive=False)
    if ErasedItem.objects.count() == ERASURES * ITEMS:
        return
    if Event.objects.exists():
        raise SystemExit("The database was filled in part: delete it and run this again.")
    for _ in bulk_examples.add_conversations(CONVERSATIONS, added_by=None):
        pass
    examples = list(Credential.objects.order_by("pk"))
    credentials = examples + [make_credential(number) for number in range(len(examples), CREDENTIALS)]
    make_people(credentials)
    insert(Event, events(credentials))
    insert(EventDetail, details())
    insert(Erasure, erasures(credentials))
    insert(ErasedItem, items())
    if sql_helpers.connection.vendor == "postgresql":  # what autovacuum does before long; SQLite is left as it is
        sql_helpers.execute("VACUUM ANALYZE")


def make_credential(number: int) -> Credential:
    """One of the dozen."""
    credential = Credential(name=f"Credential {number}", is_active=False)
    credential.set_key(f"sk-example-{secrets.token_hex(60)}")
    credential.save()
    return credential


def make_people(credentials: list[Credential]) -> None:
    """An operator a team, by the teams' names, and a superuser."""
    User.objects.create(username="superuser", is_superuser=True)
    for name, numbers in TEAMS.items():
        team = Team.objects.create(name=name)
        for number in numbers:
            credentials[number].teams.add(team)
        user = User.objects.create(username=name)
        user.groups.set([team, Group.objects.get(name="Operator")])


def insert(model: Any, rows: Iterator[Any]) -> None:
    """Write any number of rows."""
    while batch := list(islice(rows, 5_000)):
        model.objects.bulk_create(batch, batch_size=500)


def owners(credentials: list[Credential], count: int) -> list[Credential]:
    """Whose so many events or erasures are."""
    shares = [2.0**-number for number in range(CREDENTIALS - 1)]
    return random.Random(1).choices(credentials[:-1], shares, k=count)


def outcome(number: int) -> str:
    """What became of the event of this number; one conversation has one pending event at most."""
    if number % 400 != 7:
        return Outcome.SUCCEEDED
    return Outcome.PENDING if number < CONVERSATIONS else Outcome.UNKNOWN


def events(credentials: list[Credential]) -> Iterator[Event]:
    """Each about some conversation; every so many about the one whose page is measured."""
    now, known = timezone.now(), list(Conversation.objects.order_by("pk").values_list("pk", "openai_id"))
    for number, credential in enumerate(owners(credentials, EVENTS)):
        pk, openai_id = known[0 if number % (EVENTS // TIMELINE) == 1 else number % len(known)]
        attempt = {"id": f"{secrets.token_hex(16)}-1", "method": "POST", "status": 200, "request_id": f"req_{number}"}
        yield Event(
            created_at=now - timedelta(minutes=EVENTS - number),
            actor_name="operator",
            action=ACTIONS[number % len(ACTIONS)],
            outcome=outcome(number),
            credential=credential,
            credential_name=credential.name,
            base_url=credential.base_url,
            openai_id=openai_id,
            conversation_id=pk,
            attempts=[attempt, attempt],
            keys={"changed": ["env", "topic"]},
        )


def details() -> Iterator[EventDetail]:
    """Of every event: what the metadata was before and after."""
    before = {f"key {number}": VALUE for number in range(16)}
    for pk in Event.objects.order_by("pk").values_list("pk", flat=True):
        yield EventDetail(event_id=pk, before=before, after={**before, "key 3": str(pk)}, message="OpenAI said this.")


def erasures(credentials: list[Credential]) -> Iterator[Erasure]:
    """The receipts of finished ones, each of another conversation."""
    known = Conversation.objects.order_by("pk").values_list("pk", "openai_id")[:ERASURES]
    for number, ((pk, openai_id), credential) in enumerate(zip(known, owners(credentials, ERASURES), strict=True)):
        yield Erasure(
            conversation_id=pk,
            credential=credential,
            credential_name=credential.name,
            base_url=credential.base_url,
            openai_id=openai_id,
            actor_name="operator",
            reason=f"Ticket {number}",
            stage=Stage.FINISHED,
        )


def items() -> Iterator[ErasedItem]:
    """Of every erasure, as many as people write in a long conversation."""
    for pk in Erasure.objects.order_by("pk").values_list("pk", flat=True):
        for number in range(ITEMS):
            yield ErasedItem(
                erasure_id=pk,
                item_id=f"msg_{number:048}",
                type="message",
                outcome=ItemOutcome.REFUSED if number == 7 else ItemOutcome.DELETED,
                tries=1,
                client_request_id=f"{pk}-{number}-1",
                request_id=f"req_{number}",
                status=200,
            )
