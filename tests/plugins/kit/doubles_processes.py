"""Sinks of several processes, which keep their tables in a file: one that is right, and wrong ones."""

from __future__ import annotations

import fcntl
import os
import pickle
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from urllib.parse import urlsplit

from batchwright import Batch, ProcessedChunk, Receipt
from tests.plugins.kit.reference import DATABASES, Database, ReferenceSink, ReferenceStore
from tests.support.model import Tables


class FileStore(ReferenceStore):
    """Locks the file, reads it, changes the tables, and writes it."""

    def lock(self) -> AbstractContextManager[None]:
        return _locked(path_of(self.sink))

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        with self.lock():
            path, database = path_of(self.sink), self.opened()
            database.tables = load(path)
            super().write(batch, receipt)
            time.sleep(0.01)
            new = path.with_suffix(f".{id(self)}")
            new.write_bytes(pickle.dumps(database.tables))
            new.replace(path)


class FileSink(ReferenceSink):
    store_type = FileStore

    @property
    def there(self) -> Database:
        database = DATABASES.setdefault(self.url, Database())
        database.tables = load(path_of(self))
        return database


def path_of(sink: ReferenceSink) -> Path:
    return Path(urlsplit(sink.url).path)


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


class _LocksNothingStore(FileStore):
    def lock(self) -> AbstractContextManager[None]:
        return nullcontext()


class LocksNothing(FileSink):
    store_type = _LocksNothingStore


class _AppendingStore(FileStore):
    def store(self, tables: Tables, rows: Sequence[ProcessedChunk]) -> None:
        tables.rows.update({f"{row.id} {os.getpid()}": row for row in rows})

    def count(self, tables: Tables, receipt: Receipt) -> None:
        pass

    def is_known(self, tables: Tables, receipt: Receipt) -> bool:
        seen: set[str] = vars(self).setdefault("seen", set())
        known = receipt.batch_id in seen
        seen.add(receipt.batch_id)
        return known


class AppendsForEachProcess(FileSink):
    store_type = _AppendingStore


PROCESSES: dict[str, type[ReferenceSink]] = {
    "class_and_options_are_enough_for_another_process": KeepsItToItself,
    "processes_that_write_lose_nothing": LocksNothing,
    "processes_that_write_the_same_batches_store_them_once": AppendsForEachProcess,
}
