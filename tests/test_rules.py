"""Each rule in docs/rules.md is held by a test that names it, and nothing cites a rule that isn't there."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ROOT = TESTS.parent
HEADING = re.compile(r"^#+ R(\d+) ", re.MULTILINE)
NAMED = re.compile(r"(?:\b|_)[rR](\d+)(?=\b|_)")
CITED = re.compile(r"\bR(\d+)\b")


def rules() -> list[int]:
    return [int(number) for number in HEADING.findall((ROOT / "docs" / "rules.md").read_text())]


def names_and_docstrings() -> Iterator[tuple[str, str]]:
    """What the tests say of themselves, and where."""
    for path in sorted(TESTS.rglob("test_*.py")):
        if path == Path(__file__):
            continue
        place = str(path.relative_to(ROOT))
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield place, node.name
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                yield place, ast.get_docstring(node) or ""


def citations() -> Iterator[tuple[str, int]]:
    """Where a rule is cited, and which."""
    for place, text in names_and_docstrings():
        yield from ((place, int(number)) for number in NAMED.findall(text))
    for folder in ("conversations", "convadmin", "tests", "templates", "static", "docs"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in {".py", ".html", ".js", ".css", ".md"}:
                place = str(path.relative_to(ROOT))
                yield from ((place, int(number)) for number in CITED.findall(path.read_text()))


def test_each_rule_stands_once_and_in_order() -> None:
    assert rules() == sorted(set(rules()))
    assert rules()


@pytest.mark.long
def test_each_rule_is_named_by_a_test() -> None:
    named = {int(number) for _, text in names_and_docstrings() for number in NAMED.findall(text)}
    assert [f"R{number}" for number in rules() if number not in named] == []


@pytest.mark.long
def test_each_number_that_is_cited_is_a_rule() -> None:
    known = set(rules())
    assert [f"{place}: R{number}" for place, number in citations() if number not in known] == []
