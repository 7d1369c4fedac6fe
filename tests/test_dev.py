"""`./dev`: what it makes, and one clear sentence for each thing that can be wrong around it."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from convadmin import __version__
from tests.checkouts import ROOT, clean_environment, copy_checkout, free_port, run_dev

pytestmark = pytest.mark.slow

NOBODY = 65534
TOOLS = ["cat", "cksum", "cp", "dirname", "id", "mkdir", "mv", "rm", "tail"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return copy_checkout(tmp_path)


def sentence(finished: subprocess.CompletedProcess[str]) -> str:
    """The one line that a failure ends with."""
    assert finished.returncode == 1, finished.stdout + finished.stderr
    assert "Traceback" not in finished.stdout + finished.stderr
    assert finished.stderr.count("\n") == 1, finished.stderr
    return finished.stderr.strip()


# The script itself


@pytest.mark.parametrize("script", ["dev", ".ci/run"])
def test_the_scripts_are_posix_and_executable(script: str) -> None:
    assert subprocess.run(["sh", "-n", script], cwd=ROOT).returncode == 0
    assert os.access(ROOT / script, os.X_OK)
    assert (ROOT / script).read_text().startswith("#!/bin/sh\n")


def test_an_unknown_command_shows_the_known_ones(checkout: Path) -> None:
    finished = run_dev(checkout, "dance")
    assert finished.returncode == 2
    assert "./dev run" in finished.stderr


# What it makes


def test_it_writes_an_env_file_with_fresh_keys_that_only_its_owner_can_read(checkout: Path) -> None:
    assert run_dev(checkout, "manage", "check").returncode == 0
    env = checkout / ".env"
    written = dict(line.split("=", 1) for line in env.read_text().splitlines() if not line.startswith("#"))
    assert env.stat().st_mode & 0o777 == 0o600
    assert len(written["SECRET_KEY"]) >= 50
    Fernet(written["CREDENTIAL_KEYS"])
    assert written["CREDENTIAL_HOSTS"].split(",")[:2] == ["api.openai.com", "us.api.openai.com"]
    assert "127.0.0.1" in written["CREDENTIAL_HOSTS"].split(",")


def test_it_leaves_an_env_file_as_it_is(checkout: Path) -> None:
    (checkout / ".env").write_text("SECRET_KEY=mine\n")
    run_dev(checkout, "manage", "version")
    assert (checkout / ".env").read_text() == "SECRET_KEY=mine\n"


def test_what_is_installed_already_needs_no_network(checkout: Path) -> None:
    assert run_dev(checkout, "manage", "version", PIP_NO_INDEX="1").stdout == f"{__version__}\n"


# What `./dev test` runs

STUB = """#!/bin/sh
echo "${DATABASE_URL_TEST:-none} $*" >>calls
[ "$*" != "-m tests.postgres true" ] || [ -e postgres ] || { echo "none was found" >&2; exit 1; }
[ "$*" != - ] || [ -e browser ] # whether Playwright's own browser starts
"""
APT = '#!/bin/sh\necho "apt-get $*" >>calls\n'
TWO = "-m pytest -n 2 --dist loadfile --no-loadscope-reorder"
IN_A_BROWSER, SLOW = f"{TWO} -m browser", f"{TWO} -m slow and not browser"
FAST = "-m pytest -n auto -m not browser and not slow"
ON_POSTGRES = f"-m tests.postgres .venv/bin/python {FAST} and database"


@pytest.fixture
def stubs(tmp_path: Path) -> Path:
    """A folder in which `./dev` finds every tool, and each does nothing but write down how it was called."""
    shutil.copy(ROOT / "dev", tmp_path)
    for name in ["requirements.txt", "tests/requirements.txt", "templates/x", "conversations/x"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    tools = tmp_path / ".venv" / "bin"
    tools.mkdir(parents=True)
    for name in ["python", "ruff", "mypy", "djade", "chromium", "npm", "redis-server", "firefox-esr"]:
        (tools / name).write_text(STUB)
        (tools / name).chmod(0o755)
    for name in [*TOOLS, "find"]:
        (tools / name).symlink_to(str(shutil.which(name)))
    return tmp_path


def run_stubs(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `./dev test` where there is no tool but the stubs, and so no apt-get."""
    return run_dev(folder, "test", *arguments, PATH=str(folder / ".venv" / "bin"), **environment)


def calls_of_pytest(folder: Path) -> list[str]:
    return [line for line in (folder / "calls").read_text().splitlines() if "-m pytest" in line]


def test_the_fast_tests_run_on_each_database(stubs: Path) -> None:
    (stubs / "postgres").touch()
    assert run_stubs(stubs).returncode == 0
    workers = "-m tests.postgres .venv/bin/python -m pytest -n 2 -m workers"
    expected = [FAST, ON_POSTGRES, workers, IN_A_BROWSER, SLOW]
    assert calls_of_pytest(stubs) == [f"none {command}" for command in expected]


