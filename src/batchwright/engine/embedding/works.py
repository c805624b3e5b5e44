"""Documents on their way through the stage, to the writers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from batchwright.contracts.receipts import Reject
from batchwright.contracts.rows import Placed
from batchwright.engine.delivery.buffer import Buffer, Item, weight
from batchwright.engine.delivery.outcomes import documents_not_attempted, records_not_attempted
from batchwright.engine.delivery.parts import Segment
from batchwright.engine.delivery.rejects import REFUSED, reject_for
from batchwright.engine.delivery.row_block import RowBlock
from batchwright.engine.delivery.work import Unreadable, Work
from batchwright.engine.embedding.asking import ask_vectors
from batchwright.engine.embedding.embedding import Embedding
from batchwright.engine.embedding.stage import Stage
from batchwright.engine.embedding.texts import TextOf
from batchwright.engine.embedding.units import Unit
from batchwright.engine.store.client import StoreClient

if TYPE_CHECKING:
    from batchwright.engine.session import Session


class WorkStage:
    """The stage between the reader and the writers' buffer. Put documents in; they come out in any order.

    Args:
        session: The run.
        embedding: The embedder.
        buffer: Where documents go that have their vectors.
        on_failure: Called with what ends the stage early.
    """

    def __init__(
        self,
        session: Session,
        embedding: Embedding,
        buffer: Buffer,
        on_failure: Callable[[Exception], None],
    ) -> None:
        self._session = session
        self._buffer = buffer
        self._text_of = embedding.text_of(session.record_type)
        self._model = embedding.model.identity
        self._rejects = embedding.options.on_refused == "reject"
        self._works: dict[Unit, Work] = {}
        self._stage = Stage(session, embedding, self._hand_on, on_failure)
        self.end = self._stage.end
        self.wait = self._stage.wait
        self.open = partial(self._stage.open, session.control)

    def put(self, item: Item) -> bool:
        """Add a document, waiting for room; return whether it was taken: not so when the stage has ended."""
        if isinstance(item, RowBlock):
            raise TypeError("rows that are embedded come one by one")
        if isinstance(item, Unreadable):
            return self._buffer.put(item)
        if not self._buffer.has_room():
            return False
        unit = Unit.of(self._model, len(item.records), _texts(self._text_of, item.records), weight(item))
        self._works[unit] = item
        if self._stage.put(unit):
            return True
        del self._works[unit]
        return False

    def close(self) -> None:
        """End, and account for the documents that have not all their vectors."""
        self._stage.close()
        documents_not_attempted(self._session.dispatcher, [*self._works.values()])
        self._works.clear()

    def _hand_on(self, unit: Unit) -> None:
        work = self._works.pop(unit)
        rejects = settle(self._session, self._session.collection, work, unit, reject=self._rejects)
        if rejects and work.is_refused:
            items: list[Work | Unreadable] = [Unreadable(rejects, work)]
        else:
            items = [Unreadable(rejects), work] if rejects else [work]
        for item in items:
            if not self._buffer.put(item, wait=False):
                if isinstance(item, Work) or item.work is not None:
                    documents_not_attempted(self._session.dispatcher, [work])
                else:
                    records_not_attempted(self._session.dispatcher, item.records)


def embed_works(session: Session, collection: str, works: Sequence[Work]) -> list[Reject]:
    """Give documents that are at hand their vectors; return the rejects of records that are not to be stored.

    Args:
        session: What takes the place of a run. Without an embedder nothing happens.
        collection: What the records belong to.
        works: The documents.

    Raises:
        Exception: The embedder or the store fails, or the work was stopped.
    """
    embedding = session.embedding
    if embedding is None:
        return []
    text_of = embedding.text_of(session.record_type)
    embedding.begin()
    units: dict[Unit, Work] = {}
    stage = Stage(session, embedding, lambda _: None)
    try:
        for work in works:
            unit = Unit.of(
                embedding.model.identity, len(work.records), _texts(text_of, work.records), weight(work)
            )
            units[unit] = work
            stage.put(unit)
        stage.finish()
    finally:
        stage.close()
    rejects: list[Reject] = []
    for unit, work in units.items():  # of a document that is published already every record has its row
        reject = embedding.options.on_refused == "reject" and not work.is_published
        rejects += settle(session, collection, work, unit, reject=reject)
    return rejects


def embed_purged(session: Session, client: StoreClient, works: Iterable[Work]) -> bool:
    """Have texts embedded again of which the vectors were purged since they were looked up.

    Args:
        session: The run, or what takes its place.
        client: The way to the store.
        works: The documents, which have their vectors as far as is known.

    Returns:
        Whether there were such, and all of them have what they need now.

    Raises:
        Exception: As `embed_works`.
    """
    embedding = session.embedding
    units = {work.vectors for work in works if work.vectors is not None}
    keys = {key for unit in units for _, key in unit.wanted()}
    if embedding is None or not keys:
        return False
    model = embedding.model
    if not ask_vectors(client, lambda vectors: vectors.missing(model, keys)):
        return False
    stage = Stage(session, embedding, lambda _: None, client=client)
    with session.stop.waking(stage.end):
        for unit in units:
            stage.put(unit)
        stage.finish()
    return not any(unit.left for unit in units)


def _texts(text_of: TextOf, records: Sequence[Placed]) -> Callable[[int], str]:
    return lambda place: text_of(records[place])


def settle(session: Session, collection: str, work: Work, unit: Unit, *, reject: bool) -> list[Reject]:
    """Give a document its vectors; return the rejects of records that are not to be stored.

    Args:
        session: The run, or what takes its place.
        collection: What the records belong to.
        work: The document.
        unit: Its vectors.
        reject: Whether a record whose text is refused is set aside, rather than stored without a vector.
    """
    if not reject:  # else they are counted where they are carried to the store
        session.limit.add(len(unit.refusals))
    rejects = []
    if reject and unit.refusals:
        for place, refusal in unit.refusals.items():
            error = ValueError(str(refusal))
            rejects.append(
                reject_for(session, collection, Segment(work, place, place + 1), error, REFUSED, 1)
            )
        work.records = [one for place, one in enumerate(work.records) if place not in unit.refusals]
        work.rejected += len(rejects)
        unit = unit.without(unit.refusals)
    work.vectors = unit
    return rejects
