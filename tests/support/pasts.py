"""A folder and a target with a past drawn from a seed: what edits, runs of every ending and programs left."""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest

from batchwright import BatchConfig, BatchProcessor, PluginManager, ProcessedChunk, hookimpl
from batchwright.builtin.sqlite.sink import SqliteSink
from batchwright.contracts.ledger import Ledger
from batchwright.contracts.receipts import KnownDocument, Receipt
from batchwright.contracts.records import RecordType
from batchwright.contracts.reporter import AnyReporter
from batchwright.contracts.sink import SinkLimits, Store
from batchwright.contracts.stop import Stop
from batchwright.engine.lease import give_up
from batchwright.engine.result import RunResult
from batchwright.errors import BadRecords, SinkError
from batchwright.model import Batch
from batchwright.operations.relation import found
from tests.support.memory import Database, Fault, MemoryPlugin

POISON = "arsenic"
LARGEST = 12_000
"""Bytes of a document, at most; a larger one can't be read."""

NAMES = [
    "a.md",
    "a/b.md",
    "a/c.md",
    "a-b.md",
    "b/c/d.md",
    "b/e.md",
    "b.md",
    "é.md",
    "z/y.md",
    "z.md",
    "\U0001f600.md",
]
FOLDERS = ["a", "b", "b/c", "z"]
SIZES = [0, 0, 1, 1, 2, 3, 5, 9]


class ScriptedStore(Store):
    """A store of SQLite that fails as the script of a database says."""

    def __init__(self, store: Store, script: Database) -> None:
        self._store = store
        self._script = script

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        self._script.before(batch, receipt)
        self._store.write(batch, receipt)
        self._script.after(batch, receipt)

    @property
    def ledger(self) -> Ledger | None:
        return self._store.ledger

    def close(self) -> None:
        self._store.close()


class ScriptedSqlite(SqliteSink):
    """The SQLite sink with a script."""

    name = "scripted"
    schemes = ("scripted",)
    script: ClassVar[Database]

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self.limits = self.script.limits

    def open(self, record_type: RecordType | None = None, *, create: bool = True) -> Any:
        return ScriptedStore(super().open(record_type, create=create), self.script)


class ScriptedPlugin:
    """Offers `scripted`."""

    name = "scripted-plugin"

    def __init__(self) -> None:
        self.database = Database()

    @hookimpl
    def register_sinks(self) -> Iterable[type[ScriptedSqlite]]:
        return [type("ScriptedSqlite", (ScriptedSqlite,), {"script": self.database})]


