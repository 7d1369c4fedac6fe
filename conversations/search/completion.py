"""Completion of the search box: keys by their beginning, then a key's values, the most frequent first.

Keys and values are those of the credentials that the user may see; nothing reveals others.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import islice

from django.contrib.auth.models import AnonymousUser, User

from ..metadata import fold
from ..models import Credential, Term
from ..models.index import sql_helpers
from ..models.index.terms import values_beginning
from ..query import STATES
from ..query.clauses import BUILT_INS, key_text, quoted_if_needed
from ..query.tokens import Token, tokens
from .counts import keys_of, numbers_of, top_values

SHOWN = 8
FREQUENT = 200  # values of a key that are compared ignoring case
READ = 500  # values that begin as typed
DAYS = ("today", "yesterday", "7d", "30d", "90d")


@dataclass(frozen=True)
class Suggestion:
    """A text for the whole search box, where the caret goes, and what to show in the menu."""

    text: str
    caret: int
    label: str
    number: int | None = None


@dataclass(frozen=True)
class _Caret:
    """The token at the caret: what was typed of it so far, and what comes before and after it."""

    before: str
    sign: str
    typed: str
    after: str

    def suggestion(self, label: str, number: int | None = None, *, is_finished: bool) -> Suggestion:
        """The token replaced by `label`, followed by a space if it is finished."""
        end = " " if is_finished and not self.after.startswith(" ") else ""
        start = f"{self.before}{self.sign}{label}{end}"
        return Suggestion(start + self.after, len(start), label, number)


def suggestions(text: str, at: int, user: User | AnonymousUser) -> list[Suggestion]:
    """What the token at position `at` can be completed to."""
    caret = _caret(text, at)
    credentials = {credential.pk: credential.name for credential in Credential.objects.visible_to(user)}
    key, colon, typed = _split(caret.typed)
    if not colon:
        return _keys(caret, _unquoted(key), list(credentials))
    # Quoted, it is a metadata key of the same name.
    is_built_in = key.lower() in BUILT_INS  # in quotes it is a key of metadata
    before, comma, last = typed.rpartition(",")
    found = _values(key if is_built_in else _unquoted(key), _unquoted(last), credentials, is_built_in=is_built_in)
    written = key if is_built_in else key_text(_unquoted(key))
    found = ((f"{written}:{before}{comma}{label}", number) for label, number in found)
    return [caret.suggestion(label, number, is_finished=True) for label, number in islice(found, SHOWN)]


def _caret(text: str, at: int) -> _Caret:
    at = max(0, min(at, len(text)))
    token = next((token for token in tokens(text) if token.span.start < at <= token.span.end), None)
    start, end = (at, at) if token is None else token.span[:2]
    typed = text[start:at]
    sign = typed[:1] if typed[:1] in ("-", "!") else ""
    return _Caret(text[:start], sign, typed.removeprefix(sign), text[end:])


def _split(typed: str) -> tuple[str, str, str]:
    """Key, colon and the rest of a token, as they were typed."""
    token: Token | None = next(tokens(typed), None)
    if token is None:
        return "", "", ""
    marks = [atom.kind for atom in token.atoms]
    if ":" in marks and token.atoms and token.atoms[0].kind == "quoted":
        end = typed.index('":') + 1
        return typed[:end], ":", typed[end + 1 :]
    return typed.partition(":")


def _unquoted(text: str) -> str:
    return text.removeprefix("~").strip('"').replace('\\"', '"').replace("\\\\", "\\")


def _keys(caret: _Caret, typed: str, credentials: list[int]) -> list[Suggestion]:
    """Metadata keys by frequency, then built-in ones; those that begin with the text, then those that contain it."""
    known = [(key_text(key), number) for key, number in _ranked(keys_of(credentials))] if credentials else []
    part = fold(typed)
    every = [*known, *((name, None) for name in BUILT_INS)]
    begin = [pair for pair in every if fold(pair[0].strip('"')).startswith(part)]
    beginning = {label for label, _ in begin}
    hold = [pair for pair in known if part in fold(pair[0]) and pair[0] not in beginning]
    shown = [*begin, *hold][:SHOWN]
    return [caret.suggestion(f"{label}:", number, is_finished=False) for label, number in shown]


def _values(
    key: str, typed: str, credentials: dict[int, str], *, is_built_in: bool
) -> Iterable[tuple[str, int | None]]:
    if not credentials:
        return ()
    if not is_built_in:
        return ((quoted_if_needed(value), count) for value, count in _ranked(_of_key(key, typed, list(credentials))))
    if key.lower() == "has":
        keys = _ranked(keys_of(list(credentials)))
        return ((key_text(name), count) for name, count in keys if fold(name).startswith(fold(typed)))
    offered = _BUILT_IN.get(key.lower(), partial(_always, ()))(credentials)
    return ((quoted_if_needed(text), None) for text in offered if fold(text).startswith(fold(typed)))


def _ranked(numbers: Counter[str]) -> list[tuple[str, int]]:
    """The most frequent first, equally frequent ones by name."""
    return sorted(numbers.items(), key=lambda pair: (-pair[1], pair[0]))


def _of_key(key: str, typed: str, credentials: list[int]) -> Counter[str]:
    """Frequent values of the key that begin with the text, ignoring case, and others that do so exactly."""
    numbers = top_values(credentials, key, FREQUENT)
    found = Counter({value: count for value, count in numbers.items() if fold(value).startswith(fold(typed))})
    if len(found) < SHOWN:
        found |= numbers_of(credentials, key, _beginning(credentials, key, typed))
    return found


def _beginning(credentials: list[int], key: str, typed: str) -> list[str]:
    condition, parameters = values_beginning(typed)
    sql = f"""SELECT value FROM {Term._meta.db_table}
        WHERE credential_id IN {sql_helpers.placeholders(credentials)} AND key = %s AND {condition} LIMIT %s"""
    values = sql_helpers.fetch_column(sql, [*credentials, key, *parameters, READ])
    return [value for value in values if value.startswith(typed)]


def _names(credentials: dict[int, str]) -> Iterable[str]:
    return credentials.values()


def _always(texts: Iterable[str], credentials: dict[int, str]) -> Iterable[str]:
    return texts


_BUILT_IN: dict[str, Callable[[dict[int, str]], Iterable[str]]] = {
    "state": partial(_always, STATES),
    "credential": _names,
    "created": partial(_always, DAYS),
    "read": partial(_always, DAYS),
}
