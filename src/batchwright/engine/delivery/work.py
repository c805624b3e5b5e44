"""Documents on their way through a writer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from batchwright.contracts.receipts import DocumentVersion, Reject
from batchwright.contracts.rows import Placed
from batchwright.values import dataclass

if TYPE_CHECKING:
    from batchwright.engine.embedding.units import Unit


@dataclass(slots=True, eq=False)
class Work:
    """A document version to be stored; one writer has it from its first record to its publication.

    Attributes:
        version: What is stored.
        records: Its records, or those of them that are to be stored.
        state: What publishing it makes of the document.
        is_patch: Whether a program stores these records, perhaps not all of the version.
        is_published: Whether the version is published already, and these are records that it lacks.
        was_refused: Whether the version is refused, and these are records of it that may be storable now.
        resumed: Whether an earlier run began it, so that records of it may be stored, or set aside, already.
        attempts: Writes that its records were in before.
        run_id: The run whose rejects its records are when they are set aside; None for the one that has it.
        begun: Whether this run has stored rows of it.
        stored: Records committed so far.
        rejected: Records of the version set aside so far.
        failed: Whether a part of it could not be stored; it won't be published by this run.
        settled: Records that are accounted for.
        vectors: The vectors of `records`; None where nothing is embedded.
    """

    version: DocumentVersion
    records: Sequence[Placed]
    state: Literal["added", "changed"] = "added"
    is_patch: bool = False
    is_published: bool = False
    was_refused: bool = False
    resumed: bool = False
    attempts: int = 0
    run_id: str | None = None
    begun: bool = False
    stored: int = 0
    rejected: int = 0
    failed: bool = False
    settled: int = 0
    vectors: Unit | None = None

    @property
    def is_refused(self) -> bool:
        """Whether all records of the version are set aside, so that it isn't published."""
        return 0 < self.rejected == self.version.records and not (self.is_patch or self.is_published)

    @property
    def unsettled(self) -> int:
        """Records that are not accounted for; of lines that are no rows there are no records."""
        return (len(self.records) or (self.version.records if self.is_refused else 0)) - self.settled


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What could not be read, to be kept with the rejects.

    Attributes:
        rejects: One for a document, or for each line that is no row.
        work: The version that the lines are, which is refused; None for a document.
    """

    rejects: Sequence[Reject]
    work: Work | None = None

    @property
    def records(self) -> int:
        """How many records that are; a document that can't be read has none."""
        return sum(reject.position is not None for reject in self.rejects)
