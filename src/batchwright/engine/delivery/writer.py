"""Writers: threads that take documents from the buffer, cut parts, and have them delivered."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from batchwright.contracts.sizing import SizeLimits, SizingFeedback
from batchwright.engine.delivery.buffer import Buffer
from batchwright.engine.delivery.courier import Courier, Ending
from batchwright.engine.delivery.parts import Assembler, Part, Unreadable, Work
from batchwright.engine.tally import Tally

DOCUMENTS_WITHOUT_RECORDS = 1_000
"""Documents without records that one write publishes, at most."""


@dataclass(frozen=True, slots=True)
class Sizer:
    """How large the next batch is to be.

    Attributes:
        ask: The sizers' answer, within the limits.
        limits: The sink's limits, and the user's.
        total_items: Records in all, as far as is known.
        adaptive: Whether the size may follow what the sink shows.
        fixed: The size that the user wants, or None.
    """

    ask: Callable[[SizingFeedback, SizeLimits], int]
    limits: SizeLimits
    total_items: Callable[[], int]
    adaptive: bool = False
    fixed: int | None = None


class Writer(threading.Thread):
    """Takes documents, one after the other, and has their chunks delivered in batches."""

    def __init__(
        self,
        *,
        number: int,
        buffer: Buffer,
        courier: Courier,
        sizer: Sizer,
        next_index: Callable[[], int],
        stop: threading.Event,
        on_end: Callable[[Ending, BaseException | None], None],
        tally: Tally,
    ) -> None:
        super().__init__(name=f"batchwright-writer-{number}", daemon=True)
        self._buffer = buffer
        self._courier = courier
        self._sizer = sizer
        self._next_index = next_index
        self._halt = stop
        self._on_end = on_end
        self._tally = tally
        self._assembler = Assembler()
        self._open: dict[Work, None] = {}
        self._last_size = 0

    def run(self) -> None:
        """Deliver until the documents are used up, the run is stopped, or a failure ends it."""
        ending, error = Ending.STORED, None
        try:
            ending = self._deliver_all()
        except BaseException as defect:  # noqa: BLE001 - reported by the run, which must not wait for ever
            ending, error = Ending.FATAL, defect
        finally:
            self._courier.abandon()
            self._account_for_the_rest()
            self._on_end(ending, error)

    def finished(self, work: Work) -> None:
        """Forget a document that is published."""
        self._open.pop(work, None)

    def _deliver_all(self) -> Ending:
        while not self._halt.is_set():
            part = self._next_part()
            if part is None:
                # an index is taken for what is written only, so that the batches of a run have no gaps
                return self._courier.settle(self._next_index()) if self._courier.carries else Ending.STORED
            ending = self._courier.deliver(part, self._next_index())
            if ending in (Ending.FATAL, Ending.STOPPED):
                return ending
            if ending is Ending.FAILED:
                self._let_go_of_failed()
        return Ending.STOPPED

    def _next_part(self) -> Part | None:
        self._fill(1)  # how many records there may be is known once the first are there
        rows = self._rows()
        part = Part.of([])
        while not part.segments:
            self._fill(rows)
            if self._assembler:
                part = self._assembler.cut(rows, self._sizer.limits.bytes)
            elif self._courier.laden:
                break
            else:
                return None
        return part

    def _fill(self, rows: int) -> None:
        # documents without records, and those that can't be read, must not pile up
        while (
            self._assembler.records < rows
            and len(self._assembler) < rows + DOCUMENTS_WITHOUT_RECORDS
            and not self._courier.laden
        ):
            item = self._buffer.get()
            if item is None:
                return
            if isinstance(item, Unreadable):
                self._courier.carry(item.reject)
            else:
                self._open[item] = None
                self._assembler.add(item)

    def _rows(self) -> int:
        sizer, last = self._sizer, self._courier.last
        if sizer.fixed is not None:
            return min(sizer.fixed, sizer.limits.rows)
        feedback = SizingFeedback(
            total_items=sizer.total_items(),
            adaptive=sizer.adaptive,
            last_size=self._last_size,
            last_records=last.records,
            last_seconds=last.seconds,
            last_retried=last.retried,
            too_large=last.too_large,
        )
        self._last_size = sizer.ask(feedback, sizer.limits)
        return self._last_size

    def _let_go_of_failed(self) -> None:
        """Forget documents of which a part could not be stored; what is left of them is not attempted."""
        for work in [work for work in self._open if work.failed]:
            account_for(work, self._tally)
            del self._open[work]

    def _account_for_the_rest(self) -> None:
        """Count what is left of the documents that this writer has, none of it published."""
        for work in self._open:
            account_for(work, self._tally)


def account_for(work: Work, tally: Tally) -> None:
    """Count a document that won't be published by this run, and those of its chunks that are left."""
    tally.records("not_attempted", len(work.chunks) - work.settled)
    if not work.failed:
        tally.document("not_attempted")
