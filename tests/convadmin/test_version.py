"""The version is defined in one place. The command line prints it, and pages show it to signed-in users."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser

from convadmin import __version__
from tests.checkouts import ROOT, clean_environment
from tests.html import signed_in, text_of

SHOWN = f"Convadmin {__version__}"


def manage(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py without any settings, not even SECRET_KEY."""
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    return subprocess.run(command, env=clean_environment(folder), capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["version"], ["--version"], ["version", "--settings=convadmin.settings"]])
def test_the_command_line_tells_our_version_and_not_djangos(tmp_path: Path, arguments: list[str]) -> None:
    finished = manage(tmp_path, *arguments)
    assert (finished.returncode, finished.stdout) == (0, f"{__version__}\n"), finished.stderr


def test_the_changelog_begins_with_this_version() -> None:
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert newest[1] == __version__


@pytest.mark.parametrize("address", ["/conversations/", "/activity/", "/password/", "/admin/", "/nowhere/"])
def test_the_foot_of_each_page_shows_the_version(client: Browser, superuser: User, address: str) -> None:
    foot = text_of(signed_in(client, superuser).get(address)).partition("<footer")[2].partition("</footer>")[0]
    assert SHOWN in foot


@pytest.mark.parametrize("address", ["/sign-in/", "/nowhere/"])
def test_who_is_not_signed_in_does_not_learn_the_version(client: Browser, db: None, address: str) -> None:
    assert __version__ not in text_of(client.get(address, follow=True))
