"""`manage.py run`: Convadmin on one machine, with everything it needs, until Ctrl-C."""

import os
import re
import secrets
import socket
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, SystemCheckError
from django.db import DatabaseError, connection, connections

from ...models import Conversation, Credential, Worker
from ...openai.base_url import problem_with
from ...sandbox import DEFAULT_KEY
from ..supervisor import ChildFailed, EndRequested, Supervisor, responds

HOST = "127.0.0.1"
DEFAULT_PORT, DEFAULT_SANDBOX_PORT = 8000, 8001
ADMIN = "admin"
GUNICORN = [
    "-m",
    "gunicorn",
    "convadmin.wsgi",
    "--worker-class",
    "gthread",
    "--workers",
    "2",
    "--threads",
    "8",
    "--timeout",
    "60",
    "--graceful-timeout",
    "8",
    "--log-level",
    "warning",
    "--no-control-socket",
]


class Command(BaseCommand):
    """Migrates the database, then runs the sandbox, the web server and a worker until a signal ends it."""

    help = "Runs Convadmin on 127.0.0.1 until Ctrl-C, with a sandbox in place of OpenAI."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-sandbox", action="store_true", help="start without the sandbox and its examples")
        parser.add_argument("--port", default=os.environ.get("PORT"), help="port (default: $PORT, else 8000)")
        parser.add_argument("--sandbox-port", default=os.environ.get("SANDBOX_PORT"), help="default: 8001")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until SIGINT, SIGTERM or SIGHUP. Raises CommandError with one sentence for anything that goes wrong."""
        port = port_number(options["port"] or DEFAULT_PORT, "PORT")
        refuse_taken(port, f"choose another with PORT={port + 10} ./dev run")
        self.prepare()
        sandbox_port = None if options["no_sandbox"] else find_sandbox_port(options["sandbox_port"], port)
        self.ensure_administrator()
        connections.close_all()
        try:
            with Supervisor(child_environment(), settings.BASE_DIR) as supervisor:
                self.start_all(supervisor, port, sandbox_port)
                supervisor.wait()
        except EndRequested:
            pass
        except ChildFailed as error:
            raise CommandError(f"{error} Everything else was stopped, too.") from None
        self.stdout.write("\nConvadmin has stopped.")

    def prepare(self) -> None:
        """Check the settings, migrate and collect static files. Raises CommandError with one sentence."""
        try:
            self.check()
            call_command("migrate", verbosity=0, interactive=False, skip_checks=True)
            call_command("collectstatic", verbosity=0, interactive=False)
        except SystemCheckError as error:
            raise CommandError(first_problem(str(error))) from None
        except (DatabaseError, ImproperlyConfigured) as error:
            problem = str(error).strip().partition("\n")[0]
            raise CommandError(f"The database {connection.settings_dict['NAME']} can't be used: {problem}.") from None
        except OSError as error:
            raise CommandError(f"{error.filename or 'A file'} can't be written: {error.strerror}.") from None

    def start_all(self, supervisor: Supervisor, port: int, sandbox_port: int | None) -> None:
        """Start the processes one after the other, each when the one before is ready."""
        if sandbox_port is not None:
            command = [*manage("sandbox"), "--port", str(sandbox_port), "--key", DEFAULT_KEY, "--file", sandbox_file()]
            supervisor.start("The sandbox", command, ready=responds(sandbox_port, "/_sandbox/health"))
            if not Conversation.objects.exists():
                seed = [*manage("seed"), "--port", str(sandbox_port), "--file", sandbox_file()]
                supervisor.run("Creating example conversations", seed)
        web = [sys.executable, *GUNICORN, "--bind", f"{HOST}:{port}"]
        supervisor.start("The web server", web, ready=responds(port, "/healthz"))
        supervisor.start("The worker", manage("worker"), ready=worker_runs)
        connections.close_all()
        self.print_url(port)

    def print_url(self, port: int) -> None:
        self.stdout.write(f"\nConvadmin: http://{HOST}:{port}/    (press Ctrl-C to stop it)")
        name = oldest_superuser().get_username()
        self.stdout.write(f"Sign in as {name}. If you forgot the password, run ./dev manage changepassword {name}")
        if settings.HTTPS:
            self.stdout.write("HTTPS is on, so signing in works over https only. Set HTTPS=off to use this URL.")
        self.stdout.flush()

    def ensure_administrator(self) -> None:
        """Create a superuser if there is none. A generated password is printed, only this once."""
        if User.objects.filter(is_superuser=True).exists():
            return
        if User.objects.filter(username=ADMIN).exists():
            raise CommandError(
                f"There's no superuser, and the name {ADMIN} is taken. Create one with ./dev manage createsuperuser."
            )
        given = os.environ.get("ADMIN_PASSWORD")
        password = checked_password(given) if given else secrets.token_urlsafe(12)
        User.objects.create_superuser(ADMIN, "admin@example.com", password)
        shown = "the password in ADMIN_PASSWORD" if given else f"password {password} (shown only once)"
        self.stdout.write(f"Created the first administrator: user name {ADMIN}, {shown}")
        self.stdout.flush()


def checked_password(password: str) -> str:
    """The password, if it's acceptable. Raises CommandError otherwise."""
    try:
        validate_password(password, User(username=ADMIN))
    except ValidationError as error:
        raise CommandError(f"ADMIN_PASSWORD can't be used: {' '.join(error.messages)}") from None
    return password