def test_a_given_server_is_for_the_tests_on_postgresql_only(stubs: Path) -> None:
    (stubs / "postgres").touch()
    assert run_stubs(stubs, DATABASE_URL_TEST="given").returncode == 0
    assert [line.split()[0] for line in calls_of_pytest(stubs)] == ["none", "given", "given", "none", "none"]


def test_chosen_tests_run_once_and_on_a_given_server(stubs: Path) -> None:
    assert run_stubs(stubs, "-k", "query", DATABASE_URL_TEST="given").returncode == 0
    assert calls_of_pytest(stubs) == ["given -m pytest -k query"]


def test_without_postgresql_it_is_told_what_was_left_out(stubs: Path) -> None:
    finished = run_stubs(stubs)
    assert finished.returncode == 0
    way = "(one way: install your system's package postgresql)"
    assert finished.stdout.endswith(f"\nThe tests on PostgreSQL were left out: none was found {way}.\n\nAll passed.\n")
    assert "none -m pip install" in (stubs / "calls").read_text()
    assert calls_of_pytest(stubs) == [f"none {command}" for command in (FAST, IN_A_BROWSER, SLOW)]


def test_without_postgresql_continuous_integration_fails(stubs: Path) -> None:
    finished = run_stubs(stubs, CI="true")
    assert finished.returncode == 1
    assert finished.stderr.startswith("dev: These failed:\n  The tests on PostgreSQL were left out: none was found (")


# What it leaves to the person: the system


def put_tool(folder: Path, name: str, script: str) -> None:
    """A tool of the system that does what `script` says."""
    (folder / name).unlink(missing_ok=True)
    (folder / name).write_text(script)
    (folder / name).chmod(0o755)


@pytest.fixture
def bare_system(stubs: Path) -> Path:
    """The stubs on a Debian that has apt-get, and neither a PostgreSQL nor a browser."""
    tools = stubs / ".venv" / "bin"
    put_tool(tools, "apt-get", APT)
    (tools / "chromium").unlink()
    return stubs


def become(folder: Path, user: int) -> None:
    """Let `./dev` believe that it runs as `user`."""
    put_tool(folder / ".venv" / "bin", "id", f"#!/bin/sh\necho {user}\n")


@pytest.mark.parametrize(("user", "command"), [(0, "apt-get"), (1000, "sudo apt-get")])
def test_the_system_stays_as_it_is_and_the_command_is_told(bare_system: Path, user: int, command: str) -> None:
    become(bare_system, user)
    finished = run_stubs(bare_system)
    assert finished.returncode == 0
    assert f'The browser tests were left out: run "{command} install chromium", then' in finished.stdout
    assert f'left out: none was found (one way: run "{command} install postgresql").' in finished.stdout
    assert "apt-get" not in (bare_system / "calls").read_text()
    assert calls_of_pytest(bare_system) == [f"none {FAST}", f"none {SLOW}"]


def test_continuous_integration_installs_what_is_missing(bare_system: Path) -> None:
    become(bare_system, 0)
    (bare_system / "postgres").touch()
    (bare_system / "browser").touch()
    assert run_stubs(bare_system, CI="true").returncode == 0
    assert "apt-get install -y -qq --no-install-recommends chromium\n" in (bare_system / "calls").read_text()


def test_chromium_without_windows_is_preferred(stubs: Path) -> None:
    put_tool(stubs / ".venv" / "bin", "chromium-headless-shell", STUB)
    put_tool(stubs / ".venv" / "bin", "python", STUB.replace("$*", "$* $CONVADMIN_CHROMIUM"))
    run_stubs(stubs, "-k", "query")
    assert calls_of_pytest(stubs)[0].endswith("/chromium-headless-shell")


def test_playwrights_own_browser_is_used_where_it_starts(bare_system: Path) -> None:
    (bare_system / "postgres").touch()
    (bare_system / "browser").touch()
    finished = run_stubs(bare_system)
    assert "none -m playwright install chromium" in (bare_system / "calls").read_text()
    assert finished.stdout.endswith("\n\nAll passed.\n")
    assert "left out" not in finished.stdout


@pytest.fixture
def without_venv(tmp_path: Path) -> Path:
    """A folder of tools where Python is Debian's, which makes no .venv, beside a `./dev`."""
    shutil.copy(ROOT / "dev", tmp_path)
    (tmp_path / "requirements.txt").touch()
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in TOOLS:
        (tools / name).symlink_to(str(shutil.which(name)))
    put_tool(tools, "apt-get", APT)
    put_tool(tools, "id", "#!/bin/sh\necho 0\n")
    put_tool(tools, "python3", '#!/bin/sh\n[ "$1" = -c ]\n')
    return tmp_path


def test_without_venv_the_command_is_told(without_venv: Path) -> None:
    said = sentence(run_dev(without_venv, "run", PATH=str(without_venv / "bin")))
    assert 'Can\'t create .venv with pip: run "apt-get install python3-venv", then run this again' in said
    assert not (without_venv / "calls").exists()


