"""Counting a run from its events, so that at its end every figure is the account's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from batchwright import Account
from batchwright.events import (
    BatchFailed,
    BatchRetrying,
    BatchWritten,
    DocumentFinished,
    Event,
    RecordRejected,
    RunFinished,
    RunStarted,
)

FIGURES: dict[str, tuple[str, ...]] = {
    "records": ("written", "unchanged", "rejected", "failed", "not_attempted"),
    "documents": ("added", "changed", "unchanged", "deleted", "failed", "not_attempted"),
    "batches": ("stored", "failed"),
    "retries": ("",),
    "pruned": ("",),
    "cleaned": ("",),
    "bytes_read": ("",),
}
"""The figures, each with its kinds."""


@dataclass(frozen=True, slots=True)
class Increment:
    """A figure grows.

    Attributes:
        figure: Which, of FIGURES.
        kind: What of it: a state of records, say; an SQLSTATE for retries; empty where there are no kinds.
        amount: By how much; more than 0.
    """

    figure: str
    kind: str
    amount: int


class Figures:
    """Counts what is certain at once, and the rest when the account is there.

    While a run goes on nothing is ever counted too high, since counters can't be taken back: records of
    unchanged documents, of which some may be rejects of an earlier run, are counted at its end, and a
    batch once its writer has gone on to the next.
    """

    def __init__(self) -> None:
        self._counted: Counter[tuple[str, str]] = Counter()
        self._open: dict[int, int] = {}  # writer: the batch that it last wrote (a part of)

    def add(self, event: Event) -> list[Increment]:
        """Take an event in, and return which figures grow."""
        grown = [increment for increment in self._grown(event) if increment.amount > 0]
        for increment in grown:
            self._counted[increment.figure, increment.kind] += increment.amount
        return grown

    def _grown(self, event: Event) -> Iterator[Increment]:
        match event:
            case RunStarted():
                self._counted.clear()
                self._open.clear()
            case DocumentFinished():
                yield Increment("documents", event.change, 1)
                if event.change != "deleted":
                    yield Increment("bytes_read", "", event.size)
            case BatchWritten():
                yield Increment("records", "written", event.records)
                if self._open.get(event.writer, event.batch_index) != event.batch_index:
                    yield Increment("batches", "stored", 1)
                self._open[event.writer] = event.batch_index
            case BatchFailed():
                self._open = {w: index for w, index in self._open.items() if index != event.batch_index}
                if event.records:  # else perhaps none of the batches, only rejects that found no batch
                    yield Increment("batches", "failed", 1)
            case BatchRetrying() if event.batch_index >= 0:
                yield Increment("retries", event.sqlstate or "", 1)
            case RecordRejected() if event.position >= 0:
                yield Increment("records", "rejected", 1)
            case RunFinished():
                yield from self._rest(event.account)
            case _:
                pass

    def _rest(self, account: Account) -> Iterator[Increment]:
        for figure, kinds in in_account(account).items():
            for kind, total in kinds.items():
                counted = self._counted[figure, kind] if kind else self._total(figure)
                yield Increment(figure, kind, total - counted)

    def _total(self, figure: str) -> int:
        return sum(amount for (name, _), amount in self._counted.items() if name == figure)


def in_account(account: Account) -> dict[str, dict[str, int]]:
    """Return the figures of an account, by figure and kind."""
    values = account.as_dict()
    return {
        "records": values["records"],
        "documents": values["documents"],
        "batches": {"stored": account.batches, "failed": account.batches_failed},
        "retries": {"": account.retries},
        "pruned": {"": account.pruned},
        "cleaned": {"": account.cleaned},
        "bytes_read": {"": account.bytes_read},
    }
