"""Calls of the source and the reader of an item of rows, each of which ends in time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextvars import copy_context
from functools import partial
from itertools import islice
from typing import Any, BinaryIO, TypeVar

from batchwright.contracts.reader import RowReader
from batchwright.documents.compression import decompressed
from batchwright.engine.rows.found_shape import ROWS_A_PAGE
from batchwright.errors import DeadlineExceeded, RunInterrupted
from batchwright.handover import Handover, Helper
from batchwright.items import Item

Value = TypeVar("Value")

_LOOK = 0.2
"""Seconds between two looks whether the run is to end, and whether there is another row."""

_CLOSING = 5.0
"""Seconds that rows may take to release what they hold."""


class OwnCalls:
    """Calls our own code for an item at hand, directly."""

    def call(self, function: Callable[[], Value]) -> Value:
        """Return what a function returns."""
        return function()

    def rows(self, make: Callable[[], Iterable[Value]]) -> Iterable[Value]:
        """Return what to iterate over."""
        return make()

    def close(self) -> None:
        """Do nothing: nobody else holds anything."""


class ItemCalls:
    """Calls code of others for one item, by one thread, which is left behind where a call hangs.

    Rows come some at a time, so that they cost next to nothing. One that takes its time is waited for as
    long as there is another within the deadline.

    Args:
        who: Whose code it is, in messages.
        seconds: How long a call, or the next row, may take; None for ever.
        stopped: Tells whether the run is to end.
    """

    def __init__(self, who: str, seconds: float | None, stopped: Callable[[], bool]) -> None:
        self._who, self._seconds, self._stopped = who, seconds, stopped
        self._helper = Helper("batchwright-rows")
        self._context = copy_context()
        self._rows: Iterator[Any] | None = None

    def call(self, function: Callable[[], Value]) -> Value:
        """Return what a function returns, or raise what it raises.

        Raises:
            DeadlineExceeded: It took too long.
            RunInterrupted: The run is to end.
        """
        call = self._begin(function)
        self._wait(call, ())
        return call.result()

    def rows(self, make: Callable[[], Iterable[Value]]) -> Iterator[Value]:
        """Yield what an iterable yields. Raises as `call`, behind the rows that came before."""
        self._rows = rows = self.call(lambda: iter(make()))
        while True:
            page: list[Value] = []
            call = self._begin(partial(_fill, page, rows))
            self._wait(call, page)
            yield from page
            if not call.result():
                return

    def close(self) -> None:
        """Have rows that were not read to their end release what they hold; end the thread."""
        rows, self._rows = self._rows, None
        close = getattr(rows, "close", None)
        if close is not None:
            self._begin(close).ended.acquire(timeout=_CLOSING)
        self._helper.let_go()

    def _begin(self, function: Callable[[], Value]) -> Handover[Value]:
        return self._helper.start(partial(self._context.run, function))

    def _wait(self, call: Handover[Any], page: Sized) -> None:
        """Wait for the end of a call, as long as the page grows."""
        since, seen = time.monotonic(), 0
        while not call.ended.acquire(timeout=_LOOK):
            now = time.monotonic()
            if len(page) > seen:
                since, seen = now, len(page)
            is_late = self._seconds is not None and now - since > self._seconds
            if is_late or self._stopped():
                self._rows = None  # they are the hanging call's
                if is_late:
                    raise DeadlineExceeded(
                        f"{self._who} has not answered for {self._seconds:g} s, which is as long as it may "
                        "take (batch_timeout)"
                    )
                raise RunInterrupted("the run was stopped while rows were read")


def _fill(page: list[Value], rows: Iterator[Value]) -> bool:
    """Take some rows; return whether there may be more. Those before an error are in the page."""
    for row in islice(rows, ROWS_A_PAGE):
        page.append(row)  # noqa: PERF402 - others look at how it grows
    return len(page) == ROWS_A_PAGE


def asked(stream: BinaryIO, item: Item, ask: Callable[[BinaryIO], Value]) -> Value:
    """Return what a reader says of the bytes of an item."""
    with decompressed(stream, item.key) as content:
        return ask(content)


def rows_of(stream: BinaryIO, item: Item, reader: RowReader[Any]) -> Iterator[Any]:
    """Yield the rows that a reader finds in the bytes of an item."""
    with decompressed(stream, item.key) as content:
        yield from reader.rows(content, item)
