"""What every check of a sink works with: the fixtures that an author supplies, and a rig that holds them."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit, urlunsplit

import pytest

from batchwright.contracts.ledger import Ledger
from batchwright.contracts.receipts import Receipt
from batchwright.contracts.records import RecordType
from batchwright.contracts.sink import AnySink, Inspectable, SinkLimits, Store
from batchwright.engine.store.beside import write_beside
from batchwright.errors import IncompleteDocument
from batchwright.sinkkit.sqlite.ledger import SqliteLedgerBeside
from batchwright.testing.fuses import InjectedFailure, failing
from batchwright.testing.published import Row, Stored, expect, rows_of
from batchwright.testing.records import SECRET, Sample, batch, receipt, versions_of

MakeSink = Callable[[], AnySink]
"""Returns a new sink of the test's target; always the same target within a test."""

Faults = Callable[[int], AbstractContextManager[object]]
"""``faults(n)`` is a context in which the n-th step (from 1) that a write takes fails; the others work."""

Block = Callable[[], AbstractContextManager[object]]
"""``block()`` is a context in which every write to the target hangs, until it is cancelled or the end."""

Sever = Callable[[], None]
"""Cuts every connection that there is to the target at the time, as a server that dies does."""

Damage = Callable[[], None]
"""Damages the files of the target, while no store is open, as a disk that fails does."""


class Rig:
    """The sink under test, the way to see what it published, and, where it has no ledger, one beside it.

    It does with a store what the engine does. A store without a ledger of its own is given in
    `receipt.removed` what has to go, as the ledger beside says, and that
    ledger records the receipt once the write has returned.
    """

    def __init__(self, make_sink: MakeSink, stored: Stored, patience: float, folder: Path) -> None:
        self.make = make_sink
        self.patience = patience
        self._stored = stored
        self._folder = folder
        self._beside: SqliteLedgerBeside | None = None
        self._opened: list[Store] = []

    @property
    def limits(self) -> SinkLimits:
        """The sink's."""
        return self.make().limits

    def open(self, record_type: RecordType | None = None) -> Store:
        """Return a new store, open; it is closed when the check ends."""
        store = self.make().open(record_type)
        self._opened.append(store)
        return store

    def close(self) -> None:
        """Close what `open` opened; what was closed before may complain."""
        for store in self._opened:
            with suppress(Exception):
                store.close()
        if self._beside is not None:
            self._beside.close()

    def ledger(self, store: Store) -> Ledger:
        """Return the store's ledger, or the one beside it."""
        return store.ledger or self._ledger_beside()

    def ready(self, store: Store, written: Receipt) -> Receipt:
        """Return the receipt as the store gets it; raises IncompleteDocument as a ledger beside does."""
        if store.ledger is not None:
            return written
        return replace(written, removed=self._ledger_beside().removals(written))

    def record(self, store: Store, written: Receipt) -> None:
        """Record a receipt whose write has returned, where the store doesn't."""
        if store.ledger is None:
            self._ledger_beside().record(written)

    def send(self, store: Store, chunks: Sequence[Any], written: Receipt) -> None:
        """Write a batch as the engine does; a second time again."""
        if store.ledger is None and written.patched:
            write_beside(store, self._ledger_beside(), batch(chunks), written)
        else:
            store.write(batch(chunks), self.ready(store, written))
            self.record(store, written)

    def write(self, store: Store, chunks: Sequence[Any], **values: Any) -> Receipt:
        """Write a batch with a new receipt, and return that; versions that `values` don't name are begun."""
        if not {"begun", "continued", "publications", "patched"} & values.keys():
            values["begun"] = versions_of(chunks)
        written = receipt(len(chunks), **values)
        self.send(store, chunks, written)
        return written

    def fail(self, store: Store, chunks: Sequence[Any], step: int, written: Receipt) -> None:
        """Write a batch that fails at a read; the check fails where that is not raised."""
        given, fuse = self.ready(store, written), failing(InjectedFailure, step)
        try:
            store.write(batch(fuse.fit(chunks)), given)
        except Exception:  # noqa: BLE001 - it may be wrapped in any other
            return
        if fuse.blown:
            pytest.fail(f"reading the batch failed at step {step}, yet `write` returned")

    def publish(self, store: Store, *samples: Sample, **values: Any) -> Receipt:
        """Write whole documents in one batch, and publish them."""
        chunks = [chunk for one in samples for chunk in one.chunks]
        publications = tuple(one.publication() for one in samples)
        return self.write(store, chunks, publications=publications, **values)

    def rows(self) -> list[Row]:
        """Return what is published, by id."""
        return rows_of(self._stored())

    def expect(self, chunks: Iterable[Any], when: str = "") -> None:
        """Check that exactly these chunks are published."""
        expect(self.rows(), chunks, when)

    def expect_gone(self, gone: Sample) -> None:
        """Check that no row of a version is left: publishing what was there must be refused."""
        store = self.open()
        for left in range(1, gone.version.records + 1):
            claim = gone.publication(rejected=gone.version.records - left)
            try:
                store.write(batch([]), receipt(publications=(claim,)))
            except IncompleteDocument:
                continue
            pytest.fail(f"{left} rows of {gone.version.key!r} are left, or publications aren't counted")
        if isinstance(store, Inspectable):
            assert gone.id not in {holding.document_id for holding in store.holdings()}, "some rows are left"

    def _ledger_beside(self) -> SqliteLedgerBeside:
        if self._beside is None:
            self._beside = SqliteLedgerBeside.open(self._folder / "kit-ledger.db")
        return self._beside


