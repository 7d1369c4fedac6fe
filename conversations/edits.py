"""Edits of metadata that apply to any map: set, remove or rename a key, replace one value by another. Pure.

An edit is a list of steps, which are applied one after the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .metadata import MAX_PAIRS, Change, ChangeKind, as_text, difference, problem_with_key, problem_with_value

SET, REMOVE, RENAME, REPLACE = "set", "remove", "rename", "replace"
VERBS = {
    SET: "Set a key",
    REMOVE: "Remove a key",
    RENAME: "Rename a key",
    REPLACE: "Replace a value",
}


class Impossible(Exception):
    """The edit can't be applied to this map; the text says why."""


@dataclass(frozen=True)
class Step:
    """One step. value: the value to set, or to look for; to: the new name, or the new value."""

    verb: str
    key: str
    value: str = ""
    to: str = ""

    def apply(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """The map after this step. Raises Impossible where a key would get a name that is taken."""
        if self.verb == SET:
            return {**metadata, self.key: self.value}
        if self.key not in metadata:
            return dict(metadata)
        if self.verb == REMOVE:
            return {key: value for key, value in metadata.items() if key != self.key}
        if self.verb == RENAME:
            return self._rename(metadata)
        is_it = as_text(metadata[self.key]) == self.value
        return {**metadata, self.key: self.to} if is_it else dict(metadata)

    def _rename(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        if self.to == self.key:
            return dict(metadata)
        if self.to in metadata:
            raise Impossible(f"It already has a key “{self.to}”.")
        return {self.to if key == self.key else key: value for key, value in metadata.items()}

    def problems(self) -> list[str]:
        """What is wrong with the step as it was typed."""
        found = [problem_with_key(self.key)]
        if self.verb == RENAME:
            found.append(problem_with_key(self.to))
        elif self.verb == SET:
            found.append(problem_with_value(self.value))
        elif self.verb == REPLACE:
            found.append(problem_with_value(self.to))
        return [problem for problem in found if problem]

    def __str__(self) -> str:
        texts = {
            SET: f"set {self.key} to “{self.value}”",
            REMOVE: f"remove {self.key}",
            RENAME: f"rename {self.key} to {self.to}",
            REPLACE: f"replace “{self.value}” by “{self.to}” in {self.key}",
        }
        return texts[self.verb]


@dataclass(frozen=True)
class Edit:
    """Steps, in order."""

    steps: tuple[Step, ...]

    @classmethod
    def from_json(cls, steps: Sequence[Mapping[str, str]]) -> "Edit":
        """From what `as_json()` returned."""
        return cls(tuple(Step(**step) for step in steps))

    def as_json(self) -> list[dict[str, str]]:
        """For storing."""
        return [{"verb": step.verb, "key": step.key, "value": step.value, "to": step.to} for step in self.steps]

    def apply(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """The map after all steps. Raises Impossible where that can't be, or would break a limit of the API."""
        result = dict(metadata)
        for step in self.steps:
            result = step.apply(result)
        refuse_over_limit(metadata, result)
        return result

    def __str__(self) -> str:
        return ", ".join(map(str, self.steps))


def refuse_over_limit(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Raise Impossible where a change would break one of OpenAI's limits. What stays as it was is accepted: servers
    that exceed the limits may keep it."""
    if len(after) > max(MAX_PAIRS, len(before)):
        raise Impossible(f"It would have {len(after)} pairs. OpenAI keeps only {MAX_PAIRS}.")
    for key, value in after.items():
        if key in before and before[key] == value:
            continue
        is_renamed = key not in before and any(value is old for old in before.values())
        problem = problem_with_key(key) or (None if is_renamed else problem_with_value(as_text(value)))
        if problem:
            raise Impossible(f"{key[:80]}: {problem}")


def restored(
    current: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Change]]:
    """`current` with a change from `before` to `after` undone; and the keys that have changed since that change, which
    would be overwritten."""
    changes = difference(before, after)
    moved = [
        Change(change.key, change.after, _text(current, change.key), ChangeKind.CHANGED)
        for change in changes
        if current.get(change.key) != after.get(change.key) or (change.key in current) != (change.key in after)
    ]
    wanted = dict(current)
    for change in changes:
        if change.key in before:
            wanted[change.key] = before[change.key]
        else:
            wanted.pop(change.key, None)
    order = [*(key for key in before if key in wanted), *(key for key in wanted if key not in before)]
    return {key: wanted[key] for key in order}, moved


def _text(metadata: Mapping[str, Any], key: str) -> str | None:
    return as_text(metadata[key]) if key in metadata else None
