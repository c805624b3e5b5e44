"""The figures of a run, for reporters: counted from its events, and at its end those of its account.

Only the account at the end of a run is exact. During the run there are only events, and an executor's may
miss or repeat those of a killed worker. So show what is counted so far as a value that can be corrected (a
gauge). Let what can only grow (a counter) grow by the account when the run is finished.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from types import MappingProxyType

from batchwright.contracts.account import Account, DocumentCounts, RecordCounts, VectorAccount
from batchwright.contracts.events import (
    BatchFailed,
    BatchFinished,
    BatchRetrying,
    BatchWritten,
    DocumentsFinished,
    DocumentsRead,
    DocumentsRemoved,
    Event,
    InputCounted,
    RecordRejected,
    RowsEmbedded,
    RunFinished,
    RunStarted,
    TextsEmbedded,
)
from batchwright.documents.left_out import by_reason

__all__ = ["FIGURES", "Figure", "Figures", "figures_of"]

Figure = tuple[str, str]
"""A figure and its kind, as ``("records", "written")``; the kind is empty where there are no kinds."""

FIGURES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "records": tuple(field.name for field in fields(RecordCounts)),
        "documents": tuple(field.name for field in fields(DocumentCounts)),
        "batches": ("stored", "failed"),
        "retries": ("",),
        "removed": ("",),
        "unfetched": ("",),
        "bytes_read": ("",),
        "left_out": tuple(by_reason({})),
        "vectors": ("made", "reused", "refused", "outage", "no_text"),
        "texts_sent": ("",),
        "tokens_sent": ("",),
    }
)
"""The figures, each with its kinds."""


def figures_of(account: Account) -> dict[Figure, int]:
    """Return all figures of an account, those that are 0 too."""
    values = account.as_dict()
    values["batches"] = {"stored": account.batches, "failed": account.batches_failed}
    values["left_out"] = by_reason(account.left_out)
    vectors = account.vectors or VectorAccount()
    values["vectors"] = asdict(vectors)
    values["texts_sent"], values["tokens_sent"] = vectors.texts, vectors.tokens
    return {
        (name, kind): values[name][kind] if kind else values[name]
        for name, kinds in FIGURES.items()
        for kind in kinds
    }


class Figures:
    """Counts one run after the other.

    Attributes:
        values: All figures of the run as they stand: an estimate until it is finished, then its account's.
    """

    def __init__(self) -> None:
        self.values: dict[Figure, int] = figures_of(Account())

    def __getitem__(self, figure: Figure) -> int:
        return self.values[figure]

    def add(self, event: Event) -> dict[Figure, int]:
        """Count an event; return the figures that changed, with their new values.

        They begin at 0 with RunStarted. With RunFinished they are corrected to those of the account.
        """
        if isinstance(event, RunStarted):
            return self._set(figures_of(Account()))
        if isinstance(event, RunFinished):
            return self._set(figures_of(event.account))
        changed: dict[Figure, int] = {}
        for figure, amount in _amounts(event):
            if amount and figure in self.values:  # a state of a later version is none of ours
                self.values[figure] += amount
                changed[figure] = self.values[figure]
        return changed

    def _set(self, values: dict[Figure, int]) -> dict[Figure, int]:
        changed = {figure: value for figure, value in values.items() if value != self.values[figure]}
        self.values = values
        return changed


def _left_out(counts: Mapping[str, int]) -> Iterator[tuple[Figure, int]]:
    for reason, count in by_reason(counts).items():
        yield ("left_out", reason), count


def _vectors(counts: Mapping[str, int]) -> Iterator[tuple[Figure, int]]:
    for name, count in counts.items():
        yield ("vectors", name), count


def _amounts(event: Event) -> Iterator[tuple[Figure, int]]:
    """Yield which figures an event adds to, and how much to each."""
    match event:
        case DocumentsRead():
            yield ("bytes_read", ""), event.size
            yield from _left_out(event.left_out)
        case InputCounted():
            yield from _left_out(event.left_out)
        case DocumentsFinished():
            yield ("documents", event.state), event.documents
            yield ("unfetched", ""), event.unfetched
            if event.state == "unchanged":
                yield ("records", "unchanged"), event.records - event.rejected
                yield ("records", "rejected"), event.rejected
            elif event.state == "refused":
                yield ("records", "rejected"), event.rejected
            elif event.state == "not_attempted":
                yield ("records", "not_attempted"), event.records
        case DocumentsRemoved():
            yield ("removed", ""), event.documents
        case BatchWritten():
            yield ("records", "written"), event.records
            yield from _vectors(event.vectors or {})
        case RowsEmbedded():
            yield from _vectors(event.vectors)
        case TextsEmbedded():
            yield ("texts_sent", ""), event.texts
            yield ("tokens_sent", ""), event.tokens
        case BatchFailed():
            yield ("records", "failed"), event.records
        case BatchFinished():
            yield ("batches", event.state), 1
        case BatchRetrying() if event.batch_index is not None:
            yield ("retries", ""), 1
        case RecordRejected() if event.position is not None and not event.is_stored:
            yield ("records", "rejected"), 1
        case _:
            pass