class SinkChecks:
    """The fixtures and attributes of `SinkContract`; see there."""

    transactional: ClassVar[bool] = True
    concurrent_writers: ClassVar[int | None] = None
    most_rows: ClassVar[int] = 10_000
    most_bytes: ClassVar[int] = 32 * 1024 * 1024
    patience: ClassVar[float] = 10.0

    @pytest.fixture
    def make_sink(self) -> MakeSink:
        """Override: return a callable that makes new sinks of one empty target."""
        pytest.fail("override the fixture `make_sink`: it returns a callable that makes new sinks")

    @pytest.fixture
    def stored(self) -> Stored:
        """Override: return a callable that reads the published rows, without the sink."""
        pytest.fail("override the fixture `stored`: it returns a callable that reads the published rows")

    @pytest.fixture
    def faults(self) -> Faults | None:
        """Override where steps of the sink (statements, files, requests) can be made to fail."""
        return None

    @pytest.fixture
    def block(self) -> Block | None:
        """Override where a write can be made to hang, as by a lock held on another connection."""
        return None

    @pytest.fixture
    def sever(self) -> Sever | None:
        """Override where the target is reached by connections that can be cut."""
        return None

    @pytest.fixture
    def damage(self) -> Damage | None:
        """Override where the store has files of its own, which `check_storage` looks at."""
        return None

    @pytest.fixture
    def wrong_target(self, make_sink: MakeSink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AnySink:
        """Override where it can't be of use: return a sink that can't open, `SECRET` in its URL."""
        monkeypatch.chdir(tmp_path)  # should it take the URL for a file
        sink = make_sink()
        parts = urlsplit(sink.options.url.get_secret_value())
        wrong = parts._replace(netloc=f"kit:{SECRET}@127.0.0.1:9", query="", fragment="")
        return with_url(sink, urlunsplit(wrong))

    @pytest.fixture
    def rig(
        self, make_sink: MakeSink, stored: Stored, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[Rig]:
        """The kit's own."""
        rig = Rig(make_sink, stored, self.patience, tmp_path_factory.mktemp("kit"))
        yield rig
        rig.close()


def with_url(sink: AnySink, url: str) -> AnySink:
    """Return a sink like this one, of another target."""
    given = {**sink.options.model_dump(by_alias=True, exclude_unset=True), "url": url}
    return type(sink)(sink.options_type.model_validate(given))


def ledger_of(store: Store) -> Ledger:
    """Return the store's own ledger; without one the check is skipped, since the engine keeps one beside."""
    ledger = store.ledger
    if ledger is None:
        pytest.skip("the store has no ledger of its own")
    return ledger


def says(text: str) -> str:
    """Return a text as a message may quote it: on one line, and short."""
    return re.sub(r"\s+", " ", text)[:300]
