"""Cutting a search text into tokens at white space outside quotes, and each token into atoms.

An atom is quoted text, bare text, or one of the marks `:` and `,`. One pass, linear in the text.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from .clauses import Span

_ATOM = re.compile(r'(?P<quote>")[^"\\]*(?:\\.[^"\\]*)*(?P<closed>"?)|(?P<mark>[:,])|[^\s":,]+', re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\])')


class Atom(NamedTuple):
    """A piece of a token that the language knows."""

    kind: str  # "quoted", "bare", ":" or ","
    text: str  # without the quotes


class Token(NamedTuple):
    """One clause or problem; `closed` is false where its last quote is never closed."""

    span: Span
    atoms: list[Atom]
    closed: bool


def tokens(text: str) -> Iterator[Token]:
    """The tokens in order; an open quote takes in all the rest."""
    atoms: list[Atom] = []
    start = end = 0
    for match in _ATOM.finditer(text):
        if atoms and match.start() > end:
            yield Token(Span(start, end, text[start:end]), atoms, closed=True)
            atoms = []
        if not atoms:
            start = match.start()
        if match["quote"] and not match["closed"]:
            yield Token(Span(start, len(text), text[start:]), atoms, closed=False)
            return
        atoms.append(_atom(match))
        end = match.end()
    if atoms:
        yield Token(Span(start, end, text[start:end]), atoms, closed=True)


def _atom(match: re.Match[str]) -> Atom:
    if match["quote"]:
        return Atom("quoted", _ESCAPED.sub(r"\1", match[0][1:-1]))
    return Atom(match["mark"] or "bare", match[0])
