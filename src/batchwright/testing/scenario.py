"""A small load with everything in it that a sink must survive being killed in; the same every time.

New versions, one begun in a batch and published in another, one moved to another category, a deletion.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from batchwright.contracts.ledger import Ledger, LedgerBeside
from batchwright.contracts.receipts import Receipt
from batchwright.contracts.sink import Inspectable, Store
from batchwright.model import Batch
from batchwright.testing.records import COLLECTION, Sample, sample


def version(name: str, chunks: int, category: str | None) -> Sample:
    """Return a version of a document; the number of its chunks tells it from the others."""
    texts = [f"{name} {index} of {chunks}: ünïcödé 🜁" for index in range(chunks)]
    return sample(name, texts, content=str(chunks), source_category=category)


A1, A2 = version("a.md", 3, "x"), version("a.md", 4, "x")
B1, B2 = version("b.md", 2, "y"), version("b.md", 3, "x")
C1, D1, E1 = version("c.md", 5, None), version("d.md", 1, "y"), version("e.md", 2, "x")

VERSIONS = {one.id: {chunk.id for chunk in one.chunks} for one in (A1, A2, B1, B2, C1, D1, E1)}
"""Ids of the chunks, by version."""

FINAL = {chunk.id: chunk.chunk_text for one in (A2, B2, C1, E1) for chunk in one.chunks}
"""What is published in the end: texts by id."""


def _receipt(batch_id: str, **values: Any) -> Receipt:
    return Receipt(batch_id, "run", COLLECTION, **values)


STEPS: tuple[tuple[tuple[Any, ...], Receipt], ...] = (
    (
        A1.chunks + B1.chunks,
        _receipt("1", publications=(A1.publication(), B1.publication())),
    ),
    (
        C1.chunks[:2] + D1.chunks,
        _receipt("2", begun=(C1.version,), publications=(D1.publication(),)),
    ),
    (C1.chunks[2:], _receipt("3", publications=(C1.publication(),))),
    (
        A2.chunks + B2.chunks[:1],
        _receipt("4", begun=(B2.version,), publications=(A2.publication(),)),
    ),
    (
        B2.chunks[1:] + E1.chunks,
        _receipt("5", publications=(B2.publication(), E1.publication())),
    ),
    ((), _receipt("6", deleted=((D1.version.key, D1.id),))),
)


def load(store: Store, beside: LedgerBeside | None = None) -> None:
    """Do all of it as the engine does; what is done already changes nothing.

    Args:
        store: Where to.
        beside: The ledger, where the store has none.
    """
    for number, (chunks, receipt) in enumerate(STEPS):
        if beside is None:
            store.write(Batch(list(chunks), number), receipt)
        elif not beside.committed(receipt.batch_id):
            store.write(Batch(list(chunks), number), replace(receipt, removed=beside.removals(receipt)))
            beside.record(receipt)


def expect_whole(ids: list[str], where: str) -> None:
    """Check that of each document version all rows are there, each once, or none.

    Raises:
        AssertionError: Half a document, or a row twice.
    """
    found = sorted(ids)
    versions = {f"{identity[:28]}00000000" for identity in found}
    wanted = sorted(identity for version in versions for identity in VERSIONS.get(version, ()))
    if found != wanted:
        raise AssertionError(f"{where}: half of a document, or a row twice")


def expect_final(store: Store, ledger: Ledger | None = None) -> None:
    """Check that a store that can be looked into, and its ledger, hold exactly what the load leaves.

    Args:
        store: The store.
        ledger: The one beside it, where it has none.

    Raises:
        AssertionError: Says what is wrong.
    """
    if isinstance(store, Inspectable):
        held = {holding.document_id: holding.rows for holding in store.holdings()}
        wanted = {version: len(ids) for version, ids in VERSIONS.items() if ids <= FINAL.keys()}
        if held != wanted:
            raise AssertionError(f"held are {held}, wanted {wanted}")
    ledger = store.ledger or ledger
    if ledger is not None:
        missing = [receipt.batch_id for _, receipt in STEPS if not ledger.committed(receipt.batch_id)]
        if missing or ledger.pending(COLLECTION):
            raise AssertionError(f"receipts missing: {missing}; pending: {ledger.pending(COLLECTION)}")
