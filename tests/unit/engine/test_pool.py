"""The pool never has more sinks open than it has room for, and a sink that hangs doesn't keep its room."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from batchwright import Batch, DatabasePool, DeadlineExceeded, ProcessedChunk, Receipt, Sink, SinkOptions


class Shelf:
    """Makes sinks, and counts those that are open."""

    def __init__(self) -> None:
        self.open = 0
        self.most = 0
        self.closing = threading.Event()
        self.may_close = threading.Event()
        self.may_close.set()

    def make(self) -> CountedSink:
        return CountedSink(self)


class CountedSink(Sink[SinkOptions]):
    name = "counted"
    schemes = ("counted",)

    def __init__(self, shelf: Shelf) -> None:
        super().__init__(SinkOptions.model_validate({"url": "counted:"}))
        self._shelf = shelf

    def open(self) -> None:
        self._shelf.open += 1
        self._shelf.most = max(self._shelf.most, self._shelf.open)

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        pass

    def close(self) -> None:
        self._shelf.closing.set()
        assert self._shelf.may_close.wait(30)
        self._shelf.open -= 1


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    shelf = Shelf()
    yield shelf
    shelf.may_close.set()  # no thread is left behind


def test_a_discarded_sink_keeps_its_room_until_it_is_closed(shelf: Shelf) -> None:
    pool = DatabasePool(shelf.make, size=1)
    sink = pool.acquire()
    shelf.may_close.clear()
    discarding = threading.Thread(target=pool.discard, args=(sink,))
    discarding.start()
    assert shelf.closing.wait(30)
    with pytest.raises(DeadlineExceeded):
        pool.acquire(timeout=0.05)
    shelf.may_close.set()
    discarding.join(30)
    pool.acquire(timeout=30)
    assert shelf.most == 1


def test_a_sink_that_comes_back_after_the_pool_was_closed_is_closed(
    shelf: Shelf,
) -> None:
    pool = DatabasePool(shelf.make, size=1)
    sink = pool.acquire()
    pool.close()
    pool.release(sink)
    assert shelf.open == 0


def test_an_abandoned_sink_is_replaced_when_it_is_closed(shelf: Shelf) -> None:
    pool = DatabasePool(shelf.make, size=1)
    shelf.may_close.clear()
    pool.abandon(pool.acquire(), grace=30)
    assert shelf.closing.wait(30)
    with pytest.raises(DeadlineExceeded):
        pool.acquire(timeout=0.05)
    shelf.may_close.set()
    pool.acquire(timeout=20)
    assert shelf.most == 1


def test_an_abandoned_sink_that_hangs_while_it_is_closed_is_replaced_after_a_while(shelf: Shelf) -> None:
    pool = DatabasePool(shelf.make, size=1)
    shelf.may_close.clear()
    began = time.monotonic()
    pool.abandon(pool.acquire(), grace=0.2)
    pool.acquire(timeout=20)
    assert 0.1 < time.monotonic() - began < 10


def test_a_sink_that_fails_to_close_gives_its_room_back(shelf: Shelf) -> None:
    class Jammed(CountedSink):
        def close(self) -> None:
            raise OSError("jammed")

    pool = DatabasePool(lambda: Jammed(shelf), size=1)
    pool.discard(pool.acquire())
    pool.acquire(timeout=20)
