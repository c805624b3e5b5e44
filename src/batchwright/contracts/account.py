"""The account of a run: what became of every record and every document, in figures that must add up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, field
from typing import Any, Literal, get_args

from batchwright.errors import BatchwrightError
from batchwright.values import dataclass

DocumentState = Literal["added", "changed", "unchanged", "refused", "deleted", "failed", "not_attempted"]
"""What became of a document; the fields of `DocumentCounts`."""

NONE_STORABLE = "none of its records can be stored; a version stored before stays"
"""Why a document is refused."""

DOCUMENT_STATES: tuple[DocumentState, ...] = get_args(DocumentState)


@dataclass(frozen=True, slots=True)
class RecordCounts:
    """What became of the records; each is counted once.

    Attributes:
        written: Stored by this run.
        unchanged: Left alone, since their document is stored as it is.
        rejected: Set aside, each with its reason.
        failed: In a batch that could not be stored.
        not_attempted: Read, but the run ended before their turn.
    """

    written: int = 0
    unchanged: int = 0
    rejected: int = 0
    failed: int = 0
    not_attempted: int = 0

    @property
    def total(self) -> int:
        """All records."""
        return self.written + self.unchanged + self.rejected + self.failed + self.not_attempted


@dataclass(frozen=True, slots=True)
class DocumentCounts:
    """What became of the documents; each is counted once.

    Attributes:
        added: Published for the first time.
        changed: Published in place of an older version.
        unchanged: Published before with the same content and settings.
        refused: Not published, since none of its records can be stored; an older version stays published.
        deleted: Published before, and gone from the input since; removed from the target only when pruning.
        failed: Unreadable, or with a batch that could not be stored; an older version stays published.
        not_attempted: Found, but the run ended before they were published.
    """

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    deleted: int = 0
    failed: int = 0
    not_attempted: int = 0

    @property
    def total(self) -> int:
        """All documents, found or gone."""
        return sum(getattr(self, state) for state in DOCUMENT_STATES)


@dataclass(frozen=True, slots=True)
class VectorAccount:
    """How rows came by their vectors: those that a run wrote, and those that were published without.

    Attributes:
        made: Of a text that this run had embedded.
        reused: Of a text that was embedded before, or is another row's as well.
        refused: Without a vector, since the model refuses the text.
        outage: Without a vector, since the model was down; a later run makes it.
        no_text: Without a text.
        filled: How many of all these were published before.
        texts: Texts sent.
        tokens: Their tokens, about.
        requests: Requests that were answered.
        too_long: Texts of more tokens than the model takes.
        swept: Vectors removed, since no row had used them for long.
    """

    made: int = 0
    reused: int = 0
    refused: int = 0
    outage: int = 0
    no_text: int = 0
    filled: int = 0
    texts: int = 0
    tokens: int = 0
    requests: int = 0
    too_long: int = 0
    swept: int = 0

    @property
    def missing(self) -> int:
        """Rows with a text and without a vector."""
        return self.refused + self.outage

    @property
    def rows(self) -> int:
        """All rows."""
        return self.made + self.reused + self.missing + self.no_text


@dataclass(frozen=True, slots=True)
class Account:
    """What a run did, to the last record.

    Attributes:
        records: What became of the records.
        documents: What became of the documents.
        records_seen: Records counted on their way in: made by the chunker, or known to be unchanged.
        documents_seen: Documents counted on their way in: found in the input, or gone from it.
        unfetched: How many of the unchanged documents were not fetched, since what their source says of them
            is as it was: an ETag, or size and modification time where these are trusted.
        removed: Documents removed from the target, since they were deleted from the input.
        batches: Batches stored.
        batches_failed: Batches that could not be stored.
        retries: Writes repeated after a transient error.
        bytes_read: Bytes of the documents read, and of those that were not fetched.
        seconds: Wall-clock time of the run.
        left_out: What was left out, by reason (`batchwright.documents.left_out`): files with no reader by
            their ending, links, hidden and excluded names; and of the documents that were read and not just
            found unchanged, fields of front matter, embedded data and characters.
        vectors: How rows came by their vectors; None where nothing is embedded.
    """

    records: RecordCounts = field(default_factory=RecordCounts)
    documents: DocumentCounts = field(default_factory=DocumentCounts)
    records_seen: int = 0
    documents_seen: int = 0
    unfetched: int = 0
    removed: int = 0
    batches: int = 0
    batches_failed: int = 0
    retries: int = 0
    bytes_read: int = 0
    seconds: float = 0.0
    left_out: Mapping[str, int] = field(default_factory=dict)
    vectors: VectorAccount | None = None

    def check(self) -> None:
        """Check that every record and document that came in went somewhere, and only once.

        Raises:
            BatchwrightError: The sums differ: a defect in batchwright or in a plugin.
        """
        sums = [
            ("records", self.records_seen, self.records.total),
            ("documents", self.documents_seen, self.documents.total),
        ]
        if self.vectors is not None:
            written = self.records.written + self.vectors.filled
            sums.append(("rows to be given vectors", written, self.vectors.rows))
        for noun, seen, counted in sums:
            if seen != counted:
                raise BatchwrightError(
                    f"the account does not add up: {seen} {noun} came in, {counted} are accounted for "
                    f"({self}). This is a defect: please report it with the log of the run."
                )

    def as_dict(self) -> dict[str, Any]:
        """Return the account as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Account:
        """Return the account that `as_dict` gave."""
        vectors = values.get("vectors")
        rest = {
            name: value for name, value in values.items() if name not in ("records", "documents", "vectors")
        }
        return cls(
            records=RecordCounts(**values["records"]),
            documents=DocumentCounts(**values["documents"]),
            vectors=None if vectors is None else VectorAccount(**vectors),
            **rest,
        )
