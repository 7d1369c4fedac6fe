"""One credential's matches in order, block by block, and several credentials' merged.

The source with the fewest conversations is the driver: it is read in growing blocks, and each block is filtered by the
other conditions, one statement each. Nothing is left to the database's planner, both engines run the same statements,
and a walk can stop after any block.
"""

import heapq
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .sources import Interval, RowTest, Source, passing

FIRST_BLOCK, GROWTH, MAX_BLOCK = 64, 4, 8192
MAX_ROWS = 1024  # rows read at once where a condition tests the rows themselves

Step = tuple[int, bool]  # a sort key, and whether it matches; if not, the walk ran out of time there


class Clock:
    """How long a search may take."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def is_over(self) -> bool:
        """Whether it should stop at the next opportunity."""
        return time.monotonic() >= self._end


@dataclass(frozen=True)
class Plan:
    """What to walk over for one credential: the driver, in order, filtered by the other conditions."""

    credential_id: int
    intervals: tuple[Interval, ...]  # ascending, none touching another
    driver: Source
    required: tuple[Source, ...] = ()
    excluded: tuple[Source, ...] = ()
    tests: tuple[RowTest, ...] = ()

    def walk(self, within: Interval, *, ascending: bool, clock: Clock) -> Iterator[Step]:
        """The matches in order; if time runs out, the last step says where."""
        for interval in self.intervals if ascending else reversed(self.intervals):
            for step in self._walk_interval(interval.intersection(within), ascending, clock):
                yield step
                if not step[1]:
                    return

    def _walk_interval(self, rest: Interval, ascending: bool, clock: Clock) -> Iterator[Step]:
        count = FIRST_BLOCK
        while not rest.is_empty:
            block = self.driver.next(rest, count, ascending=ascending)
            if not block:
                return
            matches, disjoint = self._filter(block)
            yield from ((sort_key, True) for sort_key in matches)
            if len(block) < count:
                return
            rest = rest.after(block[-1], ascending=ascending)
            if disjoint is not None:
                # A required source without any of this block: nothing matches before its next conversation. Two rare
                # conditions that never meet are found out in a few such leaps.
                rest = _from_next(disjoint, rest, ascending)
            if clock.is_over:
                yield block[-1], False
                return
            # The first block answers most pages; growing ones spare statements when matches are rare.
            count = min(count * GROWTH, MAX_ROWS if self.tests else MAX_BLOCK)

    def among(self, sort_keys: Iterable[int]) -> set[int]:
        """Those of these conversations, all of the plan's credential, that match."""
        inside = [key for key in sort_keys if any(low <= key < high for low, high in self.intervals)]
        found: set[int] = set()
        for start in range(0, len(inside), MAX_BLOCK):
            block = inside[start : start + MAX_BLOCK]
            contained = self.driver.contained(block)
            found.update(self._filter([key for key in block if key in contained])[0])
        return found

    def _filter(self, block: list[int]) -> tuple[list[int], Source | None]:
        """The part of the block that matches, and the required source that contains none of it, if there is one."""
        for source in self.required:
            contained = source.contained(block)
            block = [sort_key for sort_key in block if sort_key in contained]
            if not block:
                return [], source
        for source in self.excluded:
            contained = source.contained(block)
            block = [sort_key for sort_key in block if sort_key not in contained]
            if not block:
                return [], None
        if self.tests and block:
            passed = passing(self.tests, block)
            block = [sort_key for sort_key in block if sort_key in passed]
        return block, None


def walk_all(plans: Sequence[Plan], within: Interval, *, ascending: bool, clock: Clock) -> Iterator[Step]:
    """The matches of all plans in order, up to where time ran out for the first of them."""
    walks = (plan.walk(within, ascending=ascending, clock=clock) for plan in plans)
    for step in heapq.merge(*walks, key=lambda step: step[0], reverse=not ascending):
        yield step
        if not step[1]:
            return


def _from_next(source: Source, rest: Interval, ascending: bool) -> Interval:
    """What is left from the source's next conversation on; nothing if there is none."""
    following = source.next(rest, 1, ascending=ascending)
    return rest.starting_at(following[0], ascending=ascending) if following else Interval(0, 0)