@dataclass
class Past:
    """A folder, a target, and what happened to them.

    Attributes:
        root: Where all of it is.
        kind: The sink: sqlite, or memory with a ledger beside.
        random: Where chance comes from.
        closed: Folders that can't be listed.
        told: What happened, for the message of a failure.
    """

    root: Path
    kind: str
    random: random.Random
    closed: set[str] = field(default_factory=set)
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.docs = self.root / "docs"
        self.docs.mkdir()
        self.file = self.root / "kb.db"
        self.plugin = ScriptedPlugin() if self.kind == "sqlite" else MemoryPlugin()
        database = self.plugin.database
        database.own_ledger = self.kind == "sqlite"
        database.limits = SinkLimits(
            rows=self.random.choice([5_000, 5_000, 5]),
            bytes=self.random.choice([None, None, 60, 400, 2_000]),
            writers=1 if self.kind == "sqlite" else 4,
        )
        database.before = self.random.choice([refuse_by_name, refuse])
        self.told.append(f"{self.kind} {database.limits} {getattr(database.before, '__name__', '')}")

    # --- what happens -----------------------------------------------------------------------------

    def draw(self) -> None:
        """Have a random past."""
        for _ in range(2):
            self.edit()
        steps = [
            self.finish,
            self.finish,
            self.stop,
            self.fail,
            self.kill,
            self.insert,
            self.insert,
            self.edit,
        ]
        for _ in range(self.random.choice([0, 1, 2, 3, 3, 4, 5])):
            self.random.choice(steps)()
        self.edit(most=4)

    def edit(self, most: int = 99) -> None:
        """Add, change and remove documents; make some unreadable, or readable again."""
        random_, names = self.random, [*NAMES]
        if random_.random() < 0.3 and most > 20:
            names += [f"many/{number:02}.md" for number in range(random_.randint(1, 20))]
        for name in random_.sample(names, random_.randint(0, min(most, len(names)))):
            self._write(name)
        if random_.random() < 0.1:  # names that are no valid Unicode: one that reads like another's
            self.docs.joinpath(os.fsdecode(b"caf\xe9.md")).write_text("# Coffee\n", "utf-8")
            self.docs.joinpath("caf\\xe9.md").write_text("# Another\n", "utf-8")
        self.closed = {folder for folder in FOLDERS if random_.random() < 0.04}
        self.told.append(f"edit, closed {sorted(self.closed)}")

    def _write(self, name: str) -> None:
        path = self.docs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        what = self.random.choice(["text"] * 9 + ["gone"] * 6 + ["bytes", "large", "link", "pipe"])
        if path.is_symlink() or path.exists():
            path.unlink()
        if what == "text":
            path.write_text(self._text(), "utf-8")
        elif what == "bytes":
            path.write_bytes(b"caf\xe9")
        elif what == "large":
            path.write_text("word " * LARGEST, "utf-8")
        elif what == "link":
            path.symlink_to("nowhere")
        elif what == "pipe":
            os.mkfifo(path)

    def _text(self) -> str:
        random_ = self.random
        words = [POISON if random_.random() < 0.15 else f"word{random_.randint(0, 9)}" for _ in range(9)]
        return "".join(
            f"## Part {n}\n\n{words[n]} {'lorem ipsum ' * 8}.\n\n" for n in range(random_.choice(SIZES))
        )

    def finish(self) -> None:
        """Have a run end as it ends."""
        result = self.run(self.config(**self._settings()))
        self.told.append(f"run {result.state} {result.reason}")

    def stop(self) -> None:
        """Have a run stopped after some batches."""
        stop, left = Stop(), [self.random.randint(0, 4)]

        def count(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
            left[0] -= 1
            if left[0] < 0:
                stop.request("enough")

        with self._scripted(after=count):
            result = self.run(self.config(**self._settings()), stop=stop)
        self.told.append(f"stopped run {result.state}")

    def fail(self) -> None:
        """Have a run fail for good after some batches."""
        left = [self.random.randint(0, 4)]
        before = self.plugin.database.before

        def fail(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise RuntimeError("no more")
            before(batch, receipt)

        with self._scripted(before=fail):
            try:
                result = self.run(self.config(**self._settings()))
            except SinkError as error:  # what a run does behind its batches failed
                self.told.append(f"failed run {error!r}")
            else:
                self.told.append(f"failed run {result.state}")

    def kill(self) -> None:
        """Have everything as it was after some write of a run, as if the run had been killed then."""
        left = [self.random.randint(1, 6)]
        restore: list[Callable[[], None]] = []
        tokens: list[str] = []

        def copy(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
            left[0] -= 1
            if left[0] == 0:
                restore.append(self._copied())
                tokens.append(receipt.token or "")

        with self._scripted(after=copy):
            self.run(self.config(workers=1, **self._settings()))
        for action, token in zip(restore, tokens, strict=True):
            action()
            give_up(token)  # what was restored has the lease of a run that is no more
        self.told.append(f"killed run {bool(restore)}")

    def insert(self) -> None:
        """Have a program store documents, whole or in part, of its own and under the keys of files."""
        random_ = self.random
        for key in random_.sample([*NAMES, "own/a", "own/b", "zz"], random_.randint(1, 5)):
            total = random_.randint(1, 4)
            chunks = [
                ProcessedChunk(
                    f"{POISON if random_.random() < 0.2 else 'text'} {number}",
                    source_file=key, chunk_index=number, total_chunks=total,
                )
                for number in range(total)
            ]  # fmt: skip
            with BatchProcessor(self.config(), manager=self.manager()) as processor:
                processor.insert_chunks(random_.sample(chunks, random_.randint(1, total)))
        self.told.append("insert")

    # --- what is there ----------------------------------------------------------------------------

    def config(self, **settings: Any) -> BatchConfig:
        """The settings, unless others are given."""
        defaults: dict[str, Any] = {
            "to": f"scripted:///{self.file}" if self.kind == "sqlite" else "memory://",
            "chunk_max_tokens": 32, "batch_size": 4, "batch_timeout": None, "reporters": (), "readers": 1,
            "max_document_bytes": LARGEST, "ledger": self.root / "ledger.db", "max_retries": 0,
            "collection": "docs",
        }  # fmt: skip
        return BatchConfig(input_dir=self.docs, **{**defaults, **settings})

    def _settings(self) -> dict[str, Any]:
        random_ = self.random
        return {
            "chunk_max_tokens": random_.choice([32, 32, 16]),
            "batch_size": random_.choice([1, 2, 4, 9, None]),
            "prune": random_.random() < 0.2,
        }

    def manager(self) -> PluginManager:
        return PluginManager.load([self.plugin])

    def run(
        self, config: BatchConfig, reporters: Sequence[AnyReporter] = (), stop: Stop | None = None
    ) -> RunResult:
        """Load the folder."""
        with self.folders_closed():
            return BatchProcessor(config, manager=self.manager(), reporters=reporters).run(stop=stop)

    def published(self) -> list[KnownDocument]:
        """What the ledger says is published."""
        with found(self.config(), self.manager()) as target:
            return list(target.documents("docs")) if target else []

    def everything(self) -> Any:
        """All files, and all tables."""
        files = {
            path.relative_to(self.root): path.read_bytes() if path.is_file() else None
            for path in sorted(self.root.rglob("*"))
            if not path.name.endswith(("-shm", "-wal"))
        }
        tables = [_contents(path) for path in (self.file, self.root / "ledger.db") if path.exists()]
        return files, tables, self.plugin.database.tables.copy()

    @contextmanager
    def folders_closed(self) -> Iterator[None]:
        """Refuse to list the closed folders, as a system does that asks root for permissions, too."""
        scandir, closed = os.scandir, {str(self.docs / folder) for folder in self.closed}

        def refuse(path: Any) -> Any:
            if str(path) in closed:
                raise PermissionError(13, "Permission denied")
            return scandir(path)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "scandir", refuse)
            yield

    @contextmanager
    def _scripted(self, **faults: Fault) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for when, fault in faults.items():
                patch.setattr(self.plugin.database, when, fault)
            yield

    def _copied(self) -> Callable[[], None]:
        """Copy the target as it is now; return what brings it back."""
        database = self.plugin.database
        tables = database.tables.copy()
        path = self.file if self.kind == "sqlite" else self.root / "ledger.db"
        copy = self.root / "copy"
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as sink:
            source.backup(sink)

        def restore() -> None:
            database.tables = tables
            for suffix in ("-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            copy.replace(path)

        return restore


def refuse(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
    """Refuse a batch with a bad record, without saying which."""
    if any(POISON in chunk.chunk_text for chunk in batch.documents):
        raise ValueError("poison")


def refuse_by_name(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
    """Refuse a batch with bad records, and name them."""
    bad = {n: "poison" for n, chunk in enumerate(batch.documents) if POISON in chunk.chunk_text}
    if bad:
        raise BadRecords(bad)


def _contents(path: Path) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(path)) as connection:
        names = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        return {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for name in names}
