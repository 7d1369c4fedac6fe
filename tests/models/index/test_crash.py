"""Killing those who write: after 10,000 random writes, `check_index` finds nothing.

Two processes at a time write to one database, through every path by which the site writes to the index, the services
over HTTP to the sandbox in this process among them. Each is killed with SIGKILL several times, at random times, and
started again.
"""

import os
import random
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from conversations.models import Conversation, Credential, Posting, Team, Term
from conversations.openai.errors import NotFound
from conversations.sandbox import Sandbox
from conversations.services import conversations as services
from conversations.services.errors import BeingChanged, BelongsToAnother, MetadataMoved
from conversations.services.metadata_edit import update_metadata
from conversations.services.unresolved_events import accept_remote_metadata
from tests.checkouts import ROOT
from tests.factories import make_credential, make_remote

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

WRITES = 10_000
KILLS = 12
BY_SERVICE = 0.09  # of the writes
PATIENCE = 240  # seconds for everything; it takes a quarter of that, or less
THERE = 150  # conversations that are at the server and not in the index yet
PROGRAM = """
import sys, django
django.setup()
from tests.models.index.test_crash import work
work(*sys.argv[1:])
"""


class Worker:
    """A process that writes until it is killed; each write is noted when it begins, and when it is committed."""

    def __init__(self, folder: Path, number: int, seed: int) -> None:
        self.chance, self.ids = random.Random(f"{seed} {number}"), folder / "ids"
        self.log, self.errors = folder / f"writes-{number}", folder / f"errors-{number}"
        self.deaths = 0
        self.start()

    def start(self) -> None:
        database = str(connection.settings_dict["NAME"])
        arguments = [database, str(self.ids), str(self.chance.getrandbits(64))]
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "convadmin.settings", "LOG_LEVEL": "CRITICAL"}
        with self.log.open("ab") as log, self.errors.open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, *arguments],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=errors,
            )

    def kill(self) -> None:
        self.check()
        self.process.kill()
        self.process.wait(PATIENCE)
        self.deaths += 1

    def check(self) -> None:
        """Nothing but a kill ends it."""
        assert self.process.poll() is None, self.errors.read_text()

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)

    @property
    def noted(self) -> list[str]:
        return self.log.read_text().splitlines()


def test_after_10_000_writes_and_kills_the_index_is_what_a_recount_gives(
    sandbox: Sandbox, team: Team, operator: User, tmp_path: Path
) -> None:
    seed = int(os.environ.get("CONVADMIN_SEED", "20261124"))
    print(f"CONVADMIN_SEED={seed}")  # noqa: T201  pytest shows it where the test fails
    chance = random.Random(seed)
    for name in ("One", "Two"):
        make_credential(sandbox, name=name, teams=[team])
    ids = [make_remote(sandbox, metadata_at_random(chance)) for _ in range(THERE)]
    (tmp_path / "ids").write_text("\n".join(ids))
    with working(tmp_path, seed) as workers:
        for moment in sorted(chance.sample(range(WRITES), KILLS)):
            wait_for(workers, moment)
            time.sleep(chance.random() / 20)
            worker = min(workers, key=lambda each: (each.deaths, chance.random()))
            worker.kill()
            worker.start()
        wait_for(workers, WRITES)
    check_it_was_what_it_says(workers)
    check_the_index()


@contextmanager
def working(folder: Path, seed: int) -> Iterator[list[Worker]]:
    """Two workers, killed once more at the end."""
    with ExitStack() as stack:
        workers = []
        for number in range(2):
            workers.append(Worker(folder, number, seed))
            stack.callback(workers[-1].stop)
        yield workers


def wait_for(workers: list[Worker], writes: int) -> None:
    """Until so many writes are committed."""
    deadline = time.monotonic() + PATIENCE
    while sum(worker.log.stat().st_size for worker in workers) < writes * SHORTEST or committed(workers) < writes:
        for worker in workers:
            worker.check()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def committed(workers: list[Worker]) -> int:
    return sum(line.startswith("did ") for worker in workers for line in worker.noted)


