"""Loading documents: queue, batch and deliver them, with writers of their own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from batchwright.contracts.partition import Findings
from batchwright.contracts.receipts import DocumentVersion
from batchwright.engine.delivery.buffer import Buffer, Intake, Item
from batchwright.engine.delivery.outcomes import documents_not_attempted, records_not_attempted
from batchwright.engine.delivery.row_block import RowBlock
from batchwright.engine.delivery.sizer import Sizer, writer_count
from batchwright.engine.delivery.work import Unreadable, Work
from batchwright.engine.reading.changes import Difference
from batchwright.engine.reading.feed import Feed
from batchwright.engine.session import Session
from batchwright.engine.store.breaker import OutageTooLong
from batchwright.engine.store.client import NoMoreStores
from batchwright.errors import EmbedderError, RunInterrupted, SinkError

if TYPE_CHECKING:
    from batchwright.engine.delivery.parts import Ending
    from batchwright.engine.delivery.writer import Writer
    from batchwright.engine.embedding.works import WorkStage

logger = logging.getLogger("batchwright")

BUFFER_BYTES = 8 * 1024 * 1024
"""How much read and chunked text may wait for each writer."""


class Pipeline:
    """Loads the documents of one partition, or of a program. Make it, call `load` once.

    Args:
        session: The run.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._feed = Feed(session)
        self._writers: list[Writer] = []
        self._indices = count()
        self._defect: BaseException | None = None

    def findings(self) -> Findings:
        """Return how the input differs from what is published, as far as it was read."""
        return self._feed.findings()

    def note_outdated(self, version: DocumentVersion) -> None:
        """Note a version that was refused, and isn't what there is any more."""
        self._feed.note_outdated(version)

    @property
    def outdated(self) -> list[str]:
        """Ids of the versions that were noted."""
        return self._feed.outdated

    def load(self, found: Iterable[Difference], begun: Iterable[DocumentVersion]) -> None:
        """Load what is new or changed.

        An outage that lasts too long, and a failure that ends the run, set the session's stop.

        Args:
            found: The documents, with what is to become of each.
            begun: Versions of them that were begun before.
        """
        session, stop = self._session, self._session.stop
        buffer = Buffer(BUFFER_BYTES * session.config.workers)
        stop.on_request(buffer.end)
        stage = self._stage(buffer)
        self._feed.take_over(begun)
        try:
            if stage is None:
                self._feed.feed(found, _StartingWith(buffer, partial(self._start_writers, buffer)))
            else:
                stage.open()
                self._start_writers(buffer)
                self._feed.feed(found, stage)
                stage.wait()
        except (OutageTooLong, RunInterrupted) as error:
            stop.request(str(error))
        except BaseException:
            stop.request("reading the input failed", failed=True)
            raise
        finally:
            if stage is not None:
                stage.close()
            buffer.end()
            for writer in self._writers:
                writer.join()
            self._drain(buffer)
        if isinstance(self._defect, Exception):
            raise self._defect
        if self._defect is not None:  # SystemExit and the like: the sink's wish is not this process's
            raise SinkError(f"a writer ended with {type(self._defect).__name__}") from self._defect

    def _stage(self, buffer: Buffer) -> WorkStage | None:
        """Return the stage that gives records their vectors; None where nothing is embedded."""
        session = self._session
        if session.embedding is None:
            return None
        from batchwright.engine.embedding.works import WorkStage  # most runs need none

        stage = WorkStage(session, session.embedding, buffer, self._stop_for)
        session.stop.on_request(stage.end)
        return stage

    def _stop_for(self, error: Exception) -> None:
        """End the run for what ended the stage."""
        stop = self._session.stop
        if isinstance(error, OutageTooLong | RunInterrupted):
            stop.request(str(error))
        else:
            if not isinstance(error, EmbedderError | SinkError):
                self._defect = self._defect or error
            stop.request(self._session.describe(error), failed=True)

    def _start_writers(self, buffer: Buffer) -> None:
        from batchwright.engine.delivery.writer import Writer  # a run that finds nothing new has none

        session = self._session
        config, limits = session.config, session.limits
        sizer = Sizer.of(
            config,
            limits,
            session.record_type,
            session.manager.batch_size,
            session.dispatcher.tally.expected,
            session.ceiling,
        )
        wanted = writer_count(config, limits)
        for number in range(wanted):
            writer = Writer(session, number, buffer, sizer, self._indices.__next__, self._end)
            try:
                writer.begin(spare=number > 0)
            except NoMoreStores as error:
                no_more = "writing with %d of %d workers, since the sink gives no more: %s"
                logger.warning(no_more, number, wanted, error)
                break
            self._writers.append(writer)

    def _end(self, ending: Ending, defect: BaseException | None, cause: str) -> None:
        """Note how a writer ended, and why the batch that ended it could not be stored."""
        from batchwright.engine.delivery.parts import Ending

        stop = self._session.stop
        if isinstance(defect, OutageTooLong):
            stop.request(str(defect))
        elif defect is not None:
            self._defect = self._defect or defect
        if ending is Ending.FATAL:
            stop.request(self._session.limit.exceeded or f"a batch failed for good: {cause}", failed=True)

    def _drain(self, buffer: Buffer) -> None:
        """Account for what no writer took."""
        while taken := buffer.get():
            [item] = taken
            if isinstance(item, RowBlock):
                documents_not_attempted(self._session.dispatcher, item.works())
            elif (work := item if isinstance(item, Work) else item.work) is not None:
                documents_not_attempted(self._session.dispatcher, [work])
            elif isinstance(item, Unreadable):
                records_not_attempted(self._session.dispatcher, item.records)


class _StartingWith(Intake):
    """Queues documents, and starts the writers with the first: where nothing is new, none connects."""

    def __init__(self, buffer: Buffer, start: Callable[[], None]) -> None:
        self._buffer = buffer
        self._start: Callable[[], None] | None = start

    def put(self, item: Item) -> bool:
        """Add a document, waiting for room; return whether it was taken."""
        taken = self._buffer.put(item)  # first, so that it is accounted for where no writer can start
        if self._start is not None:
            start, self._start = self._start, None
            start()
        return taken
