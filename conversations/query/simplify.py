"""Simplifying the clauses of a query: fewer that ask the same, or none where they contradict each other. Pure."""

from .clauses import STATES, ChoiceClause, Clause, FieldClause, HasClause, MetadataClause, Value, exact

Subject = tuple[str, str]


def simplify(clauses: tuple[Clause, ...]) -> tuple[Clause, ...] | None:
    """The clauses without those that follow from others; None if they contradict each other."""
    present = set(clauses)
    if any(clause.opposite() in present for clause in clauses):
        return None
    choices = [clause for clause in clauses if isinstance(clause, ChoiceClause)]
    excluded = _excluded_values(choices)
    required = {clause.subject: _without_values(clause, excluded) for clause in choices if not clause.negated}
    if _is_impossible(present, required, excluded):
        return None
    kept = (_needed(clause, present, required) for clause in clauses)
    return tuple(clause for clause in kept if clause is not None)


def _excluded_values(choices: list[ChoiceClause]) -> dict[Subject, set[Value]]:
    excluded: dict[Subject, set[Value]] = {}
    for clause in choices:
        if clause.negated:
            excluded.setdefault(clause.subject, set()).update(clause.values)
    return excluded


def _without_values(clause: ChoiceClause, excluded: dict[Subject, set[Value]]) -> ChoiceClause:
    gone = excluded.get(clause.subject, set())
    return clause.with_values(tuple(value for value in clause.values if value not in gone))


def _is_impossible(
    present: set[Clause], required: dict[Subject, ChoiceClause], excluded: dict[Subject, set[Value]]
) -> bool:
    absent = (HasClause(clause.key, negated=True) for clause in required.values() if isinstance(clause, MetadataClause))
    states = excluded.get(FieldClause("state", ()).subject, set())
    return (
        not all(clause.values for clause in required.values())
        or any(clause in present for clause in absent)
        or states.issuperset(exact(*STATES))
    )


def _needed(clause: Clause, present: set[Clause], required: dict[Subject, ChoiceClause]) -> Clause | None:
    """What is left of a clause beside the others, None if nothing."""
    if isinstance(clause, HasClause):
        # k:a implies has:k.
        return None if not clause.negated and MetadataClause(clause.key, ()).subject in required else clause
    if not isinstance(clause, ChoiceClause):
        return clause
    positive = required.get(clause.subject)
    if not clause.negated:
        return positive
    if isinstance(clause, MetadataClause) and HasClause(clause.key, negated=True) in present:
        return None  # -has:k implies -k:a
    if positive is None or not clause.is_exclusive or not _all_exact(positive):
        return clause
    # k:a implies -k:b, since the excluded values are no longer among the required ones. Prefixes and parts of values
    # may still exclude what is required.
    left = tuple(value for value in clause.values if value.kind != "exact")
    return clause.with_values(left) if left else None


def _all_exact(clause: ChoiceClause) -> bool:
    return all(value.kind == "exact" for value in clause.values)
