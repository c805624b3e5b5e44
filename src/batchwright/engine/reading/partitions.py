"""Cutting the input of a run into partitions, each a range of names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field

from batchwright.contracts.partition import Partition
from batchwright.engine.reading.changes import closed_folder
from batchwright.engine.reading.pairs import Pair
from batchwright.items import Item
from batchwright.values import dataclass

SMALLEST = 256 * 1024
LARGEST = 8 * 1024 * 1024
"""Bytes of a partition. One costs a task and some connections, tens of milliseconds; what a worker that
dies has begun is done again."""

DOCUMENTS = 1_000
"""Documents of a partition, found or published, at most."""

SHARES = 4
"""Partitions for each place that may load one at the same time, so that all end at about the same time."""


def partition_size(size: int, at_once: int) -> int:
    """Return the bytes of a partition of an input of `size` bytes."""
    return min(max(size // (at_once * SHARES), SMALLEST), LARGEST)


@dataclass(slots=True)
class _Range:
    """A partition that is being filled."""

    after: str
    closed: list[str]
    found: list[Item] = field(default_factory=list)
    before: dict[str, str] = field(default_factory=dict)
    size: int = 0
    until: str = ""

    def add(self, pair: Pair) -> None:
        if pair.found is not None:
            self.found.append(pair.found)
            self.size += pair.found.size
            # the folder "a", which can't be listed, comes where "a/" would: behind "a.md"
            self.until = max(self.until, pair.found.key)
        if pair.known is not None:
            version = pair.known.version
            self.until = max(self.until, version.key)
            self.before[version.key] = version.document_id

    def partition(self, number: int, *, last: bool, complete: bool) -> Partition:
        return Partition(
            number,
            len(self.found),
            self.size,
            tuple(self.found),
            self.after,
            None if last else self.until,
            self.before,
            tuple(self.closed),
            complete,
        )


def cut(pairs: Iterable[Pair], size: int, *, complete: bool = True) -> Iterator[Partition]:
    """Cut the pairs, which are sorted by key, into partitions of about `size` bytes.

    Together their ranges hold every name there is.
    """
    current = _Range("", [])
    number = 0
    closed: list[str] = []
    for pair in pairs:
        if current.size >= size or len(current.found) + len(current.before) >= DOCUMENTS:
            yield current.partition(number, last=False, complete=complete)
            number += 1
            closed = [folder for folder in closed if _reaches(folder, current.until)]
            current = _Range(current.until, list(closed))
        current.add(pair)
        if pair.found is not None:
            closed += closed_folder(pair.found)
    yield current.partition(number, last=True, complete=complete)


def _reaches(folder: str, name: str) -> bool:
    """Tell whether names behind `name` may be in the folder, which ends with a slash, or is the root."""
    return not folder or name < folder[:-1] + chr(ord("/") + 1)
