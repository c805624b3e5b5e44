"""What a run would send to its embedder: texts and tokens, counted before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import methodcaller
from typing import Any

from batchwright.contracts.records import RecordType
from batchwright.contracts.vectors import Key, Unembedded, Vectors
from batchwright.engine.embedding.embedding import Embedding
from batchwright.engine.embedding.texts import embedded_text, key_of
from batchwright.engine.reading.changes import Change, Unchanged

AT_ONCE = 2_000
"""Texts, or published rows, that are looked up together."""

Ask = Callable[[Callable[[Vectors], Any]], Any]
"""Has the vectors of the store answer; None stands for a target without any."""


class Estimate:
    """Counts texts that have no vector yet, each once.

    Args:
        embedding: The embedder.
        record_type: What the records are.
        ask: The way to the vectors of the target; None where there are none.

    Attributes:
        texts: How many would be sent.
        tokens: Their tokens, about.
    """

    def __init__(self, embedding: Embedding, record_type: RecordType, ask: Ask | None) -> None:
        self.texts = self.tokens = 0
        self._embedding = embedding
        self._record_type = record_type
        self._text_of = embedding.text_of(record_type)
        self._ask = ask
        self._seen: set[Key] = set()
        self._waiting: dict[Key, str] = {}
        self._replaced: set[str] = set()

    def add(self, change: Change | Unchanged) -> None:
        """Count the texts of a document that would be stored."""
        if isinstance(change, Unchanged):
            return
        if change.state in ("changed", "deleted"):
            self._replaced.add(change.key)
        if change.version is not None and change.records is not None and change.state != "unchanged":
            self._add(map(self._text_of, change.records))

    def finish(self, collection: str) -> None:
        """Count the published rows of the collection that lack a vector of the model, and what is left."""
        is_chunk, after = self._record_type.is_chunk, ""
        while self._ask is not None and (rows := self._lacking(collection, after)):
            after = rows[-1].id
            self._add(
                embedded_text(row.heading, row.text, row.document_key if is_chunk else "")
                for row in rows
                if row.document_key not in self._replaced
            )
        self._look_up()

    def _lacking(self, collection: str, after: str) -> Sequence[Unembedded]:
        question = methodcaller("lacking", self._embedding.model, collection, after, AT_ONCE)
        rows: Sequence[Unembedded] = self._ask(question) if self._ask is not None else ()
        return rows

    def _add(self, texts: Iterable[str]) -> None:
        for text in texts:
            key = key_of(text) if text else b""
            if text and key[:16] not in self._seen:
                self._seen.add(key[:16])  # half of it tells texts apart as well
                self._waiting[key] = text
                if len(self._waiting) >= AT_ONCE:
                    self._look_up()

    def _look_up(self) -> None:
        waiting, self._waiting = self._waiting, {}
        if not waiting:
            return
        missing: Iterable[Key] = waiting
        if self._ask is not None:
            missing = self._ask(methodcaller("missing", self._embedding.model, list(waiting), keep=False))
        for key in missing:
            self.texts += 1
            self.tokens += self._embedding.tokens(waiting[key])