def first_problem(report: str) -> str:
    """The first error in a report of Django's system checks, with its hint, in one line."""
    found = re.search(r"^.*?: \([\w.]+\) (.*)(?:\n\s*HINT: (.*))?", report, re.MULTILINE)
    return " ".join(part for part in found.groups() if part) if found else report


def port_number(text: str | int, name: str) -> int:
    """A port from an option or the environment. Raises CommandError if it's invalid."""
    if str(text).isascii() and str(text).isdecimal() and 0 < int(text) < 65536:
        return int(text)
    raise CommandError(f"{name} has to be a number from 1 to 65535, as in {name}=8010 ./dev run.")


def refuse_taken(port: int, alternative: str) -> None:
    """Raise CommandError if nothing can listen on `port`."""
    try:
        socket.create_server((HOST, port)).close()
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else str(error)
        raise CommandError(f"Port {port} can't be used ({reason}). Stop what's using it, or {alternative}.") from None


def find_sandbox_port(given: str | None, port: int) -> int:
    """The port of the base URL that the example conversations belong to, otherwise `given` or the default.

    A conversation belongs to one base URL for good (R1), so the sandbox has to keep its port.
    """
    known = Credential.objects.filter(name="Sandbox", base_url__startswith=f"http://{HOST}:").first()
    wanted = port_number(given or DEFAULT_SANDBOX_PORT, "SANDBOX_PORT")
    alternative = f"choose another with SANDBOX_PORT={wanted + 10} ./dev run"
    if known is not None and known.conversations.exists():
        at = int(known.host.rpartition(":")[2])
        if given and wanted != at:
            raise CommandError(
                f"The sandbox has to stay on port {at}, because its conversations belong to it. Leave SANDBOX_PORT out."
            )
        wanted = at
        alternative = "start without the sandbox: ./dev run --no-sandbox (its conversations belong to this port)"
    if wanted == port:
        raise CommandError(f"The web server and the sandbox can't share port {port}. Set PORT to another one.")
    refuse_taken(wanted, alternative)
    if problem_with(f"http://{HOST}:{wanted}/v1", settings.CREDENTIAL_HOSTS):
        raise CommandError(
            f"Add {HOST} to CREDENTIAL_HOSTS for the sandbox, or start without it: ./dev run --no-sandbox."
        )
    return wanted


def worker_runs() -> bool:
    """Whether a worker has shown a sign of life."""
    return Worker.objects.running().exists()


def oldest_superuser() -> User:
    return User.objects.filter(is_superuser=True).order_by("pk")[0]


def manage(command: str) -> list[str]:
    """The command line for a management command."""
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), command]


def sandbox_file() -> str:
    """The sandbox's file: next to an SQLite database, otherwise in `data/`."""
    name = connection.settings_dict["NAME"]
    folder = Path(name).parent if connection.vendor == "sqlite" else settings.BASE_DIR / "data"
    folder.mkdir(mode=0o700, exist_ok=True)
    return str(folder.resolve() / "sandbox.sqlite3")


def child_environment() -> dict[str, str]:
    """This process's environment, without the administrator's password."""
    return {name: value for name, value in os.environ.items() if name != "ADMIN_PASSWORD"}
