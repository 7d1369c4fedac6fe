"""A call with its output, a reasoning or any other work of a tool, in one line. Pure."""

from dataclasses import dataclass

from .blocks import Block
from .kinds import QUIET_STATUSES
from .turns import Turn

CALL_LENGTH, RESULT_LENGTH = 90, 140  # characters of what was asked for, and of what came out
_READ_LENGTH = 1_000  # characters that are looked at to make them
_RESULTS = ("Output", "Errors", "Error", "Logs")  # captions of blocks that tell what came out, of items without outputs


@dataclass(frozen=True)
class Line:
    """What is visible of a folded turn. status: the first that is neither empty nor "completed"."""

    label: str
    name: str
    call: str
    result: str
    status: str


def line_of(turn: Turn) -> Line | None:
    """The line of a turn; None for what stays open: messages, unknown types, and whatever has a picture or sound."""
    item = turn.item
    if item.kind != "tool" or item.type == "message" or not item.is_known:
        return None
    if any(block.data for each in turn.items for block in each.blocks if block.kind != "note"):
        return None
    told = [block for block in item.blocks if block.kind != "rest"]
    asked = [block for block in told if block.caption not in _RESULTS]
    results = [block for output in turn.outputs for block in output.blocks if block.kind != "rest"] or [
        block for block in told if block.caption in _RESULTS
    ]
    return Line(
        label=item.label,
        name=item.name,
        call=_reasoned(asked) if item.type == "reasoning" else _one_line(asked[:1], CALL_LENGTH),
        result=_one_line(sorted(results, key=lambda block: block.kind != "note"), RESULT_LENGTH),
        status=next((each.status for each in turn.items if each.status not in QUIET_STATUSES), ""),
    )


def _reasoned(blocks: list[Block]) -> str:
    """The length of a reasoning and its first words; what it says instead if it has none."""
    texts = [block for block in blocks if block.kind == "text"]
    length = sum(len(block.text) for block in texts)
    return (
        f"{length:,} characters: {_one_line(texts[:1], CALL_LENGTH)}" if length else _one_line(blocks[:1], CALL_LENGTH)
    )


def _one_line(blocks: list[Block], length: int) -> str:
    words = " · ".join(" ".join(block.text[:_READ_LENGTH].split()) for block in blocks)
    return words if len(words) <= length else f"{words[:length]}…"
