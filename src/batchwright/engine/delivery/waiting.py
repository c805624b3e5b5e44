"""What waits for the next write, to commit with it."""

from __future__ import annotations

from dataclasses import field

from batchwright.contracts.receipts import Reject
from batchwright.engine.delivery.parts import Segment
from batchwright.values import dataclass


@dataclass(slots=True)
class Waiting:
    """Documents that are complete, or have a record that was set aside, and rejects.

    Attributes:
        segments: Those of the documents; they hold no records.
        rejects: Each with the index of its batch.
    """

    segments: list[Segment] = field(default_factory=list)
    rejects: list[tuple[Reject, int | None]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.segments or self.rejects)

    @property
    def records(self) -> int:
        """How many records are among the rejects; others are of whole documents."""
        return sum(1 for reject, _ in self.rejects if reject.position is not None)

    def add(self, other: Waiting) -> None:
        """Add what another holds."""
        self.segments += other.segments
        self.rejects += other.rejects

    def by_document(self) -> list[Waiting]:
        """Return the same, parted by document."""
        parts: dict[str, Waiting] = {}
        for segment in self.segments:
            parts.setdefault(segment.work.version.key, Waiting()).segments.append(segment)
        for reject in self.rejects:
            parts.setdefault(reject[0].key, Waiting()).rejects.append(reject)
        return [*parts.values()]