def test_without_venv_continuous_integration_installs_it(without_venv: Path) -> None:
    sentence(run_dev(without_venv, "run", PATH=str(without_venv / "bin"), CI="true"))
    assert "apt-get install -y -qq --no-install-recommends python3-venv\n" in (without_venv / "calls").read_text()


# What can be wrong


def test_a_port_that_is_taken(checkout: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = sentence(run_dev(checkout, "run", PORT=str(port)))
    assert f"Port {port} can't be used" in said
    assert "PORT=" in said


def test_a_port_that_is_no_port(checkout: Path) -> None:
    assert "PORT has to be a number" in sentence(run_dev(checkout, "run", PORT="http"))


def test_no_network(checkout: Path) -> None:
    (checkout / "requirements.txt").write_text("no-such-package-here==1.0\n")
    nowhere = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0"}
    said = sentence(run_dev(checkout, "run", **nowhere))
    assert "The packages couldn't be installed. Is there a network?" in said
    assert "no-such-package-here" in (checkout / ".venv" / "dev.log").read_text()


def test_no_python(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    tools = tmp_path_factory.mktemp("bin")
    for name in TOOLS:
        (tools / name).symlink_to(str(shutil.which(name)))
    shutil.rmtree(checkout / ".venv")
    assert "Python 3.11 or newer wasn't found" in sentence(run_dev(checkout, "run", PATH=str(tools)))


@pytest.fixture
def folder_for_everyone() -> Iterator[Path]:
    """A folder that another user reaches, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        shutil.copy(ROOT / "dev", name)
        Path(name).chmod(0o555)
        yield Path(name)
        Path(name).chmod(0o755)


def test_a_read_only_folder(folder_for_everyone: Path) -> None:
    finished = subprocess.run(
        ["./dev", "run"],
        cwd=folder_for_everyone,
        env=clean_environment(folder_for_everyone),
        user=NOBODY if os.geteuid() == 0 else None,  # root may write everywhere
        capture_output=True,
        text=True,
    )
    assert f"The folder {folder_for_everyone} can't be written to" in sentence(finished)


GOOD = "SECRET_KEY=" + "x" * 50 + "\n"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xff\xfe\x00broken", ".env isn't UTF-8 text"),
        (f"{GOOD}\ngeheim geheim\n".encode(), "Line 3 of .env is neither NAME=value nor a # comment"),
        (f"{GOOD}LOG_LEVEL=geheim\0\n".encode(), "Line 2 of .env"),
        (b"DEBUG=off\n", "SECRET_KEY is not set"),
        (b"SECRET_KEY=\n", "SECRET_KEY is empty"),
        (f"{GOOD}DEBUG=geheim\n".encode(), "DEBUG has to be on or off"),
        (f"{GOOD}HTTPS=\n".encode(), "HTTPS has to be on or off"),
        (f"{GOOD}PAGE_SIZE=0\n".encode(), "PAGE_SIZE has to be a whole number above 0"),
        (f"{GOOD}REQUEST_BUDGET=geheim\n".encode(), "REQUEST_BUDGET has to be a number above 0"),
        (f"{GOOD}DATABASE_URL=geheim\n".encode(), "DATABASE_URL has to be sqlite:"),
        (f"{GOOD}DATABASE_URL=postgres://u:geheim@h:x/d\n".encode(), "DATABASE_URL has to be sqlite:"),
        (f"{GOOD}DATABASE_URL=sqlite:////no/such/folder/x\n".encode(), "/no/such/folder/x can't be used"),
        (f"{GOOD}TIME_ZONE=geheim\n".encode(), "TIME_ZONE has to be a time zone"),
        (f"{GOOD}LOG_LEVEL=geheim\n".encode(), "LOG_LEVEL has to be DEBUG"),
        (b"SECRET_KEY=$geheim\n", "SECRET_KEY has to be text that doesn't begin with $"),
        (f"{GOOD}CREDENTIAL_KEYS=geheim\n".encode(), "Key 1 in CREDENTIAL_KEYS isn't a Fernet key"),
        (GOOD.encode(), "CREDENTIAL_KEYS is empty"),
    ],
)
def test_a_broken_env_file(checkout: Path, content: bytes, expected: str) -> None:
    if b"CREDENTIAL_KEYS" not in content and b"no/such" in content:
        content += b"CREDENTIAL_KEYS=" + Fernet.generate_key() + b"\n"
    (checkout / ".env").write_bytes(content)
    said = sentence(run_dev(checkout, "run", PORT=str(free_port())))
    assert expected in said
    assert "geheim" not in said


def test_an_env_file_that_cannot_be_read(checkout: Path) -> None:
    (checkout / ".env").mkdir()
    assert ".env can't be read: Is a directory" in sentence(run_dev(checkout, "run"))
