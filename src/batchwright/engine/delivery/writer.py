"""Writers: threads that take documents from the buffer, cut parts, and have them delivered."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from batchwright.contracts.sizing import SizeLimits, SizingFeedback
from batchwright.engine.delivery.buffer import Buffer
from batchwright.engine.delivery.deliverer import Deliverer, Ending
from batchwright.engine.delivery.outcomes import documents_not_attempted
from batchwright.engine.delivery.parts import Assembler, Part, Unreadable, Work
from batchwright.engine.session import Session


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
    """Takes documents, one after the other, and has their records delivered in batches.

    Args:
        session: The run.
        number: Its number among the writers.
        buffer: Where documents come from.
        sizer: How large batches are to be.
        next_index: Returns the index of the run's next batch.
        on_end: Called at the end, with how it ended and a defect, if there was one.
    """

    def __init__(
        self,
        session: Session,
        number: int,
        buffer: Buffer,
        sizer: Sizer,
        next_index: Callable[[], int],
        on_end: Callable[[Ending, BaseException | None], None],
    ) -> None:
        super().__init__(name=f"batchwright-writer-{number}", daemon=True)
        self._client = session.client(number)
        self._buffer = buffer
        self._sizer = sizer
        self._next_index = next_index
        self._halt = session.stop.event
        self._on_end = on_end
        self._dispatcher = session.dispatcher
        self._at_once = session.policy.at_once
        self._assembler = Assembler()
        self._open: dict[Work, None] = {}
        self._last_size = 0
        self._deliverer = Deliverer(session, self._client, writer=number, on_finished=self._forget)

    def open(self) -> None:
        """Open the writer's own store, before it starts."""
        self._client.open()

    def run(self) -> None:
        """Deliver until the documents are used up, the run is stopped, or a failure ends it."""
        ending, error = Ending.STORED, None
        try:
            while ending not in (Ending.FATAL, Ending.STOPPED):
                if self._halt.is_set():
                    ending = Ending.STOPPED
                elif (part := self._next_part()) is None:
                    ending = self._settle()
                    break
                else:
                    ending = self._deliverer.deliver(part, self._next_index())
                    if ending is Ending.FAILED:
                        self._let_go_of_failed()
        except BaseException as defect:  # noqa: BLE001 - reported by the run, which must not wait for ever
            ending, error = Ending.FATAL, defect
        finally:
            self._deliverer.abandon()
            documents_not_attempted(self._dispatcher, self._open)
            self._client.close()
            self._on_end(ending, error)

    def _forget(self, work: Work) -> None:
        """Forget a document that is published."""
        self._open.pop(work, None)

    def _settle(self) -> Ending:
        # an index is taken for what is written only, so that the batches of a run have no gaps
        return self._deliverer.settle(self._next_index()) if self._deliverer.carries else Ending.STORED

    def _next_part(self) -> Part | None:
        self._fill(1)  # how many records there may be is known once the first are there
        rows = self._rows()
        part = Part.of([])
        while not part.segments:
            self._fill(rows)
            if self._assembler:
                part = self._assembler.cut(rows, self._sizer.limits.bytes)
            elif self._deliverer.laden:
                break
            else:
                return None
        return part

    def _fill(self, rows: int) -> None:
        # documents without records, and those that can't be read, must not pile up
        while (
            self._assembler.records < rows
            and len(self._assembler) < rows + self._at_once
            and not self._deliverer.laden
        ):
            item = self._buffer.get()
            if item is None:
                return
            if isinstance(item, Unreadable):
                self._deliverer.carry(item.reject)
            else:
                self._open[item] = None
                self._assembler.add(item)

    def _rows(self) -> int:
        sizer, last = self._sizer, self._deliverer.last
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
        failed = [work for work in self._open if work.failed]
        documents_not_attempted(self._dispatcher, failed)
        for work in failed:
            del self._open[work]
