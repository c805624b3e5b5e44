"""Writers: threads that take documents from the buffer, cut parts, and have them delivered."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence

from batchwright.contracts.rows import Placed
from batchwright.contracts.sink import Store
from batchwright.engine.delivery.assembler import Assembler
from batchwright.engine.delivery.buffer import Buffer
from batchwright.engine.delivery.deliverer import Deliverer
from batchwright.engine.delivery.outcomes import documents_not_attempted
from batchwright.engine.delivery.parts import Ending, Part
from batchwright.engine.delivery.sizer import Sizer, writer_count
from batchwright.engine.delivery.work import Unreadable, Work
from batchwright.engine.session import Session

_WORST_FIRST = (Ending.FATAL, Ending.STOPPED, Ending.FAILED)
_ENDED = ([Ending.FATAL], [Ending.STOPPED])


class Writer(threading.Thread):
    """Takes documents, one after the other, and has their records delivered in batches.

    Args:
        session: The run.
        number: Its number among the writers.
        buffer: Where documents come from.
        sizer: How large batches are to be.
        next_index: Returns the index of the run's next batch.
        on_end: Called at the end, with how it ended, a defect if there was one, and why a batch could not be
            stored.
    """

    def __init__(
        self,
        session: Session,
        number: int,
        buffer: Buffer,
        sizer: Sizer,
        next_index: Callable[[], int],
        on_end: Callable[[Ending, BaseException | None, str], None],
    ) -> None:
        super().__init__(name=f"batchwright-writer-{number}", daemon=True)
        self._client, self._control = session.client(number), session.control
        self._buffer = buffer
        self._sizer = sizer
        self._next_index = next_index
        self._halt = session.stop.event
        self._announces = False
        self._is_alone = writer_count(session.config, session.limits) == 1
        self._on_end = on_end
        self._dispatcher = session.dispatcher
        self._assembler = Assembler(session.policy.at_once)
        self._open: dict[Work, None] = {}
        self._last_size = 0
        self._spare_index: int | None = None
        self._deliverer = Deliverer(
            session,
            self._client,
            session.collection,
            writer=number,
            on_finished=self._forget,
            on_apart=self._note,
            next_write=self._deliver_next,
        )
        self._aside: Deliverer | None = None
        self._aside_ended: list[Ending] = []
        self._part: Part | None = None

    def open(self, *, spare: bool = False) -> None:
        """Open the writer's own store, before it starts.

        Args:
            spare: Whether others write already, and can do without this one.

        Raises:
            OutageTooLong, RunInterrupted: The sink went down, and didn't come back.
            NoMoreStores: Others write already, and the sink gives no more.
            SinkError: It can't be opened, although the sink answers.
        """
        store = self._client.open_another(self._control, spare=spare)
        self._announces = type(store).announce is not Store.announce

    def begin(self, *, spare: bool) -> None:
        """Open the writer's own store, and start. As `open`."""
        self.open(spare=spare)
        try:
            self.start()
        except RuntimeError:  # no more threads can be started here
            self._client.close()
            raise

    def run(self) -> None:
        """Deliver until the documents are used up, the run is stopped, or a failure ends it."""
        ending, error = Ending.STORED, None
        try:
            while ending not in (Ending.FATAL, Ending.STOPPED):
                if self._halt.is_set():
                    ending = Ending.STOPPED
                    break
                part = self._next_part()
                if part is None and not self._deliverer.carries:
                    ending = Ending.STORED
                    break
                index = self._take_index()
                self._part = part
                if part is None:
                    ending = self._settle(index)
                else:
                    ending = self._deliverer.deliver(part, index, self._following())
                ending = self._rejoin(ending)
                if ending is Ending.FAILED:
                    self._let_go_of_failed()
        except BaseException as defect:  # noqa: BLE001 - reported by the run, which must not wait for ever
            ending, error = Ending.FATAL, defect
        finally:
            self._rejoin(ending)
            self._deliverer.abandon()
            self._note(work for rows in self._assembler.rows() for work in rows.works())
            documents_not_attempted(self._dispatcher, self._open)
            self._client.close()
            self._on_end(ending, error, self._deliverer.cause)

    def _rejoin(self, ending: Ending) -> Ending:
        """Take over what was delivered beside a part that waited; return the worst of all endings."""
        endings = [ending, *self._aside_ended]
        self._aside_ended.clear()
        if self._aside is not None:
            self._deliverer.take_over(self._aside)
            self._aside = None
        return next((worst for worst in _WORST_FIRST if worst in endings), ending)

    def _deliver_next(self) -> bool:
        """Deliver the next part while the one before waits, out of retries; return whether there was one.

        What is left of the documents of that one stays: without its records they can't be published.
        """
        if self._part is None or self._halt.is_set() or self._aside_ended[-1:] in _ENDED:
            return False
        deliverer, assembler = self._deliverer, self._assembler
        if self._aside is None:
            self._aside = deliverer.beside()
        self._deliverer = self._aside
        self._assembler = assembler.without({segment.work for segment in self._part.segments})
        try:
            part = self._next_part()
            if part is not None:
                self._aside_ended.append(self._deliverer.deliver(part, self._take_index()))
        finally:
            assembler.take_over(self._assembler)
            self._deliverer, self._assembler = deliverer, assembler
        return part is not None

    def _note(self, works: Iterable[Work]) -> None:
        """Note documents that are not finished."""
        self._open.update(dict.fromkeys(works))

    def _forget(self, work: Work) -> None:
        """Forget a document that is published."""
        self._open.pop(work, None)

    def _next_part(self) -> Part | None:
        """Return the next part; None where rejects have to be written first, or nothing is left but them."""
        self._fill(1)  # how many records there may be is known once the first are there
        rows = self._rows()
        while True:
            self._fill(rows)
            if self._deliverer.laden or not self._assembler:
                return None
            part = self._assembler.cut(rows, self._sizer.limits.bytes)
            if part.segments or part.rows:
                return part

    def _following(self) -> Sequence[Placed]:
        """Return the records of a next part of the same size, as far as they are here already.

        None where the store takes no note of them. New documents are taken in only where there is no other
        writer: what one takes early, others have to wait for.
        """
        if not self._announces:
            return ()
        if self._is_alone:
            self._fill(self._last_size, wait=False)
        return self._assembler.next(self._last_size)

    def _fill(self, rows: int, *, wait: bool = True) -> None:
        while (room := self._assembler.room(rows)) > 0 and not self._deliverer.laden:
            taken = self._buffer.get(room, wait=wait)
            if not taken:
                return
            for item in taken:
                if isinstance(item, Unreadable):
                    if item.work is not None:
                        self._open[item.work] = None
                    self._deliverer.carry(item)
                else:
                    if isinstance(item, Work):
                        self._open[item] = None
                    self._assembler.add(item)

    def _rows(self) -> int:
        self._last_size = self._sizer.rows(self._last_size, self._deliverer.last)
        return self._last_size

    def _settle(self, index: int) -> Ending:
        """Write rejects that wait. That is no batch: where it succeeds, the next batch has the index."""
        ending = self._deliverer.settle(index)
        if ending is Ending.STORED:
            self._spare_index = index
        return ending

    def _take_index(self) -> int:
        index, self._spare_index = self._spare_index, None
        return self._next_index() if index is None else index

    def _let_go_of_failed(self) -> None:
        """Forget documents of which a part could not be stored; what is left of them is not attempted."""
        failed = [work for work in self._open if work.failed]
        documents_not_attempted(self._dispatcher, failed)
        for work in failed:
            del self._open[work]
