"""`.env.example` and the settings of the tests list every setting that is read."""

import ast
import re
from pathlib import Path

import pytest

from tests.checkouts import ROOT, copy_checkout, run_dev

NAME = re.compile(r"^(?:# )?([A-Z][A-Z_]*)=", re.MULTILINE)


def calls(path: str) -> list[ast.Call]:
    """Every call in a module."""
    return [node for node in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(node, ast.Call)]


def names_read() -> set[str]:
    """The names in `Env(…)`, `env(…)` and `env.str(…)`."""
    names = set()
    for call in calls("convadmin/settings.py"):
        if ast.unparse(call.func) == "Env":
            names |= {str(keyword.arg) for keyword in call.keywords}
        if ast.unparse(call.func).split(".")[0] == "env":
            names.add(ast.literal_eval(call.args[0]))
    return names


def test_the_example_lists_every_setting_once() -> None:
    listed = NAME.findall((ROOT / ".env.example").read_text())
    assert sorted(listed) == sorted(names_read())


def test_the_example_explains_every_setting() -> None:
    blocks = (ROOT / ".env.example").read_text().split("\n\n")
    settings = [block for block in blocks if NAME.search(block)]
    assert [block for block in settings if len(block.splitlines()) < 2] == []


def test_the_tests_give_every_setting_so_that_no_env_file_has_a_say() -> None:
    (update,) = [call for call in calls("tests/settings.py") if ast.unparse(call.func) == "os.environ.update"]
    assert {keyword.arg for keyword in update.keywords} == names_read()


@pytest.mark.slow
def test_dev_writes_known_settings_only(tmp_path: Path) -> None:
    run_dev(copy_checkout(tmp_path), "manage", "version")
    assert set(NAME.findall((tmp_path / ".env").read_text())) <= names_read()
