"""What every check of a sink works with: the fixtures that an author supplies, and a rig that holds them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit, urlunsplit

import pytest

from batchwright.contracts.ledger import Ledger
from batchwright.contracts.receipts import Receipt
from batchwright.contracts.sink import AnySink
from batchwright.model import ProcessedChunk
from batchwright.testing.fuses import InjectedFailure, failing
from batchwright.testing.published import Row, Stored, expect, rows_of
from batchwright.testing.records import SECRET, Sample, batch, receipt

MakeSink = Callable[[], AnySink]
"""Returns a new sink of the test's target, not yet open; always the same target within a test."""

Faults = Callable[[int], AbstractContextManager[object]]
"""``faults(n)`` is a context in which the n-th step (from 1) that a write takes fails; the others work."""

Block = Callable[[], AbstractContextManager[object]]
"""``block()`` is a context in which every write to the target hangs, until it is cancelled or the end."""


class Rig:
    """The sink under test, and the way to see what it published."""

    def __init__(self, make_sink: MakeSink, stored: Stored, patience: float) -> None:
        self.make = make_sink
        self.patience = patience
        self._stored = stored
        self._opened: list[AnySink] = []

    def open(self) -> AnySink:
        """Return a new sink, open; it is closed when the check ends."""
        sink = self.make()
        self._opened.append(sink)
        sink.open()
        return sink

    def close(self) -> None:
        """Close what `open` opened; what was closed before may complain."""
        for sink in self._opened:
            with suppress(Exception):
                sink.close()

    def write(self, sink: AnySink, chunks: Sequence[ProcessedChunk], **values: Any) -> Receipt:
        """Write a batch with a new receipt, and return that."""
        written = receipt(len(chunks), **values)
        sink.write(batch(chunks), written)
        return written

    def fail(self, sink: AnySink, chunks: Sequence[ProcessedChunk], step: int, written: Receipt) -> None:
        """Write a batch that fails at a read; the check fails where that is not raised."""
        fuse = failing(InjectedFailure, step)
        try:
            sink.write(batch(fuse.fit(chunks)), written)
        except Exception:  # noqa: BLE001 - it may be wrapped in any other
            return
        if fuse.blown:
            pytest.fail(f"reading the batch failed at step {step}, yet `write` returned")

    def publish(self, sink: AnySink, *samples: Sample, **values: Any) -> Receipt:
        """Write whole documents in one batch, and publish them."""
        chunks = [chunk for one in samples for chunk in one.chunks]
        publications = tuple(one.publication() for one in samples)
        return self.write(sink, chunks, publications=publications, **values)

    def rows(self) -> list[Row]:
        """Return what is published, by id."""
        return rows_of(self._stored())

    def expect(self, chunks: Iterable[ProcessedChunk], when: str = "") -> None:
        """Check that exactly these chunks are published."""
        expect(self.rows(), chunks, when)


class SinkChecks:
    """The fixtures and attributes of `SinkContract`; see there."""

    transactional: ClassVar[bool] = True
    concurrent_writers: ClassVar[int | None] = None
    most_rows: ClassVar[int] = 10_000
    most_bytes: ClassVar[int] = 32 * 1024 * 1024
    patience: ClassVar[float] = 10.0

    @pytest.fixture
    def make_sink(self) -> MakeSink:
        """Override: return a callable that makes new, unopened sinks of one empty target."""
        pytest.fail("override the fixture `make_sink`: it returns a callable that makes new, unopened sinks")

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
    def wrong_target(self, make_sink: MakeSink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AnySink:
        """Override where it can't be of use: return an unopened sink that can't open, `SECRET` in its URL."""
        monkeypatch.chdir(tmp_path)  # should it take the URL for a file
        sink = make_sink()
        parts = urlsplit(sink.options.url.get_secret_value())
        wrong = parts._replace(netloc=f"kit:{SECRET}@127.0.0.1:9", query="", fragment="")
        return with_url(sink, urlunsplit(wrong))

    @pytest.fixture
    def rig(self, make_sink: MakeSink, stored: Stored) -> Iterator[Rig]:
        """The kit's own."""
        rig = Rig(make_sink, stored, self.patience)
        yield rig
        rig.close()


def with_url(sink: AnySink, url: str) -> AnySink:
    """Return an unopened sink like this one, of another target."""
    given = {**sink.options.model_dump(by_alias=True, exclude_unset=True), "url": url}
    return type(sink)(sink.options_type.model_validate(given))


def ledger_of(sink: AnySink) -> Ledger:
    """Return the sink's own ledger; without one the check is skipped, since the engine keeps one beside."""
    ledger = sink.ledger
    if ledger is None:
        pytest.skip("the sink has no ledger of its own")
    return ledger


def says(text: str) -> str:
    """Return a text as a message may quote it: on one line, and short."""
    return re.sub(r"\s+", " ", text)[:300]
