"""Reading the search language: text → clauses and problems. The grammar and its decisions are in `query`.

Each token becomes one clause, or one problem.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from .clauses import (
    BUILT_INS,
    DATE_FIELDS,
    OPERATOR_WORDS,
    STATES,
    Clause,
    DateClause,
    FieldClause,
    HasClause,
    Kind,
    MetadataClause,
    Problem,
    TextClause,
    Value,
    key_text,
    quoted,
    quoted_if_needed,
)
from .dates import NotADate, parse_range
from .tokens import Atom, Token, tokens

# PostgreSQL stores neither, and neither can be sent back in a link.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_COMPARISON = re.compile(r"(created|read)([<>=].*)", re.IGNORECASE | re.DOTALL)
_CURLY = "“”„"
_MAX_SHOWN = 60
_KINDS: dict[tuple[str, str], Kind] = {("", ""): "exact", ("~", ""): "contains", ("", "*"): "prefix"}


class _NotUnderstood(ValueError):
    """A token is no clause; the message becomes the problem's."""


def read_clauses(text: str) -> tuple[list[Clause], list[Problem]]:
    """All clauses of a text in order, and what could not be understood; never raises."""
    clauses: list[Clause] = []
    problems: list[Problem] = []
    for token in tokens(text):
        try:
            clauses.append(_clause(token))
        except _NotUnderstood as error:
            start, end, source = token.span
            problems.append(Problem(start, end, UNSTORABLE.sub("\ufffd", source), str(error)))
    return clauses, problems


def _clause(token: Token) -> Clause:
    if found := UNSTORABLE.search(token.span.text):
        raise _NotUnderstood(f"No value can contain the character U+{ord(found[0]):04X}. Remove it.")
    if not token.closed:
        raise _NotUnderstood('The quote isn’t closed. Add " at the end. Inside quotes, write \\" for a quote.')
    # The sign is cut off first, so that every reader below sees the same atoms with and without it.
    negated, atoms = _without_sign(token.atoms)
    colon = next((place for place, atom in enumerate(atoms) if atom.kind == ":"), None)
    clause = _text_clause(atoms) if colon is None else _keyed_clause(atoms[:colon], atoms[colon + 1 :])
    return replace(clause, negated=negated, span=token.span)


def _without_sign(atoms: list[Atom]) -> tuple[bool, list[Atom]]:
    first = atoms[0]
    if first.kind != "bare" or first.text[0] not in "-!":
        return False, atoms
    rest = [*([Atom("bare", first.text[1:])] if len(first.text) > 1 else []), *atoms[1:]]
    if not rest:
        raise _NotUnderstood(
            f"There’s nothing after {first.text}. Write it right before a search term, as in -state:removed, "
            f'or in quotes, "{first.text}", to search for it.'
        )
    if rest[0].kind == "bare" and rest[0].text[0] in "-!":
        raise _NotUnderstood("One minus is enough. To search for text that begins with one, put it in quotes.")
    return True, rest


# Free text


def _text_clause(atoms: list[Atom]) -> TextClause:
    if len(atoms) == 1 and atoms[0].kind == "quoted":
        if not atoms[0].text:
            raise _NotUnderstood("The quotes are empty. Write a word between them, or remove them.")
        return TextClause(atoms[0].text)
    word = _bare_text(atoms)
    _refuse_curly(word)
    if word in OPERATOR_WORDS:
        raise _NotUnderstood(
            "All search terms have to match anyway. Write key:a,b for one of several values, -key:a to exclude one, "
            f'or "{word}" in quotes to search for the word.'
        )
    if compared := _COMPARISON.fullmatch(word):
        field, rest = compared[1].lower(), compared[2].removeprefix("=")
        raise _NotUnderstood(f"A colon is missing after {field}. Write {field}:{_shown(rest)}.")
    if word.startswith("~") or "*" in word:
        plain = word.strip("~*").replace("*", " ")
        advice = f"Write {_shown(quoted_if_needed(plain))}" if plain else "Write has:key for any value of a key"
        raise _NotUnderstood(
            f"A word is found in any part of a value anyway. {advice}, or {_shown(quoted(word))} for that exact text."
        )
    return TextClause(word)


