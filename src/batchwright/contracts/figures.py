"""What events add to the account of a run, and its figures for reporters, which are counted likewise.

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
    TextsQueued,
    VectorsSwept,
)
from batchwright.documents.left_out import by_reason, name_of

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
        for count, amount in counts_of(event):
            figure = _figure_of(count)
            if amount and figure in self.values:  # a state of a later version is none of ours
                self.values[figure] += amount
                changed[figure] = self.values[figure]
        return changed

    def _set(self, values: dict[Figure, int]) -> dict[Figure, int]:
        changed = {figure: value for figure, value in values.items() if value != self.values[figure]}
        self.values = values
        return changed


def counts_of(event: Event) -> Iterator[tuple[Figure, int]]:
    """Yield what an event adds to the account of its run: which count, and how much.

    A count is named by the attribute of `Account`, and by its kind where there are several:
    ``("records", "written")``, ``("left_out", reason)``, ``("batches", "")``.
    """
    match event:
        case DocumentsRead():
            yield ("documents_seen", ""), event.documents
            yield ("records_seen", ""), event.records
            yield ("bytes_read", ""), event.size
            yield from _each("left_out", event.left_out)
        case InputCounted():
            yield from _each("left_out", event.left_out)
        case DocumentsFinished():
            yield ("documents", event.state), event.documents
            yield ("unfetched", ""), event.unfetched
            if event.state == "unchanged":
                yield ("records", "unchanged"), event.records - event.rejected
                yield ("records", "rejected"), event.rejected  # still: they were not replayed
            elif event.state == "refused":
                yield ("records", "rejected"), event.rejected  # no RecordRejected was emitted for these
            elif event.state == "not_attempted":
                yield ("records", "not_attempted"), event.records
        case DocumentsRemoved():
            yield ("removed", ""), event.documents
        case BatchWritten():
            yield ("records", "written"), event.records
            yield from _each("vectors", event.vectors or {})
        case BatchFailed():
            yield ("records", "failed"), event.records
        case BatchFinished(state="stored"):
            yield ("batches", ""), 1
        case BatchFinished(state="failed"):
            yield ("batches_failed", ""), 1
        case BatchRetrying() if event.batch_index is not None:
            yield ("retries", ""), 1
        case RecordRejected() if event.position is not None and not event.is_stored:
            yield ("records", "rejected"), 1
        case TextsQueued():
            yield ("vectors", "too_long"), event.too_long
        case TextsEmbedded():
            yield from _each("vectors", {"texts": event.texts, "tokens": event.tokens, "requests": 1})
        case RowsEmbedded():
            yield from _each("vectors", event.vectors)
            yield ("vectors", "filled"), sum(event.vectors.values())
        case VectorsSwept():
            yield ("vectors", "swept"), event.vectors
        case _:
            pass


def _each(name: str, counts: Mapping[str, int]) -> Iterator[tuple[Figure, int]]:
    for kind, count in counts.items():
        yield (name, kind), count


_OTHERWISE: Mapping[Figure, Figure] = MappingProxyType(
    {
        ("batches", ""): ("batches", "stored"),
        ("batches_failed", ""): ("batches", "failed"),
        ("vectors", "texts"): ("texts_sent", ""),
        ("vectors", "tokens"): ("tokens_sent", ""),
    }
)
"""The counts of an account that are figures of another name."""


def _figure_of(count: Figure) -> Figure:
    """Return the figure that shows a count of the account; a name of none where no figure does."""
    name, kind = count
    return (name, name_of(kind)) if name == "left_out" else _OTHERWISE.get(count, count)
