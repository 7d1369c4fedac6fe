"""One credential's matches in order, block by block, and several credentials' merged.

The condition that fewest conversations meet leads: its conversations are read in growing blocks, and each block is
put to the other conditions, one statement each. Where one of them holds nothing of a block, the walk goes on at its
next conversation. No plan is left to the database, both engines run the same statements, and a walk can stop between
any two blocks.
"""

import heapq
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .sources import RowTest, Source, Span, passing

FIRST_BLOCK, GROWTH, LARGEST_BLOCK = 64, 4, 8192
LARGEST_READ = 1024  # rows read at once where a condition asks the rows themselves

Step = tuple[int, bool]  # an ord, and whether it matches; if not, the walk ran out of time there


class Clock:
    """How long a search may work."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def is_over(self) -> bool:
        """Whether it should stop at the next opportunity."""
        return time.monotonic() >= self._end


@dataclass(frozen=True)
class Plan:
    """What to walk over for one credential: `lead` in order, asking the others."""

    credential_id: int
    spans: tuple[Span, ...]  # in ascending order, none touching another
    lead: Source
    wanted: tuple[Source, ...] = ()
    unwanted: tuple[Source, ...] = ()
    tests: tuple[RowTest, ...] = ()

    def walk(self, within: Span, *, ascending: bool, clock: Clock) -> Iterator[Step]:
        """The matches in order; the last step tells where time ran out, if it did."""
        for span in self.spans if ascending else reversed(self.spans):
            for step in self._walk_span(span.and_(within), ascending, clock):
                yield step
                if not step[1]:
                    return

    def _walk_span(self, rest: Span, ascending: bool, clock: Clock) -> Iterator[Step]:
        count = FIRST_BLOCK
        while not rest.is_empty:
            block = self.lead.take(rest, count, ascending=ascending)
            if not block:
                return
            matches, blocker = self._sift(block)
            yield from ((ord_, True) for ord_ in matches)
            if len(block) < count:
                return
            rest = rest.beyond(block[-1], ascending=ascending)
            if blocker is not None:
                rest = _from_next(blocker, rest, ascending)
            if clock.is_over:
                yield block[-1], False
                return
            count = min(count * GROWTH, LARGEST_READ if self.tests else LARGEST_BLOCK)

    def _sift(self, block: list[int]) -> tuple[list[int], Source | None]:
        """Those of a block that match, and the wanted source that holds nothing of it, if any."""
        for source in self.wanted:
            held = source.held(block)
            block = [ord_ for ord_ in block if ord_ in held]
            if not block:
                return [], source
        for source in self.unwanted:
            held = source.held(block)
            block = [ord_ for ord_ in block if ord_ not in held]
            if not block:
                return [], None
        if self.tests and block:
            passed = passing(self.tests, block)
            block = [ord_ for ord_ in block if ord_ in passed]
        return block, None


def walk_all(plans: Sequence[Plan], within: Span, *, ascending: bool, clock: Clock) -> Iterator[Step]:
    """The matches of all plans in order, up to where time ran out for the first of them."""
    walks = (plan.walk(within, ascending=ascending, clock=clock) for plan in plans)
    for step in heapq.merge(*walks, key=lambda step: step[0], reverse=not ascending):
        yield step
        if not step[1]:
            return


def _from_next(source: Source, rest: Span, ascending: bool) -> Span:
    """What is left from the source's next conversation on; nothing, where there is none."""
    following = source.take(rest, 1, ascending=ascending)
    return rest.from_(following[0], ascending=ascending) if following else Span(0, 0)
