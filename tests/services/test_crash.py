"""Killing the web process between call and response: nothing is done twice, and nothing is lost.

A real gunicorn serves the file of the tests' database. The sandbox runs in this process: it keeps a call before or
after the change, and a lock on the database stops the web process before it writes; so the kills fall into each phase
of a request, at a random time of it.
"""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from conversations.models import Action, Conversation, Credential, Event, State
from conversations.sandbox import Sandbox
from tests.factories import make_known
from tests.waiting import PATIENCE, Gate, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

CSRF = "c" * 32
ROOT = Path(__file__).resolve().parents[2]
CONFIGURATION = """
bind = "fd://{fd}"
workers, worker_class, threads, timeout = 1, "gthread", 4, 60
preload_app = True

def post_fork(server, worker):
    with open({pid_file!r}, "w") as file:
        file.write(str(worker.pid))
"""


class Web:
    """The web server as a process tree, whose listening socket outlives it, and an operator's session in it."""

    def __init__(self, folder: Path, user: User) -> None:
        client = Client()
        client.force_login(user)
        self.cookies = {"sessionid": client.cookies["sessionid"].value, "csrftoken": CSRF}
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.folder, self.pid_file = folder, folder / "worker.pid"
        self.start()

    def start(self) -> None:
        configuration = self.folder / "gunicorn.conf.py"
        configuration.write_text(CONFIGURATION.format(fd=self.listener.fileno(), pid_file=str(self.pid_file)))
        database = f"sqlite:///{connection.settings_dict['NAME']}"
        environment = {"DJANGO_SETTINGS_MODULE": "convadmin.settings", "DATABASE_URL": database}
        with (self.folder / "gunicorn.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "--config", str(configuration), "convadmin.wsgi"],
                cwd=ROOT,
                env={**os.environ, **environment},
                pass_fds=[self.listener.fileno()],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.wait()

    def wait(self) -> None:
        """Until it answers; a new worker finds the connections that wait at the socket."""
        assert requests.get(f"{self.url}/healthz", timeout=PATIENCE).text == "ok\n"

    def post(self, path: str, data: dict[str, Any]) -> requests.Response:
        headers = {"X-CSRFToken": CSRF}
        return requests.post(
            self.url + path, data, headers=headers, cookies=self.cookies, allow_redirects=False, timeout=PATIENCE
        )

    def kill_worker(self) -> None:
        os.kill(int(self.pid_file.read_text()), signal.SIGKILL)

    def kill_everything(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)

    def stop(self) -> None:
        with suppress(ProcessLookupError):
            self.kill_everything()
        self.listener.close()


@pytest.fixture
def web(tmp_path: Path, operator: User) -> Iterator[Web]:
    if connection.vendor != "sqlite":
        pytest.skip("It locks the database as only SQLite can be locked.")
    web = Web(tmp_path, operator)
    try:
        yield web
    finally:
        web.stop()


@pytest.fixture
def chance() -> Iterator[random.Random]:
    """Random times, the same each run; another seed comes from the environment."""
    seed = int(os.environ.get("CONVADMIN_SEED", "20261122"))
    print(f"CONVADMIN_SEED={seed}")  # noqa: T201  pytest shows it where the test fails
    return random.Random(seed)


class Request:
    """A request in a thread, which a kill leaves without a response."""

    def __init__(self, web: Web, path: str, data: dict[str, Any]) -> None:
        self.web, self.token = web, data["token"]
        self.was_answered = False
        self.thread = threading.Thread(target=self._run, args=(web, path, data))
        self.thread.start()

    def _run(self, web: Web, path: str, data: dict[str, Any]) -> None:
        with suppress(requests.ConnectionError):
            web.post(path, data)
            self.was_answered = True

    def is_sent(self) -> bool:
        """Whether it was written down that the change itself is on its way."""
        event = Event.objects.with_token(self.token)
        return event is not None and any(attempt["method"] != "GET" for attempt in event.attempts)


def kill_in_flight(web: Web, request: Request, *, everything: bool = False) -> None:
    """Kill while the request is under way, and have the web server back."""
    assert request.thread.is_alive()
    if everything:
        web.kill_everything()
        web.start()
    else:
        web.kill_worker()
        web.wait()
    request.thread.join(PATIENCE)
    assert not request.was_answered


UNWRITTEN, BEFORE_CHANGE, AFTER_CHANGE, UNSTORED = PHASES = (
    "before it is written down",
    "before the change",
    "after the change",
    "answered and not stored",
)


@contextmanager
def reached(phase: str, sandbox: Sandbox, send: Callable[[], Request], seconds: float) -> Iterator[Request]:
    """A request that is in this phase for as long as the block lasts, and has been for so many seconds."""
    sandbox.log.clear()
    sandbox.faults.clear()
    gate = Gate()
    for method in ("POST", "DELETE"):
        sandbox.faults.add(gate.fault(method=method, after=True, delay=PATIENCE if phase == AFTER_CHANGE else 0))
    with ExitStack() as stack:
        if phase == UNWRITTEN:
            stack.enter_context(transaction.atomic())  # the web process waits for this lock
        request = send()
        if phase == UNWRITTEN:
            time.sleep(0.1)
            request.web.wait()  # who came later is answered: the request has arrived
        else:
            gate.wait()
            assert request.is_sent()
        if phase == UNSTORED:
            stack.enter_context(transaction.atomic())
        if phase in (AFTER_CHANGE, UNSTORED):
            let_through(gate, sandbox)
        time.sleep(seconds)
        yield request
    if phase == BEFORE_CHANGE:
        let_through(gate, sandbox)  # it is done all the same


def let_through(gate: Gate, sandbox: Sandbox) -> None:
    """Until what is kept at the gate has changed something."""
    gate.open()
    wait_until(lambda: any(entry.changed for entry in sandbox.log))


def made_with(sandbox: Sandbox, token: str) -> list[str]:
    """The ids of what a form with this token made; its metadata has the token."""
    return [found["id"] for found in sandbox.store.list_conversations() if found["metadata"].get("token") == token]


def grow_old(token: str) -> None:
    """What is pending for this token counts as left behind, as it will in two minutes."""
    Event.objects.filter(token=token).update(created_at=timezone.now() - timedelta(seconds=121))


def test_a_create_that_is_killed_is_never_done_twice_and_never_lost(
    web: Web, sandbox: Sandbox, credential: Credential, chance: random.Random
) -> None:
    phases = chance.sample(PHASES * 5, k=20)
    forms: dict[str, dict[str, Any]] = {}
    seen = set()
    for number, phase in enumerate(phases):
        token = uuid.UUID(int=chance.getrandbits(128)).hex
        form = {"do": "create", "credential": credential.pk, "token": token}
        forms[token] = form | {"key": "token", "value": token, "stored": "", "role": "user", "text": "Hello"}
        send = partial(Request, web, "/conversations/new/", forms[token])
        with reached(phase, sandbox, send, chance.random() / 5) as request:
            seen.add((phase, Event.objects.with_token(token) is not None, len(made_with(sandbox, token))))
            kill_in_flight(web, request, everything=number % 5 == 4)
    assert seen == {(UNWRITTEN, False, 0), (BEFORE_CHANGE, True, 0), (AFTER_CHANGE, True, 1), (UNSTORED, True, 1)}
    sandbox.faults.clear()
    for token, form in forms.items():
        check_nothing_is_lost(sandbox, token)
        check_nothing_is_done_twice(web, sandbox, form)


def check_nothing_is_lost(sandbox: Sandbox, token: str) -> None:
    made = made_with(sandbox, token)
    grow_old(token)
    event = Event.objects.unresolved().with_token(token)
    assert len(made) <= 1
    assert not made or event is not None or Conversation.objects.filter(openai_id=made[0]).exists()
    assert event is None or (event.action == Action.CREATE and event.attempts)


def check_nothing_is_done_twice(web: Web, sandbox: Sandbox, form: dict[str, Any]) -> None:
    event = Event.objects.with_token(form["token"])
    made = made_with(sandbox, form["token"])
    answer = web.post("/conversations/new/", form)
    assert answer.status_code == 302
    if event is None:
        assert len(made_with(sandbox, form["token"])) == 1
    else:
        assert answer.headers["Location"] == f"/activity/{event.pk}/"
        assert made_with(sandbox, form["token"]) == made


def fields_of(action: str, conversation: Conversation, token: str) -> tuple[str, dict[str, Any]]:
    """Where an edit or a removal is sent, and what is sent."""
    url = conversation.get_absolute_url()
    if action == Action.REMOVE:
        return f"{url}remove/", {"token": token}
    opened_with = json.dumps(conversation.metadata)
    row = {"key": "env", "value": token, "stored": '"env"'}
    return f"{url}metadata/", {"do": "save", "token": token, "opened_with": opened_with, **row}


@pytest.mark.parametrize("action", [Action.UPDATE, Action.REMOVE])
def test_a_change_that_is_killed_is_resolved_by_a_refresh(
    web: Web, sandbox: Sandbox, credential: Credential, chance: random.Random, action: Action
) -> None:
    for phase in PHASES:
        token = uuid.UUID(int=chance.getrandbits(128)).hex
        known = make_known(sandbox, credential, {"env": "prod"})
        path, fields = fields_of(action, known, token)
        with reached(phase, sandbox, partial(Request, web, path, fields), chance.random() / 5) as request:
            kill_in_flight(web, request)
        grow_old(token)
        assert Event.objects.unresolved().count() == (phase != UNWRITTEN)
        assert web.post(f"{known.get_absolute_url()}refresh/", {}).status_code == 302
        assert not Event.objects.unresolved().exists()
        check_the_index_holds_the_answer(sandbox, known)
        check_it_can_be_removed(web, sandbox, known)


def check_the_index_holds_the_answer(sandbox: Sandbox, conversation: Conversation) -> None:
    remote = sandbox.store.get_conversation(conversation.openai_id)
    conversation.refresh_from_db()
    if remote is None:
        assert conversation.state == State.MISSING
    else:
        assert conversation.metadata == remote["metadata"]
        assert conversation.state == State.ACTIVE  # whether or not it was carried out, nobody else changed it (R2)


def check_it_can_be_removed(web: Web, sandbox: Sandbox, conversation: Conversation) -> None:
    """No lock is left behind, and a repeated DELETE that is answered 404 counts as done."""
    sandbox.faults.clear()
    answer = web.post(f"{conversation.get_absolute_url()}remove/", {"token": uuid.uuid4().hex})
    assert answer.status_code == 302
    conversation.refresh_from_db()
    assert conversation.state == State.REMOVED
    assert sandbox.store.get_conversation(conversation.openai_id) is None
