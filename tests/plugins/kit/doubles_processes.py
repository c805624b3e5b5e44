"""Sinks of several processes, which keep their tables in a file: one that is right, and wrong ones."""

from __future__ import annotations

import fcntl
import os
import pickle
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from batchwright import Batch, ProcessedChunk, Receipt
from tests.plugins.kit.reference import DATABASES, Database, ReferenceSink
from tests.support.memory import Tables


class FileSink(ReferenceSink):
    """Locks the file, reads it, changes the tables, and writes it."""

    @property
    def path(self) -> Path:
        return Path(urlsplit(self.url).path)

    @property
    def there(self) -> Database:
        database = DATABASES.setdefault(self.url, Database())
        database.tables = load(self.path)
        return database

    def lock(self) -> Any:
        return _locked(self.path)

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        with self.lock():
            database = self.opened()
            database.tables = load(self.path)
            super().write(batch, receipt)
            time.sleep(0.01)
            new = self.path.with_suffix(f".{id(self)}")
            new.write_bytes(pickle.dumps(database.tables))
            new.replace(self.path)


def load(path: Path) -> Tables:
    return pickle.loads(path.read_bytes()) if path.exists() else Tables()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class KeepsItToItself(ReferenceSink):
    """Its target is its process."""

    @property
    def there(self) -> Database:
        return DATABASES.setdefault(self.url, Database())


class LocksNothing(FileSink):
    def lock(self) -> Any:
        return nullcontext()


class AppendsForEachProcess(FileSink):
    def store(self, draft: Tables, rows: list[ProcessedChunk]) -> None:
        draft.rows.update({f"{row.id} {os.getpid()}": row for row in rows})

    def count(self, draft: Tables, receipt: Receipt) -> None:
        pass

    def is_known(self, draft: Tables, receipt: Receipt) -> bool:
        seen: set[str] = vars(self).setdefault("seen", set())
        known = receipt.batch_id in seen
        seen.add(receipt.batch_id)
        return known


PROCESSES: dict[str, type[ReferenceSink]] = {
    "class_and_options_are_enough_for_another_process": KeepsItToItself,
    "processes_that_write_lose_nothing": LocksNothing,
    "processes_that_write_the_same_batches_store_them_once": AppendsForEachProcess,
}
