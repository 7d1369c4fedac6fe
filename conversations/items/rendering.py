"""Markdown of messages as HTML that does nothing but show it. Pure.

The text is untrusted. HTML in it stays text, since the parser makes no tags of it. What the parser makes is sanitised
all the same, by an allow-list in which no attribute lets content look like a part of the page. Frames for tables and
code are put around it afterwards.
"""

import re
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

from .blocks import safe_url

MAX_LENGTH = 100_000  # characters of one text; a longer one stays as it is
MAX_GROWTH = (
    12  # times the length of the text, to which HTML may grow; a table of a few short lines can have 65,536 cells
)
BRACKET_COST = 10  # characters that take as long as one bracket, which is looked at as the beginning of a link

_MAILBOX = re.compile(r"mailto:[\w.+%-]{1,64}@[\w.-]{1,253}", re.ASCII)
_TAGS = {
    *("p", "br", "hr", "strong", "em", "s", "a", "code", "pre", "blockquote", "ol", "ul", "li"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
_ATTRIBUTES = {
    "*": set[str](),  # otherwise nh3 lets titles and languages pass
    "a": {"href"},
    "p": {"data-level"},
    "ol": {"start"},
    "th": {"data-align"},
    "td": {"data-align"},
}
_FRAMES = (
    ("<pre>", '<pre class="code" tabindex="0">'),
    ("<table>", '<div class="table-frame" role="group" aria-label="Table" tabindex="0"><table>'),
    ("</table>", "</table></div>"),
)


class _Markdown(MarkdownIt):
    """CommonMark with tables, and with links to the web and to mailboxes only."""

    def __init__(self) -> None:
        super().__init__("commonmark", {"html": False, "breaks": True})
        self.enable(["table", "strikethrough"])
        # One long URL, named a thousand times, would be written a thousand times.
        self.disable("reference")

    def validateLink(self, url: str) -> bool:  # noqa: N802, the parser's name
        if safe_url(url):
            return "@" not in urlsplit(url).netloc  # https://bank.example@elsewhere.example leads elsewhere
        return _MAILBOX.fullmatch(url) is not None

    def normalizeLinkText(self, link: str) -> str:  # noqa: N802
        return link  # not decoded: an address in look-alike letters stays recognizable


_markdown = _Markdown()


def cost(text: str) -> int:
    """How much work it is to render a text, in characters of prose."""
    return len(text) + BRACKET_COST * text.count("[")


def render(text: str) -> str | None:
    """Markdown as HTML; None if the text is too long, or if it would grow too much.

    Text between the tags is escaped. The only attributes with content in them are URLs, percent-encoded.
    """
    if len(text) > MAX_LENGTH:
        return None
    tokens = _markdown.parse(text)
    for token in tokens:
        _adapt(token)
    html = _markdown.renderer.render(tokens, _markdown.options, {})
    return _framed(_sanitised(html)) if len(html) <= MAX_GROWTH * len(text) + 1_000 else None


def _sanitised(html: str) -> str:
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow external",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )


def _framed(html: str) -> str:
    for tag, framed in _FRAMES:  # a tag that the content spells out is escaped, and stays as it is
        html = html.replace(tag, framed)
    return html


def _adapt(token: Token) -> None:
    """Headings become strong paragraphs, images become links, and the alignment of cells an attribute of ours."""
    if token.type in ("heading_open", "heading_close"):
        if token.nesting == 1:
            token.attrs = {"data-level": token.tag[1:]}
        token.tag = "p"
    elif token.type in ("th_open", "td_open"):
        align = str(token.attrs.pop("style", "")).removeprefix("text-align:")
        token.attrs = {"data-align": align} if align in ("right", "center") else {}
    elif token.children:
        token.children = _adapted(token.children)


def _adapted(tokens: list[Token]) -> list[Token]:
    """The tokens of a line, with images as links, and without links that lead nowhere."""
    kept: list[Token] = []
    is_in_link = leads_nowhere = False
    for token in tokens:
        if token.type == "link_open":
            leads_nowhere = not token.attrs.get("href")
            is_in_link = not leads_nowhere
        if token.type == "image":
            kept += _named(token, is_in_link=is_in_link)
        elif not (leads_nowhere and token.type in ("link_open", "link_close")):
            kept.append(token)
        is_in_link = is_in_link and token.type != "link_close"
    return kept


def _named(image: Token, *, is_in_link: bool) -> list[Token]:
    """An image as a link with its alternative text, or with the host that it's from."""
    source = str(image.attrs.get("src", ""))
    name = image.content.strip() or urlsplit(source).hostname or ""
    words = Token("text", "", 0, content=f"Image: {name}" if name else "Image")
    if is_in_link or not source:
        return [words]
    return [Token("link_open", "a", 1, attrs={"href": source}), words, Token("link_close", "a", -1)]
