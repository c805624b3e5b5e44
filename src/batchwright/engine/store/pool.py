"""A bounded set of open stores for one target."""

from __future__ import annotations

import inspect
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self

from batchwright.contracts.ledger import Ledger
from batchwright.contracts.records import RecordType
from batchwright.contracts.sink import AnySink, Store
from batchwright.errors import DeadlineExceeded, SinkError
from batchwright.plugins.foreign import async_methods, bounded

CLOSING = 30.0
"""Seconds that closing a store may take; after that it is left to itself."""


class DatabasePool:
    """Opens stores when they are asked for, keeps them for the next user, and never has more than `size`.

    A store counts until it is closed; one that hangs while it is closed stops counting, see `abandon`.

    Args:
        sink: What opens them.
        size: Stores at the same time, at most.
        record_type: What they are to hold; None for what the target was made for.
        create: Whether to create what the target lacks.
    """

    def __init__(
        self, sink: AnySink, size: int = 1, record_type: RecordType | None = None, *, create: bool = True
    ) -> None:
        if size < 1:
            raise ValueError(f"a pool needs room for at least one store, not {size}")
        self._sink = sink
        self._record_type = record_type
        self._create = create
        self._room = threading.BoundedSemaphore(size)
        self._lock = threading.Lock()
        self._idle: list[Store] = []
        self._closed = False
        self._process = os.getpid()

    def acquire(self, timeout: float | None = None) -> Store:
        """Return an open store that nobody else uses.

        Args:
            timeout: Seconds to wait for room; None waits as long as it takes.

        Raises:
            DeadlineExceeded: There was no room in time.
            SinkError: The pool is closed, or the sink can't be opened.
        """
        if not self._room.acquire(timeout=timeout):
            raise DeadlineExceeded(f"no store of the pool came free within {timeout} s")
        try:
            with self._lock:
                if self._closed:
                    raise SinkError("the pool is closed")
                if self._idle:
                    return self._idle.pop()
            opened = self._sink.open(self._record_type, create=self._create)
            try:
                return _checked(opened)
            except BaseException:
                if isinstance(opened, Store):
                    self._end(opened)
                raise
        except BaseException:
            self._room.release()
            raise

    def release(self, store: Store) -> None:
        """Give a store back, fit for use."""
        with self._lock:
            kept = not self._closed
            if kept:
                self._idle.append(store)
        if kept:
            self._room.release()
        else:
            self.discard(store)

    def discard(self, store: Store) -> None:
        """Give a store back that is not to be used again. Closing it comes first: it counts until then."""
        try:
            self._end(store)
        finally:
            self._room.release()

    def abandon(self, store: Store, grace: float = 1.0) -> None:
        """Give a store back that hangs, and return at once: closing it may hang as well.

        Args:
            store: The store; another thread may still be in one of its methods.
            grace: Seconds that closing it may take, before another store may be opened in its place.
        """

        def close() -> None:
            _daemon(lambda: self._end(store)).join(grace)
            self._room.release()

        _daemon(close)

    @contextmanager
    def connection(self, timeout: float | None = None) -> Iterator[Store]:
        """Lend a store; after an exception it is not used again."""
        store = self.acquire(timeout)
        try:
            yield store
        except BaseException:
            self.discard(store)
            raise
        self.release(store)

    def close(self) -> None:
        """Close the idle stores now, the lent ones when they come back. May come more than once."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for store in idle:
            self._end(store)

    def _end(self, store: Store) -> None:
        if self._process != os.getpid():  # forked: a goodbye from here would end the other process's session
            return
        with suppress(Exception):  # it is given up: what it has to say about that helps nobody
            bounded("", store.close, CLOSING)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _daemon(function: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=function, name="batchwright-close", daemon=True)
    thread.start()
    return thread


def _checked(store: Any) -> Store:
    """Return what a sink opened, if it is a store.

    Raises:
        SinkError: It is none, says what it holds or where its ledger is in no way, or has methods that nobody
            would await: nothing would be stored.
    """
    if not isinstance(store, Store):
        if inspect.iscoroutine(store):
            store.close()
        raise SinkError(f"the sink opened {type(store).__name__}, which is no batchwright.Store")
    for method in async_methods(type(store)):
        raise SinkError(f"{type(store).__name__}.{method} is async, and is called, not awaited")
    record_type: object = store.record_type
    if not isinstance(record_type, RecordType):
        raise SinkError(f"{type(store).__name__}.record_type is {type(record_type).__name__}, no RecordType")
    ledger: object = store.ledger
    if not isinstance(ledger, Ledger | None):
        raise SinkError(f"{type(store).__name__}.ledger is {type(ledger).__name__}, neither Ledger nor None")
    return store