def _bare_text(atoms: list[Atom]) -> str:
    """The text of atoms that are all bare; marks among them are text."""
    text = "".join(atom.text for atom in atoms)
    if any(atom.kind == "quoted" for atom in atoms):
        raise _NotUnderstood(f"Put quotes around the whole text. Write {_shown(quoted(text))}.")
    return text


def _refuse_curly(bare: str, before: str = "") -> None:
    if bare.startswith(tuple(_CURLY)):
        raise _NotUnderstood(f"Use straight quotes: {_shown(before + quoted(bare.strip(_CURLY)))}.")


# Clauses with a key


def _keyed_clause(key_atoms: list[Atom], value_atoms: list[Atom]) -> Clause:
    key, is_quoted = _key(key_atoms)
    if not is_quoted and key.lower() in BUILT_INS:
        return _READERS[key.lower()](value_atoms)
    name = key_text(key)
    shown = _shown(name)
    if_none = f'it right after the colon, has:{shown} for any value, or {shown}:"" for the empty one'
    return MetadataClause(key, _values(name, value_atoms, _metadata_value, if_none))


def _key(atoms: list[Atom]) -> tuple[str, bool]:
    if not atoms:
        raise _NotUnderstood("There’s no key before the colon. Write key:value, or put the text in quotes.")
    if len(atoms) == 1 and atoms[0].kind == "quoted":
        return atoms[0].text, True
    text = _bare_text(atoms)
    _refuse_curly(text)
    if text.startswith("~") or "*" in text or "," in text:
        raise _NotUnderstood(f"A key with ~, * or a comma needs quotes. Write {_shown(quoted(text))}:value.")
    return text, False


class _Part(NamedTuple):
    """One value of a list, with what stood around it."""

    name: str  # what the value is given to, as text: the key or built-in
    text: str  # without quotes, ~ and *
    is_quoted: bool
    kind: Kind

    @property
    def source(self) -> str:
        """The text as it would be meant literally."""
        return f"~{self.text}" if self.kind == "contains" else f"{self.text}{'*' * (self.kind == 'prefix')}"


def _values(name: str, atoms: list[Atom], read: Callable[[_Part], Value], if_none: str) -> tuple[Value, ...]:
    """The values of a comma list, each once."""
    if not atoms:
        raise _NotUnderstood(f"{_shown(name)}: needs a value. Write {if_none}.")
    lists: list[list[Atom]] = [[]]
    for atom in atoms:
        if atom.kind == ",":
            lists.append([])
        else:
            lists[-1].append(atom)
    if not all(lists):
        raise _NotUnderstood(
            'A value is missing next to a comma. Write a,b without spaces, "" for the empty value, '
            "or quotes around text with a comma."
        )
    return tuple(dict.fromkeys(read(_part(name, part)) for part in lists))


def _part(name: str, atoms: list[Atom]) -> _Part:
    """Take ~ and * off one value; refuses quotes in the midst of it."""
    # ab"c" and "a"b are refused rather than guessed at.
    quotes = [place for place, atom in enumerate(atoms) if atom.kind == "quoted"]
    if not quotes:
        return _bare_part(name, "".join(atom.text for atom in atoms))
    before = "".join(atom.text for atom in atoms[: quotes[0]])
    after = "".join(atom.text for atom in atoms[quotes[0] + 1 :])
    kind = _KINDS.get((before, after))
    if len(quotes) > 1 or kind is None:
        whole = "".join(atom.text for atom in atoms)
        raise _NotUnderstood(f"Put quotes around the whole value. Write {_shown(f'{name}:{quoted(whole)}')}.")
    return _Part(name, atoms[quotes[0]].text, True, kind)


def _bare_part(name: str, bare: str) -> _Part:
    _refuse_curly(bare, f"{name}:")
    before = "~" if bare.startswith("~") else ""
    after = "*" if bare.endswith("*") and not before else ""
    text = bare.removeprefix(before).removesuffix(after)
    if "*" in text and text.strip("*"):
        raise _NotUnderstood(
            f"An asterisk goes at the end only, after a beginning. Write {_shown(f'{name}:~part')} for a part, "
            f"or {_shown(f'{name}:{quoted(bare)}')} for that exact text."
        )
    return _Part(name, text.strip("*"), False, _KINDS[before, after])


