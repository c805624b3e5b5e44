"""Filling in: published rows that have no vector of the model are given one, from the table."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from operator import methodcaller
from typing import TYPE_CHECKING

from batchwright.contracts.events import RowsEmbedded, VectorsSwept
from batchwright.contracts.receipts import Reject, RejectFilter
from batchwright.contracts.records import RecordType
from batchwright.contracts.vectors import TEXT_REFUSED, Key, Unembedded, Without
from batchwright.engine.delivery.outcomes import record_rejected
from batchwright.engine.embedding.asking import ask_vectors
from batchwright.engine.embedding.embedding import Embedding
from batchwright.engine.embedding.stage import Stage
from batchwright.engine.embedding.texts import embedded_text
from batchwright.engine.embedding.units import Unit
from batchwright.errors import TextRefused
from batchwright.model import position_of, version_of

if TYPE_CHECKING:
    from batchwright.engine.session import Session

ROWS_AT_ONCE = 1_000

logger = logging.getLogger("batchwright")


class Filling:
    """Gives the published rows of a collection the vectors that they lack. Make it, call `run` once.

    Args:
        session: The run; it has the collection's lease.
        embedding: The embedder.
    """

    def __init__(self, session: Session, embedding: Embedding) -> None:
        self._session = session
        self._embedding = embedding
        self._collection = session.collection
        self._pages: dict[Unit, list[Unembedded]] = {}
        self._stage = Stage(session, embedding, self._hand_on)

    def run(self) -> None:
        """Have all of them embedded.

        Raises:
            Exception: The embedder or the store fails, or the work was stopped.
        """
        session, model = self._session, self._embedding.model
        session.stop.on_request(self._stage.end)
        after = ""
        try:
            while rows := self._ask_lacking(after):
                after = rows[-1].id
                texts = [text_of_row(row, session.record_type) for row in rows]
                unit = Unit.of(model.identity, len(rows), texts.__getitem__, 2 * sum(map(len, texts)))
                self._pages[unit] = rows
                if not self._stage.put(unit):
                    break
            self._stage.finish()
        finally:
            self._stage.close()

    def _ask_lacking(self, after: str) -> list[Unembedded]:
        question = methodcaller("lacking", self._embedding.model, self._collection, after, ROWS_AT_ONCE)
        rows: list[Unembedded] = ask_vectors(self._session.control, question)
        return rows

    def _hand_on(self, unit: Unit) -> None:
        """Attach the vectors to a page of rows, and keep the rejects of texts that are refused."""
        session, rows = self._session, self._pages.pop(unit)
        keys: dict[str, Key | Without] = {
            row.id: key for row, key in zip(rows, unit.keys, strict=True) if key != "outage"
        }
        token = session.tokens.get(self._collection)
        self._stage.greet()  # also where no row has a text
        self._stage.ask(methodcaller("attach", self._embedding.model, self._collection, keys, token))
        session.limit.add(len(unit.refusals))
        rejects = [self._reject(rows[place], refusal) for place, refusal in unit.refusals.items()]
        self._note(rows, rejects)
        session.dispatcher.emit(RowsEmbedded(unit.count(0, len(rows))))

    def _note(self, rows: Sequence[Unembedded], rejects: Sequence[Reject]) -> None:
        """Keep rejects, and forget those of rows that have a vector now."""
        session, refused = self._session, {reject.id for reject in rejects}
        ids = [row.id for row in rows]
        before = self._stage.ask_ledger(
            lambda ledger: ledger.rejects(RejectFilter(self._collection, ids=ids), limit=len(ids))
        )
        over = [one.id for one in before if one.error == TEXT_REFUSED and one.id not in refused]
        if not rejects and not over:
            return
        empty = session.receipt(self._collection)
        self._stage.order(replace(empty, rejects=tuple(rejects), resolved=tuple(over)))
        for reject in rejects:
            session.dispatcher.emit(record_rejected(reject, None))

    def _reject(self, row: Unembedded, refusal: TextRefused) -> Reject:
        session, record_type = self._session, self._session.record_type
        payload = {record_type.text or "": row.text}
        if record_type.heading is not None:
            payload[record_type.heading] = row.heading
        return Reject(
            id=row.id,
            run_id=session.run_id,
            collection=self._collection,
            key=row.document_key,
            document_id=version_of(row.id),
            position=position_of(row.id),
            error=TEXT_REFUSED,
            message=session.describe(refusal),
            sqlstate=None,
            attempts=1,
            decided_by="embedder",
            created_at=datetime.now(UTC).isoformat(),
            payload=payload,
        )


def text_of_row(row: Unembedded, record_type: RecordType) -> str:
    """Return the text of a published row that is embedded."""
    return embedded_text(row.heading, row.text, row.document_key if record_type.is_chunk else "")


def complete(session: Session) -> None:
    """Give the collection's published rows what they lack, have searches use the model, and sweep.

    At the end of a run that is done, under its lease.

    Raises:
        Exception: The embedder or the store fails, or the work was stopped.
    """
    embedding = session.embedding
    if embedding is None or embedding.down:
        return
    Filling(session, embedding).run()
    if not use(session):
        return
    before = (datetime.now(UTC) - timedelta(seconds=session.config.vectors_kept)).isoformat()
    swept = ask_vectors(session.control, lambda vectors: vectors.sweep(before))
    if swept:
        session.dispatcher.emit(VectorsSwept(swept))


def use(session: Session) -> bool:
    """Have searches use the model, if no rows lack its vectors; return whether there are any of it.

    Raises:
        OutageTooLong, RunInterrupted, SinkError: The store could not be asked.
    """
    embedding, client = session.embedding, session.control
    if embedding is None or embedding.down:
        return False
    model = embedding.model
    stored = ask_vectors(client, lambda vectors: vectors.models())
    own = next((one for one in stored if one.model == model), None)
    if own is None:
        return False  # nothing was ever embedded
    if own.is_used and not embedding.is_greeted:
        return True  # nothing was embedded since
    lacking = ask_vectors(client, lambda vectors: vectors.use(model), lasting=True)
    if others := [name for name in lacking if name != session.collection]:
        logger.warning(
            "collections that have no vectors of %s yet: %s; load them again, so that searches can use it",
            model.name,
            ", ".join(others),
        )
    return True
