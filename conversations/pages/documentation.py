"""Pages of the documentation, shown in the dashboard."""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from django.conf import settings
from django.utils.safestring import SafeString
from django.utils.text import slugify
from markdown_it import MarkdownIt
from markdown_it.token import Token

SCROLLING = {"table_open", "fence", "code_block"}
FOLDER: Path = settings.BASE_DIR / "docs"


@dataclass(frozen=True)
class Documentation:
    """A page of docs/."""

    html: SafeString  # without its title
    sections: tuple[tuple[str, str], ...]  # the anchor and the words of each heading of the second level


@cache
def documentation(name: str) -> Documentation:
    """A page of docs/. Headings have the anchors that links inside the page use; links to other pages, which the
    dashboard doesn't have, are plain text."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse((FOLDER / name).read_text())
    title, _text, _end, *content = tokens
    if title.tag != "h1":
        raise ValueError(f"{name} has no title.")
    sections = []
    for heading, text in pairwise(content):
        if heading.type == "heading_open":
            anchor = slugify(text.content)
            heading.attrSet("id", anchor)
            sections += [(anchor, text.content)] if heading.tag == "h2" else []
    for token in content:
        token.children = _with_own_links(token.children) if token.children else token.children
        if token.type in SCROLLING:
            token.attrSet("tabindex", "0")  # what scrolls sideways has to be reached by keyboard
    return Documentation(SafeString(markdown.renderer.render(content, markdown.options, {})), tuple(sections))


def _with_own_links(tokens: list[Token]) -> list[Token]:
    """The tokens of a line, without links that lead out of the page."""
    kept, is_own = [], True
    for token in tokens:
        if token.type == "link_open":
            is_own = str(token.attrs.get("href", "")).startswith("#")
        if is_own or token.type not in ("link_open", "link_close"):
            kept.append(token)
    return kept
