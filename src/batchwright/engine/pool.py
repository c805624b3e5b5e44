"""A bounded set of open sinks for one target."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self

from batchwright.contracts.sink import AnySink
from batchwright.errors import DeadlineExceeded, SinkError


class DatabasePool:
    """Opens sinks when they are asked for, keeps them for the next user, and never has more than `size`.

    A sink counts until it is closed; one that hangs while it is closed stops counting, see `abandon`.

    Args:
        make: Returns a new sink, not yet open.
        size: Sinks at the same time, at most.
    """

    def __init__(self, make: Callable[[], AnySink], size: int = 1) -> None:
        if size < 1:
            raise ValueError(f"a pool needs room for at least one sink, not {size}")
        self._make = make
        self._room = threading.BoundedSemaphore(size)
        self._lock = threading.Lock()
        self._idle: list[AnySink] = []
        self._closed = False

    def acquire(self, timeout: float | None = None) -> AnySink:
        """Return an open sink that nobody else uses.

        Args:
            timeout: Seconds to wait for room; None waits as long as it takes.

        Raises:
            DeadlineExceeded: There was no room in time.
            SinkError: The pool is closed, or the sink can't be opened.
        """
        if not self._room.acquire(timeout=timeout):
            raise DeadlineExceeded(f"no sink of the pool came free within {timeout} s")
        try:
            with self._lock:
                if self._closed:
                    raise SinkError("the pool is closed")
                if self._idle:
                    return self._idle.pop()
            sink = self._make()
            try:
                sink.open()
            except BaseException:
                _close(sink)
                raise
        except BaseException:
            self._room.release()
            raise
        return sink

    def release(self, sink: AnySink) -> None:
        """Give a sink back, fit for use."""
        with self._lock:
            kept = not self._closed
            if kept:
                self._idle.append(sink)
        if kept:
            self._room.release()
        else:
            self.discard(sink)

    def discard(self, sink: AnySink) -> None:
        """Give a sink back that is not to be used again, and close it."""
        try:
            _close(sink)
        finally:
            self._room.release()

    def abandon(self, sink: AnySink, grace: float = 1.0) -> None:
        """Give a sink back that hangs, and return at once: closing it may hang as well.

        Args:
            sink: The sink; another thread may still be in one of its methods.
            grace: Seconds that closing it may take, before another sink may be opened in its place.
        """

        def close() -> None:
            closing = _daemon(lambda: _close(sink))
            closing.join(grace)
            self._room.release()

        _daemon(close)

    @contextmanager
    def connection(self, timeout: float | None = None) -> Iterator[AnySink]:
        """Lend a sink; after an exception it is not used again."""
        sink = self.acquire(timeout)
        try:
            yield sink
        except BaseException:
            self.discard(sink)
            raise
        self.release(sink)

    def close(self) -> None:
        """Close the idle sinks now, the lent ones when they come back. May come more than once."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for sink in idle:
            _close(sink)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _daemon(function: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=function, name="batchwright-close", daemon=True)
    thread.start()
    return thread


def _close(sink: AnySink) -> None:
    with suppress(Exception):  # it is given up: what it has to say about that helps nobody
        sink.close()
