"""The pool never has more stores open than it has room for, and one that hangs doesn't keep its room."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import pytest

from batchwright import (
    Batch,
    DatabasePool,
    DeadlineExceeded,
    ProcessedChunk,
    Receipt,
    RecordType,
    Sink,
    SinkError,
    SinkOptions,
    Store,
)


class Shelf(Sink[SinkOptions]):
    """Opens stores, and counts those that are open."""

    name = "shelf"
    schemes = ("shelf",)

    def __init__(self) -> None:
        super().__init__(SinkOptions.model_validate({"url": "shelf:"}))
        self.count = 0
        self.most = 0
        self.closing = threading.Event()
        self.may_close = threading.Event()
        self.may_close.set()

    def open(self, record_type: RecordType | None = None, *, create: bool = True) -> CountedStore:
        self.count += 1
        self.most = max(self.most, self.count)
        return CountedStore(self)


class CountedStore(Store):
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        pass

    def close(self) -> None:
        self._shelf.closing.set()
        assert self._shelf.may_close.wait(30)
        self._shelf.count -= 1


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    shelf = Shelf()
    yield shelf
    shelf.may_close.set()  # no thread is left behind


def test_a_discarded_store_keeps_its_room_until_it_is_closed(shelf: Shelf) -> None:
    pool = DatabasePool(shelf, size=1)
    store = pool.acquire()
    shelf.may_close.clear()
    discarding = threading.Thread(target=pool.discard, args=(store,))
    discarding.start()
    assert shelf.closing.wait(30)
    with pytest.raises(DeadlineExceeded):
        pool.acquire(timeout=0.05)
    shelf.may_close.set()
    discarding.join(30)
    pool.acquire(timeout=30)
    assert shelf.most == 1


def test_a_store_that_comes_back_after_the_pool_was_closed_is_closed(shelf: Shelf) -> None:
    pool = DatabasePool(shelf, size=1)
    store = pool.acquire()
    pool.close()
    pool.release(store)
    assert shelf.count == 0


def test_an_abandoned_store_is_replaced_when_it_is_closed(shelf: Shelf) -> None:
    pool = DatabasePool(shelf, size=1)
    shelf.may_close.clear()
    pool.abandon(pool.acquire(), grace=30)
    assert shelf.closing.wait(30)
    with pytest.raises(DeadlineExceeded):
        pool.acquire(timeout=0.05)
    shelf.may_close.set()
    pool.acquire(timeout=20)
    assert shelf.most == 1


def test_an_abandoned_store_that_hangs_while_it_is_closed_is_replaced_after_a_while(shelf: Shelf) -> None:
    pool = DatabasePool(shelf, size=1)
    shelf.may_close.clear()
    began = time.monotonic()
    pool.abandon(pool.acquire(), grace=0.2)
    pool.acquire(timeout=20)
    assert 0.1 < time.monotonic() - began < 10


def test_a_store_that_fails_to_close_gives_its_room_back() -> None:
    class Jammed(CountedStore):
        def close(self) -> None:
            raise OSError("jammed")

    class Jamming(Shelf):
        def open(self, record_type: RecordType | None = None, *, create: bool = True) -> CountedStore:
            return Jammed(self)

    pool = DatabasePool(Jamming(), size=1)
    pool.discard(pool.acquire())
    pool.acquire(timeout=20)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_process_that_was_forked_closes_nothing_that_another_opened(shelf: Shelf) -> None:
    pool = DatabasePool(shelf, size=2)
    pool.release(pool.acquire())
    lent = pool.acquire()
    pool.release(pool.acquire())
    child = os.fork()
    if not child:
        try:
            pool.close()
            pool.discard(lent)
            os._exit(shelf.count)
        finally:
            os._exit(99)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2


@pytest.mark.parametrize("attribute", ["ledger", "record_type"])
def test_a_store_that_is_refused_is_closed(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, attribute: str
) -> None:
    monkeypatch.setattr(CountedStore, attribute, "none")
    pool = DatabasePool(shelf, 1)
    for _ in range(2):  # its room is free again as well
        with pytest.raises(SinkError, match=f"{attribute} is str"):
            pool.acquire(5)
        assert shelf.count == 0
