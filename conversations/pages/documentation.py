"""Pages of the documentation, shown in the dashboard."""

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


@cache
def documentation(name: str) -> SafeString:
    """A page of docs/ as HTML, without its title. Headings have the anchors that links inside the page use; links to
    other pages, which the dashboard doesn't have, are plain text."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse((FOLDER / name).read_text())
    title, _text, _end, *content = tokens
    if title.tag != "h1":
        raise ValueError(f"{name} has no title.")
    for heading, text in pairwise(content):
        if heading.type == "heading_open":
            heading.attrSet("id", slugify(text.content))
    for token in content:
        token.children = _with_own_links(token.children) if token.children else token.children
        if token.type in SCROLLING:
            token.attrSet("tabindex", "0")  # what scrolls sideways has to be reached by keyboard
    return SafeString(markdown.renderer.render(content, markdown.options, {}))


def _with_own_links(tokens: list[Token]) -> list[Token]:
    """The tokens of a line, without links that lead out of the page."""
    kept, is_own = [], True
    for token in tokens:
        if token.type == "link_open":
            is_own = str(token.attrs.get("href", "")).startswith("#")
        if is_own or token.type not in ("link_open", "link_close"):
            kept.append(token)
    return kept
