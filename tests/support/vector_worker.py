"""A process that keeps, publishes, switches, sweeps and purges vectors until it is killed.

Two of them work on one target, each in a collection of its own, on texts that they share.
"""

from __future__ import annotations

import random
import sys
from contextlib import closing, suppress
from typing import Any

from batchwright import IncompleteDocument
from batchwright.builtin.postgres import PostgresOptions, PostgresSink
from batchwright.builtin.sqlite import SqliteOptions, SqliteSink
from batchwright.contracts.embedder import EmbeddingModel
from batchwright.contracts.sink import AnySink, Store
from batchwright.contracts.vectors import Vectors
from batchwright.errors import SinkError
from batchwright.testing.embedded import MODEL, OTHER, embedded, key_of, vector_of
from batchwright.testing.records import Sample, batch, receipt, sample

_TEXTS = 60
_DOCUMENTS = 12
_NEVER_YET = "2999-01-01T00:00:00+00:00"


def sink_of(url: str) -> AnySink:
    if url.startswith("sqlite:"):
        return SqliteSink(SqliteOptions.model_validate({"url": url}))
    return PostgresSink(PostgresOptions.model_validate({"url": url}))


class VectorWorker:
    def __init__(self, store: Store, collection: str, seed: int) -> None:
        self._store = store
        self._collection = collection
        self._random = random.Random(seed)
        self._known: dict[str, Sample] = {}
        self._number = 0

    @property
    def _vectors(self) -> Vectors:
        vectors = self._store.vectors
        assert vectors is not None
        return vectors

    def work(self) -> None:
        """Do one thing."""
        model = self._next()
        choice = self._random.random()
        if choice < 0.7:
            self._load(model)
        elif choice < 0.8 and self._known:
            self._delete()
        elif choice < 0.9:
            self._vectors.sweep(_NEVER_YET)
        else:
            self._switch(OTHER if model == MODEL else MODEL)

    def _next(self) -> EmbeddingModel:
        """The model in use, prepared; or the one that is to be."""
        used = [there.model for there in self._vectors.models() if there.is_used]
        model = used[0] if used else MODEL
        self._vectors.prepare(model, vector_of("canary", model))
        return model

    def _load(self, model: EmbeddingModel) -> None:
        self._number += 1
        key = f"{self._random.randrange(_DOCUMENTS)}.md"
        texts = [f"text {self._random.randrange(_TEXTS)}" for _ in range(self._random.randint(1, 6))]
        content = f"{self._random.random()}"
        one = sample(key, texts, content=content, collection=self._collection)
        for _ in range(20):
            self._put(model, texts)
            written = receipt(
                len(texts),
                batch_id=f"{self._collection} {content}/{self._number}",
                collection=self._collection,
                publications=(one.publication(),),
                embedded=embedded(one, model=model),
            )
            with suppress(IncompleteDocument):  # swept meanwhile
                self._store.write(batch(one.chunks), written)
                self._known[key] = one
                return

    def _put(self, model: EmbeddingModel, texts: list[str]) -> None:
        missing = self._vectors.missing(model, [key_of(text) for text in texts])
        wanted = {key_of(text): vector_of(text, model) for text in texts}
        self._vectors.put(model, {key: vector for key, vector in wanted.items() if key in missing})

    def _delete(self) -> None:
        key = self._random.choice(sorted(self._known))
        gone = self._known.pop(key)
        deleted = ((key, gone.id),)
        self._store.write(
            batch([]),
            receipt(
                batch_id=f"{self._collection} gone {self._random.random()}",
                collection=self._collection,
                deleted=deleted,
                purge=self._random.random() < 0.5,
            ),
        )

    def _switch(self, model: EmbeddingModel) -> None:
        self._vectors.prepare(model, vector_of("canary", model))
        for name in ("first", "second"):
            while rows := self._vectors.lacking(model, name):
                self._put(model, [row.text for row in rows])
                self._vectors.attach(model, name, {row.id: key_of(row.text) for row in rows}, None)
        self._vectors.use(model)


def work(url: str, collection: str, seed: int, steps: int | None = None) -> None:
    """Work for so many steps, or for ever."""
    with closing(sink_of(url).open()) as store:
        worker: Any = VectorWorker(store, collection, seed)
        done = 0
        print("ready", flush=True)
        while steps is None or done < steps:
            done += 1
            with suppress(SinkError):  # the other has just removed the model
                worker.work()


if __name__ == "__main__":
    work(sys.argv[1], sys.argv[2], int(sys.argv[3]))
