"""What one request may cost, of a stranger, of somebody signed in, and of a server that means harm. Run by hand:

    python -m tests.benchmarks.exhaustion [--only WORD] [--postgres]

Each case has a gunicorn of its own with one worker; told are the status, the seconds until the last answer, and the
most memory that the worker ever held.
"""

import argparse
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode

import requests
from django.core.management import call_command

from tests.benchmarks import hostile
from tests.benchmarks.transcript import environment, say
from tests.postgres import own_server

MAX_SECONDS, MOST_MEMORY = 2.0, 300  # MB
NAME = "exhausted"
MIB = 1024 * 1024
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
GUNICORN = [sys.executable, "-m", "gunicorn", "convadmin.wsgi", "--worker-class", "gthread", "--workers", "1"]
OPTIONS = ["--threads", "8", "--timeout", "60", "--log-level", "warning", "--no-control-socket"]

Answer = tuple[int | str, float]
Ask = Callable[[str, requests.Session], Any]


# The web server


@contextmanager
def worker() -> Iterator[tuple[str, Callable[[], float]]]:
    """The URL of a server with one worker, and what tells the peak of the worker's memory in MB."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen([*GUNICORN, *OPTIONS, "--bind", f"127.0.0.1:{port}"])
    try:
        site = f"http://127.0.0.1:{port}"
        wait_for(site)
        children = Path(f"/proc/{server.pid}/task/{server.pid}/children")
        first = children.read_text().split()
        yield site, lambda: peak(children, first)
    finally:
        server.terminate()
        server.wait(30)


def wait_for(site: str) -> None:
    for _ in range(300):
        try:
            if requests.get(f"{site}/healthz", timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.1)
    raise SystemExit("gunicorn did not get ready.")


def peak(children: Path, first: list[str]) -> float:
    """The most that the worker ever held; endless, where it was ended meanwhile."""
    now = children.read_text().split()
    if now != first:
        return float("inf")
    status = Path(f"/proc/{now[0]}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


# Asking


def answered(send: Callable[[], requests.Response]) -> Answer:
    """Status and seconds of one request, its answer read to the end."""
    started = time.perf_counter()
    try:
        response = send()
        return response.status_code, time.perf_counter() - started
    except requests.RequestException as error:
        return type(error).__name__, time.perf_counter() - started


def at_once(count: int, send: Callable[[], requests.Response]) -> list[Answer]:
    with ThreadPoolExecutor(count) as pool:
        return [one.result() for one in [pool.submit(answered, send) for _ in range(count)]]


def get(path: str) -> Ask:
    return lambda site, client: [answered(lambda: client.get(site + path, timeout=90, allow_redirects=False))]


def post(path: str, body: bytes, content_type: str = FORM, *, times: int = 1, chunked: bool = False) -> Ask:
    headers = {"Content-Type": content_type, "X-CSRFToken": "c" * 32}
    return lambda site, client: at_once(
        times,
        lambda: client.post(
            site + path,
            data=iter([body]) if chunked else body,
            headers=headers,
            timeout=90,
            allow_redirects=False,
        ),
    )


def form(**fields: Any) -> bytes:
    return urlencode(fields, doseq=True).encode()


def multipart(count: int, size: int) -> bytes:
    part = b'--b\r\nContent-Disposition: form-data; name="value"\r\n\r\n' + b"x" * size + b"\r\n"
    return part * count + b"--b--\r\n"


def parts(path: str, **fields: str) -> Ask:
    pieces = (
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    )
    return post(path, "".join([*pieces, "--b--\r\n"]).encode(), MULTIPART)


def by_stranger() -> Iterator[tuple[str, Ask]]:
    """What anybody may try."""
    name = form(username="<" * 5_000_000, password="x")
    yield "16 × sign-in, a name of 5,000,000 “<”", post("/sign-in/", name, times=16)
    yield "16 × sign-in, 64 KiB of “<”", post("/sign-in/", form(username="<" * 20_000, password="x"), times=16)
    yield "16 × sign-in, wrong", post("/sign-in/", form(username="x", password="y"), times=16)
    yield "4 × sign-in, multipart of 400 MB", post("/sign-in/", b"x" * (400 * MIB), MULTIPART, times=4)
    yield "sign-in, 64 KiB of parts", post("/sign-in/", multipart(900, 0), MULTIPART)
    yield "4 × sign-in, chunked, 100 MB", post("/sign-in/", b"x" * (100 * MIB), times=4, chunked=True)
    yield "sign-in, a next page of 3,900 characters", get("/sign-in/?next=/" + "%3C" * 1_300)
    yield "a URL of 100 kB", get("/conversations/?q=" + "x" * 100_000)


def by_person(key: int) -> Iterator[tuple[str, Ask]]:
    """What somebody may try who is signed in; `key`: a conversation that they may see."""
    new, edit, items = "/conversations/new/", f"/conversations/{key}/metadata/", f"/conversations/{key}/items/new/"
    keys = "{" + ",".join(f'"k{n}":""' for n in range(600_000)) + "}"
    yield "edit, opened with 600,000 keys", parts(edit, opened_with=keys, key="a", value="b")
    yield "edit, JSON of 15 MB", parts(edit, opened_with="{}", json='{"a":"' + "x" * 15_000_000 + '"}', do="fill")
    yield "edit, JSON of 600,000 keys", parts(edit, opened_with="{}", json=keys, do="fill")
    yield "preview of 5 million characters", parts(f"{new}preview/", role="user", text="<" * 5_000_000)
    yield "new, preview of 16 MB", parts(new, role="user", text="<" * 16_000_000, do="preview")
    yield "new, 16 MB to a stopped server", parts(new, role="user", text="<" * 16_000_000, token="t")
    yield "new, 900 parts of 18 kB", post(new, multipart(900, 18_000), MULTIPART)
    yield "new, 16 MiB in escapes", post(new, b"do=preview&role=user&text=" + b"%3C" * (5 * MIB))
    yield "new, 2 MiB in escapes", post(new, b"do=preview&role=user&text=" + b"%3C" * (2 * MIB // 3 - 10))
    yield "new, 500,000 fields", post(new, b"a=&" * 500_000)
    yield "new, 900 fields", post(new, form(role=["user"] * 450, text=["x"] * 450))
    yield "items, 16 MB", parts(items, role="user", text="x" * 16_000_000)
    yield "search of 600 terms", get("/conversations/?q=" + "a:b%20" * 600)
    yield "overview of 900 open quotes", get("/conversations/overview/?q=" + "-%22" * 900)
    yield "completion of 3,800 characters", get("/conversations/completion/?q=" + "a:" * 1_900)
    yield "values of 3,800 characters", get("/conversations/values/?key=" + "a" * 1_900 + "&find=" + "b" * 1_900)
    yield "admin, a form of 1 MiB", post("/admin/conversations/team/add/", form(name="x" * (MIB - 20)))


PAGES = ("", "metadata/", "conversation.json")
LISTS = ("", "overview/", "completion/?q=k&at=1", "values/?key=long", "export/file/?format=csv&metadata=columns")


def by_server(keys: dict[str, int]) -> Iterator[tuple[str, Ask]]:
    """What a credential's server may try; `keys`: its conversations by what they hold."""
    for name in hostile.CONVERSATIONS:
        at = f"/conversations/{keys[name]}/"
        yield f"{name}: refresh, then its pages", chain(post(f"{at}refresh/", b""), *(get(at + each) for each in PAGES))
    yield "all of these: list, its parts, export", chain(*(get(f"/conversations/{each}") for each in LISTS))
    for name in hostile.ITEMS:
        at = f"/conversations/{keys[name]}/"
        yield f"{name}: transcript", get(f"{at}items/")
        yield f"{name}: item, file", chain(get(f"{at}item/msg_1/"), get(f"{at}item/msg_1/item.json"))
        yield f"{name}: download", chain(*(get(f"{at}items/export/file/?format={each}") for each in ("md", "csv")))
        yield f"{name}: calls without an output", get(f"{at}items/?show=broken")