def _metadata_value(part: _Part) -> Value:
    if part.kind != "exact" and not part.text:
        raise _NotUnderstood(
            f"There’s no text next to {'~' if part.kind == 'contains' else '*'}. "
            f"Write {_shown(f'has:{part.name}')} for any value."
        )
    if part.kind != "contains" and not part.is_quoted and part.text[:1] in ("<", ">"):
        raise _NotUnderstood(
            "Metadata is text and can’t be compared, only created: and read: can. "
            f"Write {_shown(f'{part.name}:{quoted(part.source)}')} for that exact text."
        )
    return Value(part.text, part.kind)


# Built-in clauses


def _read_id(atoms: list[Atom]) -> Clause:
    return FieldClause("id", _values("id", atoms, _id_value, "an id, or its beginning and *, as in id:conv_68a*"))


def _id_value(part: _Part) -> Value:
    if part.kind == "contains" or not part.text:
        raise _NotUnderstood(
            "An id is found whole or by its beginning. Write all of it, or its beginning and *, as in id:conv_68a*."
        )
    return Value(part.text, part.kind)


def _read_names(name: str, atoms: list[Atom]) -> Clause:
    return FieldClause(name, _values(name, atoms, _name_value, f"{name}:name, with quotes around a name with spaces"))


def _name_value(part: _Part) -> Value:
    if part.kind != "exact" or not part.text:
        raise _NotUnderstood(
            f"{part.name}: needs a whole name. Write {part.name}:name, with quotes around a name with spaces, ~ or *."
        )
    return Value(part.text)


def _read_state(atoms: list[Atom]) -> Clause:
    return FieldClause("state", _values("state", atoms, _state_value, _STATE_CHOICE))


def _state_value(part: _Part) -> Value:
    state = part.text.lower()
    if part.kind != "exact" or state not in STATES:
        raise _NotUnderstood(f"There’s no state {_shown(quoted(part.source))}. Write {_STATE_CHOICE}.")
    return Value(state)


_STATE_CHOICE = f"{', '.join(f'state:{state}' for state in STATES[:-1])} or state:{STATES[-1]}"


def _read_has(atoms: list[Atom]) -> Clause:
    if not atoms:
        raise _NotUnderstood("has: needs a key. Write it right after the colon, as in has:tenant.")
    if len(atoms) == 1 and atoms[0].kind == "quoted":
        return HasClause(atoms[0].text)
    key = _bare_text(atoms)
    _refuse_curly(key)
    if key.startswith("~") or "*" in key or "," in key:
        raise _NotUnderstood(
            "has: takes one whole key. Write has:a has:b for two, "
            f"or {_shown(f'has:{quoted(key)}')} for a key of that name."
        )
    return HasClause(key)


def _read_date(field: str, atoms: list[Atom]) -> Clause:
    forms = ("2026-01-31", ">=2026-01", "2026-01-01..2026-01-31", "today")
    advice = f"Write {', '.join(f'{field}:{form}' for form in forms)} or {field}:7d."
    text = "".join(atom.text for atom in atoms)
    if not text:
        raise _NotUnderstood(f"{field}: needs a date. {advice}")
    if "," in text:
        raise _NotUnderstood(f"{field}: takes one date or one range. {advice}")
    try:
        return DateClause(field, parse_range(text))
    except NotADate as error:
        raise _NotUnderstood(str(error) if error.complete else f"{error} {advice}") from None


_READERS: dict[str, Callable[[list[Atom]], Clause]] = {
    "id": _read_id,
    "state": _read_state,
    "credential": partial(_read_names, "credential"),
    "added": partial(_read_names, "added"),
    "has": _read_has,
    **{name: partial(_read_date, name) for name in DATE_FIELDS},
}


def _shown(text: str) -> str:
    """Short enough for a sentence."""
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
