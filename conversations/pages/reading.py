"""How the texts of one page of a transcript are shown: rendered or as they are, and where in them a text was found."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..items import DisplayedItem, Turn, finding, rendering
from .transcript_state import OPEN, TranscriptState

MAX_RENDERED = 500_000  # characters of one page, in what they cost; the texts after them are shown as they are
_PROSE = ("message", "reasoning")  # types of items whose texts models write as Markdown


@dataclass(frozen=True)
class Hit:
    """An item that contains the text: how often, and the ids of those before and after it on the page, "" for none."""

    count: int
    previous: str
    following: str


@dataclass
class Reading:
    """What the page of a transcript, or of an item, does with texts.

    hits: the items that contain what is looked for, by id; count: how often it was found; found_count: in how many of
    the item_count items.
    """

    state: TranscriptState
    hits: dict[str, Hit] = field(default_factory=dict)
    count: int = 0
    found_count: int = 0
    item_count: int = 0
    _left: int = MAX_RENDERED

    @classmethod
    def of_turns(cls, state: TranscriptState, turns: Sequence[Turn]) -> "Reading":
        """How these turns are read, with what the state looks for."""
        items = [item for turn in turns for item in turn.items]
        counts = [(item.id, finding.matches(item, state.find)) for item in items] if state.find else []
        found = {item_id: count for item_id, count in counts if count and item_id}
        ids = ["", *found, ""]
        return cls(
            state,
            hits={item_id: Hit(count, ids[at], ids[at + 2]) for at, (item_id, count) in enumerate(found.items())},
            count=sum(count for _, count in counts),
            found_count=sum(count > 0 for _, count in counts),
            item_count=len(items),
        )

    @property
    def first(self) -> str:
        """The id of the first item that contains the text, "" if there is none."""
        return next(iter(self.hits), "")

    def is_rendered(self, item: DisplayedItem, kind: str) -> bool:
        """Whether blocks of this kind, of this item, are Markdown to be rendered."""
        return self.state.is_rendered and kind == "text" and item.type in _PROSE

    def rendered(self, text: str) -> str:
        """A text as sanitised HTML; "" if it, or all of the page before it, is too long."""
        cost = rendering.cost(text)
        if cost > self._left or len(text) > rendering.MAX_LENGTH:
            return ""
        html = rendering.render(text)
        # What grows too much was work all the same: one such text ends it for the page.
        self._left -= max(cost, len(html)) if html is not None else self._left
        return html or ""

    def is_open(self, turn: Turn, broken: frozenset[str]) -> bool:
        """Whether a turn that could be folded is open: all are, or it's what was looked for, or it has no output."""
        if self.state.folds == OPEN:
            return True
        return any(item.id in self.hits or item.id in broken or item.id == self.state.at for item in turn.items)
