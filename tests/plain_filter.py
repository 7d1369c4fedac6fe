"""What a query asks for, by a plain filter over all rows: slow, and easy to believe."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from django.utils import timezone

from conversations import query as language
from conversations.metadata import as_text, fold
from conversations.models import Conversation


def texts(row: Conversation) -> Iterator[str]:
    return map(as_text, row.metadata.values())


def value_fits(text: str, value: language.Value) -> bool:
    if value.kind == "contains":
        return fold(value.text) in fold(text)
    return text.startswith(value.text) if value.kind == "prefix" else text == value.text


def any_fits(text: str, term: language.ChoiceClause) -> bool:
    return any(value_fits(text, value) for value in term.values)


def date_fits(moment: datetime, term: language.DateClause) -> bool:
    start, end = term.bounds(timezone.now(), timezone.get_default_timezone())
    return (start is None or moment >= start) and (end is None or moment < end)


PLAIN: dict[type | str, Callable[[Conversation, Any], bool]] = {
    language.MetadataClause: lambda row, term: (
        term.key in row.metadata and any_fits(as_text(row.metadata[term.key]), term)
    ),
    language.HasClause: lambda row, term: term.key in row.metadata,
    language.TextClause: lambda row, term: (
        any(fold(term.text) in fold(text) for text in texts(row)) or row.openai_id.lower().startswith(term.text.lower())
    ),
    "id": lambda row, term: any_fits(row.openai_id, term),
    "state": lambda row, term: row.state in term.texts,
    "credential": lambda row, term: row.credential.name in term.texts,
    "added": lambda row, term: row.added_by is not None and row.added_by.username in term.texts,
    language.DateClause: lambda row, term: date_fits(row.created_at if term.field == "created" else row.read_at, term),
}


def fits(row: Conversation, term: language.Clause) -> bool:
    """Whether a row matches one clause."""
    kind = term.field if isinstance(term, language.FieldClause) else type(term)
    return PLAIN[kind](row, term) is not term.negated


def plainly(rows: Iterable[Conversation], query: language.Query) -> list[Conversation]:
    """Those that match, newest first."""
    matches = (row for row in rows if all(fits(row, term) for term in query.clauses))
    return sorted(matches, key=lambda row: -row.sort_key)
