"""Each rule of the hard cases is held by a test that names it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
RULE = re.compile(r"(?:\b|_)[rR](\d+)(?=\b|_)")
RULES = range(1, 29)


def names_and_docstrings() -> Iterator[str]:
    """What the tests say of themselves."""
    for path in sorted(TESTS.rglob("test_*.py")):
        if path == Path(__file__):
            continue
        tree = ast.parse(path.read_text())
        for node in (tree, *ast.walk(tree)):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield node.name
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                yield ast.get_docstring(node) or ""


@pytest.fixture(scope="module")
def named() -> set[int]:
    return {int(number) for text in names_and_docstrings() for number in RULE.findall(text)}


def test_each_of_the_28_rules_is_named_by_a_test(named: set[int]) -> None:
    missing = [f"R{number}" for number in RULES if number not in named]
    assert missing == []
