"""What of a batch could not be stored: collected, and reported once for the whole batch."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from batchwright.contracts.failure import class_and_message
from batchwright.engine.delivery.outcomes import batch_failed, documents_finished
from batchwright.engine.delivery.parts import Part
from batchwright.engine.delivery.work import Work
from batchwright.engine.store.client import StoreClient
from batchwright.engine.store.retry import Attempted
from batchwright.errors import IncompleteDocument

if TYPE_CHECKING:
    from batchwright.engine.session import Session

logger = logging.getLogger("batchwright")


class Losses:
    """Those of one deliverer.

    Args:
        session: The run, or what takes its place.
        client: The way to the store.
        collection: What the records belong to.
        writer: The number of the writer.

    Attributes:
        failure: How the write ended for which the last batch failed; None where none did.
        cause: Why the last batch that was reported could not be stored, with the class of the error.
    """

    def __init__(self, session: Session, client: StoreClient, collection: str, writer: int) -> None:
        self._session = session
        self._client = client
        self._collection = collection
        self._writer = writer
        self._parts: list[Part] = []
        self.failure: Attempted[None] | None = None
        self.cause = ""

    def add(self, part: Part) -> None:
        """Add a part that is not even tried any more."""
        self._parts.append(part)

    def fail(self, part: Part, result: Attempted[None]) -> None:
        """Add a part that failed."""
        self.failure = result
        self._parts.append(part)
        if isinstance(result.error, IncompleteDocument):
            self._discard([s.work for s in part.segments])

    def _discard(self, works: Iterable[Work]) -> None:
        """Remove the rows of versions that the sink counted and found wrong; the next run loads them anew."""
        begun = {work.version.document_id for work in works if work.begun or work.resumed}
        if begun:
            session = self._session
            receipt = replace(session.receipt(self._collection), discarded=tuple(sorted(begun)))
            result = self._client.write(None, receipt)
            if result.error is not None:
                logger.warning(
                    "unfinished rows could not be removed, the next run removes them: %s",
                    session.describe(result.error),
                )

    def report(self, batch_index: int, *, waiting: int, stops: bool) -> None:
        """Say what of a batch could not be stored, and that its documents failed; begin anew.

        Args:
            batch_index: Which batch.
            waiting: How many records that waited for it are lost with it.
            stops: Whether that ends the run.
        """
        session = self._session
        parts, self._parts = self._parts, []
        session.dispatcher.emit(
            batch_failed(
                session.judge,
                self.failure or Attempted(),
                batch_index=batch_index,
                records=sum(part.size for part in parts) + waiting,
                stops=stops,
                otherwise=session.limit.exceeded,
                writer=self._writer,
            )
        )
        failed: dict[Work, None] = {}
        for segment in (segment for part in parts for segment in part.segments):
            segment.work.settled += segment.stop - segment.start
            if not segment.work.failed:
                segment.work.failed = True
                failed[segment.work] = None
        error = self.failure.error if self.failure is not None else None
        self.cause = class_and_message(error, session.describe) if error else session.limit.exceeded
        reason = f"a batch of it could not be stored: {self.cause}"
        documents_finished(session.dispatcher, "failed", failed, reason=reason)