def chain(*asks: Ask) -> Ask:
    """One after the other."""
    return lambda site, client: [answer for ask in asks for answer in ask(site, client)]


# Preparing and telling


def prepare(url: str) -> dict[str, int]:
    """A database with the server's conversations and a superuser; gives the keys of the conversations."""
    from django.contrib.auth.models import User

    from conversations.models import Conversation, Credential

    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    credential = Credential(name="Hostile", base_url=url)
    credential.set_key("sk-exhausting-0123456789")
    credential.save()
    User.objects.create_superuser(NAME, password=secrets.token_urlsafe(12))
    facts = {"credential": credential, "created_at": None, "metadata": {}, "added_by": None, "origin": "created"}
    ids = hostile.IDS | hostile.ALIASES
    return {name: Conversation.objects.add(openai_id=openai_id, **facts).pk for name, openai_id in ids.items()}


def measure(only: str) -> None:
    """Every case whose name holds `only`; ends with 1 where one misses the goals."""
    from tests.benchmarks.measure import signed_in

    with hostile.hostile_server() as url:
        keys = prepare(url)
        stranger, person = requests.Session(), signed_in(NAME)
        for client in (stranger, person):
            client.trust_env = False
            client.cookies.set("csrftoken", "c" * 32)
        cases = [(name, ask, stranger) for name, ask in by_stranger()]
        cases += [(name, ask, person) for name, ask in (*by_person(keys["an item of NaN"]), *by_server(keys))]
        missed = [name for name, ask, client in cases if only in name and not keeps_goals(name, ask, client)]
    sys.exit(f"{len(missed)} missed: {'; '.join(missed)}" if missed else 0)


def keeps_goals(name: str, ask: Ask, client: requests.Session) -> bool:
    """Measure one case and tell it; whether it took less than it may."""
    with worker() as (site, peak_of_worker):
        requests.get(f"{site}/sign-in/", timeout=30)
        answers = ask(site, client)
        memory = peak_of_worker()
    statuses = " ".join(str(status) for status in dict.fromkeys(status for status, _ in answers))
    slowest = max(seconds for _, seconds in answers)
    is_kept = slowest < MAX_SECONDS and memory < MOST_MEMORY
    say(f"| {name} | {statuses} | {slowest:.2f} | {memory:.0f} |{'' if is_kept else ' missed'}")
    sys.stdout.flush()
    return is_kept


def main(words: list[str]) -> int:
    """Run `measure` in an environment of its own."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.exhaustion", description=__doc__)
    parser.add_argument("--only", default="", help="cases whose names hold this")
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL, not SQLite")
    asked = parser.parse_args(words)
    with TemporaryDirectory() as folder, own_server() if asked.postgres else nullcontext("") as url:
        settings = environment(folder) | {"LOG_LEVEL": "CRITICAL"} | ({"DATABASE_URL": url} if url else {})
        command = [sys.executable, "-m", "tests.benchmarks.exhaustion", "measure", asked.only]
        return subprocess.run(command, env=settings, check=False).returncode


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        measure(sys.argv[2])
    else:
        os.environ.setdefault("PYTHONUNBUFFERED", "1")
        sys.exit(main(sys.argv[1:]))
