"""A process that makes the index of texts anew, again and again, or writes, until it is killed."""

from __future__ import annotations

import random
import sys
from contextlib import closing, suppress

import psycopg

from batchwright.contracts.search import Searchable
from batchwright.contracts.sink import Store
from batchwright.testing.records import Sample, batch, receipt, sample
from tests.support.vector_worker import sink_of

_WORDS = 400
_DOCUMENTS = 12
_RECORDS = 120


class TextWriter:
    """Loads and deletes documents of one collection."""

    def __init__(self, store: Store, collection: str, seed: int) -> None:
        self._store = store
        self._collection = collection
        self._random = random.Random(seed)
        self._run = f"{collection} {seed}"
        self._number = 0

    def write(self) -> None:
        """Load another version of some document, or delete it."""
        self._number += 1
        key = f"{self._random.randrange(_DOCUMENTS)}.md"
        known = (
            next(iter(self._store.ledger.find(self._collection, [key])), None) if self._store.ledger else None
        )
        batch_id = f"{self._run}/{self._number}"
        if known is not None and self._random.random() < 0.3:
            deleted = ((key, known.version.document_id),)
            self._store.write(
                batch([]), receipt(batch_id=batch_id, collection=self._collection, deleted=deleted)
            )
            return
        one = self._sample(key)
        published = (one.publication(),)
        written = receipt(
            len(one.chunks), batch_id=batch_id, collection=self._collection, publications=published
        )
        self._store.write(batch(one.chunks), written)

    def _sample(self, key: str) -> Sample:
        texts = [
            " ".join(f"word{self._random.randrange(_WORDS)}" for _ in range(self._random.randint(1, 9)))
            for _ in range(self._random.randint(1, _RECORDS))
        ]
        return sample(key, texts, content=f"{self._random.random()}", collection=self._collection)


def work(url: str, what: str, seed: int, steps: int | None = None) -> None:
    """Work for so many steps, or for ever."""
    with closing(sink_of(url).open()) as store:
        writer, done = TextWriter(store, what, seed), 0
        print("ready", flush=True)
        while steps is None or done < steps:
            done += 1
            with suppress(psycopg.errors.DeadlockDetected):  # the engine tries again
                if what != "reindex":
                    writer.write()
                elif isinstance(store, Searchable):
                    for _ in store.reindex():
                        pass


if __name__ == "__main__":
    work(sys.argv[1], sys.argv[2], int(sys.argv[3]))
