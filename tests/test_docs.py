"""Links in the documentation lead somewhere, and the files that it names are there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]

FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FILE = re.compile(r"[\w*./-]+/[\w*.-]*\.(?:py|html|md|svg|png|js|css|txt)|(?:\w+/)+")  # or a folder


def text_of(page: Path) -> str:
    """The page without its blocks of code."""
    return FENCED.sub("", page.read_text())


def anchors(page: Path) -> set[str]:
    """What a link to a heading ends in, as GitHub makes it: small letters, dashes for spaces, no punctuation."""
    found: set[str] = set()
    for heading in HEADING.findall(text_of(page)):
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.add(next(each for each in (anchor, *(f"{anchor}-{n}" for n in range(1, 99))) if each not in found))
    return found


def broken_links(page: Path) -> Iterator[str]:
    for link in LINK.findall(CODE.sub("", text_of(page))):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if "://" not in link and (not target.exists() or (anchor and anchor not in anchors(target))):
            yield link


def missing_files(page: Path) -> Iterator[str]:
    """Files and folders that stand in the text as code, from the root or from the app, and are not there."""
    for code in CODE.findall(text_of(page)):
        name = code.split(":")[0]
        places = [page.parent, ROOT, ROOT / "conversations"]
        if FILE.fullmatch(name) and not name.startswith("/") and not any([*place.glob(name)] for place in places):
            yield name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_link_leads_to_a_file_and_a_heading_that_are_there(page: Path) -> None:
    assert list(broken_links(page)) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_file_that_is_named_is_there(page: Path) -> None:
    left_by_use = {"data/"}
    assert [name for name in missing_files(page) if name not in left_by_use] == []
