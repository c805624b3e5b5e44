"""A reject of a text that was refused: have it embedded after all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from operator import methodcaller
from typing import Any

from batchwright.contracts.receipts import Reject
from batchwright.engine.embedding.stage import Stage
from batchwright.engine.embedding.texts import embedded_text
from batchwright.engine.embedding.units import Unit
from batchwright.engine.session import Session
from batchwright.errors import EmbedderError


def embed_refused(session: Session, reject: Reject, payload: Mapping[str, Any]) -> str:
    """Have the text of a published record embedded; return why it has no vector, or nothing.

    Args:
        session: Of the relation that holds it.
        reject: What was set aside beside the record.
        payload: The record.

    Raises:
        EmbedderError, OutageTooLong: The embedder fails.
        SinkError: The store fails, or a run has the collection.
    """
    embedding, record_type = session.embedding, session.record_type
    if embedding is None:
        return "no embedder is set, which could embed its text: name it in the settings"
    if payload != reject.payload:
        return "its text can't be changed here; change the document and run again"
    heading = payload.get(record_type.heading or "")
    text = embedded_text(
        heading, payload.get(record_type.text or ""), reject.key if record_type.is_chunk else ""
    )
    unit = Unit.of(embedding.model.identity, 1, lambda _: text, len(text))
    stage = Stage(session, embedding, lambda _: None)
    embedding.begin()
    try:
        stage.put(unit)
        stage.finish()
        if refusal := unit.refusals.get(0):
            return session.describe(refusal)
        if embedding.down:
            raise EmbedderError(embedding.down)
        keys = {reject.id: unit.keys[0]}
        token = session.tokens.get(reject.collection)
        stage.ask(methodcaller("attach", embedding.model, reject.collection, keys, token))
        stage.order(replace(session.receipt(reject.collection), resolved=(reject.id,)))
    finally:
        stage.close()
    return ""