def check_it_was_what_it_says(workers: list[Worker]) -> None:
    """Each path was taken, and some of the kills fell into a write."""
    noted = Counter(line for worker in workers for line in worker.noted)
    did = {path.__name__: noted[f"did {path.__name__}"] for path in [*SERVICES, *DIRECTLY]}
    begun = sum(number for line, number in noted.items() if line.startswith("begins "))
    ended = sum(number for line, number in noted.items() if line.startswith(("did ", "could not ")))
    assert sum(did.values()) >= WRITES
    assert sum(did[path.__name__] for path in SERVICES) >= 500, did
    assert min(did.values()) >= 10, did
    assert 0 < begun - ended <= KILLS + len(workers)
    assert all(worker.deaths >= KILLS // 2 - 1 for worker in workers)


def check_the_index() -> None:
    assert Conversation.objects.count() > 50
    assert Term.objects.count() > 50
    assert Posting.objects.count() > 200
    out = StringIO()
    call_command("check_index", stdout=out)  # raises where anything differs
    assert out.getvalue() == "The index matches the conversations.\n"


# What a worker does


KEYS, VALUES = ["env", "customer", "ключ", "k" * 64], ["prod", "Prod", "", "ÄÖÜ straße", "v" * 512, "👩‍👩‍👧 family"]
REMOTE = {"openai_id__startswith": "conv_", "state__in": ["active", "differs"]}  # the server has it, most probably
MOST_ROWS = 250  # so that the same ones are written to again and again
SHORTEST = len("begins add\ndid add\n")  # of what a write notes


def metadata_at_random(chance: random.Random) -> dict[str, str]:
    """Few keys and values, so that terms come and go, and some of one conversation only."""
    own = {"own": f"{chance.getrandbits(40):x}"} if chance.random() < 0.5 else {}
    return own | {chance.choice(KEYS): chance.choice(VALUES) for _ in range(chance.randrange(4))}


class Site:
    """What the writes are made with."""

    def __init__(self, chance: random.Random, remote_ids: list[str]) -> None:
        self.chance, self.remote_ids = chance, remote_ids
        self.actor = User.objects.get(username="operator")
        self.credentials = list(Credential.objects.order_by("pk"))

    @property
    def credential(self) -> Credential:
        return self.chance.choice(self.credentials)

    @property
    def metadata(self) -> dict[str, str]:
        return metadata_at_random(self.chance)

    def any_of(self, **fields: Any) -> int:
        """One of these at random; raises IndexError where there is none."""
        rows = Conversation.objects.filter(**fields).order_by("pk")
        return self.chance.choice(list(rows.values_list("pk", flat=True)))

    def row(self, **fields: Any) -> Conversation:
        return Conversation.objects.select_related("credential").get(pk=self.any_of(**fields))

    @contextmanager
    def locked(self, **fields: Any) -> Iterator[Conversation]:
        """A row, locked as the services do it, in a transaction."""
        with transaction.atomic():
            rows = Conversation.objects.select_for_update(of=("self",)).select_related("credential")
            yield rows.get(pk=self.any_of(**fields))


# Through the services


def create(site: Site) -> None:
    items = [{"role": "user", "content": "Hello"}]
    services.create_conversation(actor=site.actor, credential=site.credential, items=items, metadata=site.metadata)


def get(site: Site) -> None:
    """One that is there at the server, whether or not the index has it."""
    openai_id = site.chance.choice(site.remote_ids)
    row = Conversation.objects.known_as(openai_id)
    credential = row.credential if row is not None else site.credential
    services.get_conversation(actor=site.actor, credential=credential, openai_id=openai_id)


def refresh(site: Site) -> None:
    """Those that the index alone knows become missing."""
    fields = site.chance.choice([{}, REMOTE])  # of all rows the server has few
    services.refresh_conversation(actor=site.actor, conversation=site.row(**fields))


def edit(site: Site) -> None:
    row = services.refresh_conversation(actor=site.actor, conversation=site.row(**REMOTE))
    update_metadata(actor=site.actor, conversation=row, opened_with=row.metadata, requested=site.metadata)


def remove(site: Site) -> None:
    row = site.row(**REMOTE, origin="created")
    services.remove_conversation(actor=site.actor, conversation=row)


def transfer(site: Site) -> None:
    services.transfer_conversation(actor=site.actor, conversation=site.row(**REMOTE), credential=site.credential)


def keep(site: Site) -> None:
    accept_remote_metadata(actor=site.actor, conversation=site.row(state="differs"))


# Past the server, with the steps of the services


def purge(site: Site) -> None:
    site.row().purge()


def add(site: Site) -> None:
    with transaction.atomic():
        Conversation.objects.add(
            credential=site.credential,
            openai_id=f"local_{site.chance.getrandbits(96):x}",
            created_at=1_780_000_000 + site.chance.randrange(1_000),
            metadata=site.metadata,
            added_by=site.actor,
            origin="imported",
        )


def answer_to_ours(site: Site) -> None:
    with site.locked() as row:
        row.store_response(site.metadata, is_own_change=True)


def answer_to_a_read(site: Site) -> None:
    with site.locked() as row:
        row.store_response(site.metadata, is_own_change=False)


def not_found(site: Site) -> None:
    with site.locked() as row:
        row.store_not_found()


def removed(site: Site) -> None:
    with site.locked() as row:
        row.store_removed()


def accept_remote(site: Site) -> None:
    with site.locked(state="differs") as row:
        row.accept_remote()


def give(site: Site) -> None:
    with site.locked() as row:
        row.transfer(site.credential)


def give_and_answer(site: Site) -> None:
    """Both in one transaction, as the service does it."""
    with site.locked() as row:
        row.transfer(site.credential)
        row.store_response(site.metadata, is_own_change=False)


Write = Callable[[Site], None]
SERVICES: dict[Write, int] = {create: 4, get: 3, refresh: 4, edit: 5, remove: 2, transfer: 4, keep: 2}
DIRECTLY: dict[Write, int] = {
    add: 6,
    answer_to_ours: 6,
    answer_to_a_read: 6,
    not_found: 2,
    removed: 2,
    accept_remote: 3,
    give: 3,
    give_and_answer: 3,
    purge: 3,
}
COULD_NOT = (
    IndexError,  # there is no such row
    Conversation.DoesNotExist,  # the other process purged it
    BeingChanged,  # or changes it, or was killed while it did
    MetadataMoved,
    BelongsToAnother,
    NotFound,
)


def note(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def concerns_the_event(error: IntegrityError) -> bool:
    """Whether writing down an attempt failed, not the index: its conversation was purged meanwhile, or the event
    that held the lock ended in that very moment."""
    return any(Path(frame.filename).name == "recording.py" for frame in traceback.extract_tb(error.__traceback__))


def write_one(site: Site) -> None:
    """One write at random; noted before and after."""
    among = SERVICES if site.chance.random() < BY_SERVICE else DIRECTLY
    (path,) = site.chance.choices([*among], [*among.values()])
    if path is add and Conversation.objects.count() > MOST_ROWS:
        path = purge
    note(f"begins {path.__name__}")
    try:
        path(site)
    except COULD_NOT:
        note(f"could not {path.__name__}")
    except IntegrityError as error:
        if not concerns_the_event(error):
            raise
        note(f"could not {path.__name__}")
    else:
        note(f"did {path.__name__}")


def work(database: str, ids: str, seed: str) -> None:
    """Write until killed."""
    connection.settings_dict["NAME"] = database
    site = Site(random.Random(seed), Path(ids).read_text().split())
    while True:
        write_one(site)
