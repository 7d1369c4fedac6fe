"""Every example in docs/search-language.md is understood, or refused where the page says so."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from conversations.query import parse

PAGE = Path(__file__).parents[2] / "docs" / "search-language.md"
REFUSED = "What's refused"
CODE = re.compile(r"`([^`]+)`")


def examples() -> Iterator[tuple[str, str]]:
    """Each search in the first column of a table or in a fenced block, with the heading above it."""
    heading, is_fenced = "", False
    for line in PAGE.read_text().splitlines():
        if line.startswith("```"):
            is_fenced = not is_fenced
        elif is_fenced:
            yield heading, line
        elif line.startswith("#"):
            heading = line.lstrip("# ")
        elif line.startswith("| `"):
            yield from ((heading, search) for search in CODE.findall(line.split(" | ")[0]))


EXAMPLES = list(examples())
UNDERSTOOD = [search for heading, search in EXAMPLES if heading != REFUSED]
PROBLEMS = [search for heading, search in EXAMPLES if heading == REFUSED]


def test_the_examples_are_found() -> None:
    assert len(UNDERSTOOD) > 50
    assert len(PROBLEMS) > 20


@pytest.mark.parametrize("search", UNDERSTOOD)
def test_an_example_is_understood(search: str) -> None:
    assert parse(search).problems == ()


@pytest.mark.parametrize("search", PROBLEMS)
def test_a_refused_example_has_one_problem(search: str) -> None:
    assert len(parse(search).problems) == 1
