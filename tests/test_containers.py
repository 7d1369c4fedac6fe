"""What builds and starts the containers names what exists, gives no rights away and holds no secret.

Tests need neither a container engine nor a reader of YAML: the files are read as text.
"""

import json
import re
from pathlib import Path

import pytest
from django.core.management import get_commands
from django.urls import resolve
from pytest_django.live_server_helper import LiveServer

from convadmin import health
from conversations.management.commands.run import GUNICORN
from tests.checkouts import ROOT, free_port
from tests.convadmin.test_env_example import NAME, names_read

COMPOSE = (ROOT / "compose.yaml").read_text()
SECRETS = {"SECRET_KEY", "CREDENTIAL_KEYS", "POSTGRES_PASSWORD"}
REQUIRED = {*SECRETS, "ALLOWED_HOSTS"}
OUR_PORT = str(health.PORT)


def instructions() -> list[tuple[str, str]]:
    """Each instruction of the Dockerfile with what follows it, in one line."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def of(wanted: str) -> list[str]:
    """What follows each instruction of this name."""
    return [rest for name, rest in instructions() if name == wanted]


def copied() -> list[str]:
    """What the image gets of the checkout."""
    return [name for rest in of("COPY") for name in rest.split()[:-1]]


def services() -> dict[str, str]:
    """The text of each service in compose.yaml."""
    text = COMPOSE.partition("\nservices:\n")[2].partition("\nvolumes:\n")[0]
    parts = re.split(r"^  (\w+):\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


# The image


def test_the_image_gets_what_exists_and_is_not_ignored() -> None:
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert rules[0] == "*"
    assert {rule.removeprefix("!") for rule in rules if rule.startswith("!")} == set(copied())
    assert [name for name in copied() if not (ROOT / name).exists()] == []


def test_the_image_gets_everything_that_the_server_needs() -> None:
    assert {"requirements.txt", "manage.py", "convadmin", "conversations", "static", "templates"} <= set(copied())


def test_the_server_runs_as_a_user_without_rights() -> None:
    (user,) = of("USER")
    (made,) = [rest for rest in of("RUN") if "useradd" in rest]
    assert re.fullmatch(r"([1-9]\d{3,}):\1", user)
    assert f"--uid {user.partition(':')[0]} " in made
    names = [name for name, _ in instructions()]
    assert names.index("USER") > max(at for at, name in enumerate(names) if name in {"RUN", "COPY"})


def test_the_image_holds_no_setting() -> None:
    kept = " ".join(of("ENV") + of("ARG") + of("LABEL"))
    assert [name for name in {*names_read(), *SECRETS} if name in kept] == []
    assert set(re.findall(r"SECRET_KEY=(\S+)", (ROOT / "Dockerfile").read_text())) == {"unused"}


def option_pairs(command: list[str]) -> set[tuple[str, ...]]:
    """The options of a command, each with its value."""
    return {tuple(part.split()) for part in re.findall(r"--[\w-]+(?: (?!--)\S+)?", " ".join(command))}


def test_gunicorn_is_started_as_the_docs_say() -> None:
    (command,) = map(json.loads, of("CMD"))
    documented = re.search(r"^(gunicorn .*\\\n.*)$", (ROOT / "docs" / "operating.md").read_text(), re.MULTILINE)
    assert documented is not None
    told = option_pairs(documented[1].replace("\\\n", "").split()) - {("--bind", "127.0.0.1:8000")}
    assert command[:2] == ["gunicorn", "convadmin.wsgi"]
    assert told <= option_pairs(command)
    assert told <= option_pairs(GUNICORN)
    assert ("--bind", f"0.0.0.0:{OUR_PORT}") in option_pairs(command)
    assert of("EXPOSE") == [OUR_PORT]


def test_the_health_check_asks_what_exists() -> None:
    (check,) = of("HEALTHCHECK")
    assert json.loads(check.partition("CMD ")[2]) == ["python", "-m", health.__name__]
    assert resolve("/healthz").url_name == "healthz"
    assert '"/healthz"' in Path(health.__file__).read_text()


@pytest.mark.parametrize("path", ["Dockerfile", "compose.yaml"])
def test_the_commands_exist(path: str) -> None:
    named = re.findall(r'manage\.py[", ]+(\w+)', (ROOT / path).read_text())
    assert named
    assert set(named) <= set(get_commands())


# The health check itself


@pytest.mark.parametrize("hosts", ["testserver", "testserver,other", "127.0.0.1", ".localhost"])
def test_a_server_that_answers_is_well(live_server: LiveServer, monkeypatch: pytest.MonkeyPatch, hosts: str) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", hosts)
    assert health.problem(live_server.thread.port) is None


def test_a_server_that_refuses_is_not_well(live_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", "elsewhere.example.com")
    assert health.problem(live_server.thread.port) == "The server responds with 400."


def test_a_server_that_is_not_there_is_not_well() -> None:
    assert "doesn't respond" in (health.problem(free_port()) or "")


# compose.yaml


def test_every_setting_is_handed_on_but_debug() -> None:
    (block,) = re.findall(r"^x-convadmin:.*?^  environment:\n(.*?)^  \w", COMPOSE, re.MULTILINE | re.DOTALL)
    given = re.findall(r"^    ([A-Z_]+):", block, re.MULTILINE)
    assert sorted(given) == sorted(names_read() - {"DEBUG"})


def test_every_variable_is_known_to_the_example_of_settings() -> None:
    example = (ROOT / ".env.example").read_text()
    used = set(re.findall(r"\$\{?(\w+)", COMPOSE))
    assert used - set(NAME.findall(example)) == {"POSTGRES_PASSWORD", "PORT"}
    assert "POSTGRES_PASSWORD" in example
    assert "PORT" in example


@pytest.mark.parametrize("name", sorted(REQUIRED))
def test_what_is_missing_ends_with_a_sentence_and_has_no_default(name: str) -> None:
    assert re.findall(rf"\${{?{name}\b(.{{2}})", COMPOSE)
    assert set(re.findall(rf"\${{?{name}\b(.{{2}})", COMPOSE)) == {":?"}
    assert re.findall(rf"\${{{name}:\?(.*?)}}", COMPOSE)[0].startswith("set it in .env")


def test_web_servers_do_not_migrate_and_wait_for_what_does() -> None:
    assert list(services()) == ["database", "migrate", "web", "worker"]
    assert [name for name, text in services().items() if '"migrate"' in text] == ["migrate"]
    for name in ("web", "worker"):
        assert "migrate: {condition: service_completed_successfully}" in services()[name]


def test_nothing_but_this_machine_reaches_the_server() -> None:
    ports = {name: re.findall(r'ports: \["(.*?)"\]', text) for name, text in services().items()}
    assert ports == {"database": [], "migrate": [], "web": [f"127.0.0.1:${{PORT:-8000}}:{OUR_PORT}"], "worker": []}
    assert COMPOSE.count("ports:") == 1


def test_what_the_database_keeps_is_in_a_volume() -> None:
    assert "database:/var/lib/postgresql/data" in services()["database"]
    assert COMPOSE.endswith("\nvolumes:\n  files:\n  database:\n")
