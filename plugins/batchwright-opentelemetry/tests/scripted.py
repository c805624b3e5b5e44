"""A sink in memory that fails as a test tells it to, and runs that load into it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from batchwright import (
    Batch,
    BatchConfig,
    BatchProcessor,
    ErrorRecoveryAction,
    Failure,
    ProcessedChunk,
    Receipt,
    Reporter,
    RunResult,
    Sink,
    SinkLimits,
    SinkOptions,
    Verdict,
    hookimpl,
)

Fault = Callable[[Batch[ProcessedChunk]], None]


@dataclass
class Store:
    """What the sink holds, and what goes wrong before a write."""

    rows: dict[str, ProcessedChunk] = field(default_factory=dict)
    fault: Fault = lambda batch: None
    lock: threading.Lock = field(default_factory=threading.Lock)


class ScriptedSink(Sink[SinkOptions]):
    name: ClassVar[str] = "scripted"
    schemes: ClassVar[tuple[str, ...]] = ("scripted",)
    limits = SinkLimits(rows=5_000, writers=4)
    store: ClassVar[Store]

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        self.store.fault(batch)
        with self.store.lock:
            self.store.rows.update({chunk.id: chunk for chunk in batch.documents})


class ScriptedPlugin:
    """Offers the sink, and a verdict on its faults: retried at once."""

    name = "scripted"

    def __init__(self, store: Store) -> None:
        self._sink = type("ScriptedSink", (ScriptedSink,), {"store": store})

    @hookimpl
    def register_sinks(self) -> Iterable[type[ScriptedSink]]:
        return [self._sink]

    @hookimpl
    def classify_error(self, failure: Failure) -> Verdict | None:
        if isinstance(failure.error, ConnectionError):
            return Verdict(ErrorRecoveryAction.RETRY, "scripted", wait=0.0)
        return None


def run(folder: Path, store: Store, reporter: Reporter[Any], **settings: object) -> RunResult:
    """Load a folder's documents into the store."""
    values: dict[str, Any] = {
        "input_dir": folder,
        "to": "scripted://user:hunter2@db.example:5432/kb",
        "ledger": folder.parent / "ledger.db",
        "reporters": [],
        **settings,
    }
    processor = BatchProcessor(BatchConfig(**values), plugins=[ScriptedPlugin(store)], reporters=[reporter])
    return processor.run()


def make_corpus(folder: Path, documents: int = 12, sections: int = 6) -> Path:
    """Write documents, each with some sections; the second section of each third one is called bad."""
    folder.mkdir()
    for number in range(documents):
        parts = [f"# Document {number}"]
        for section in range(sections):
            bad = " bad" if number % 3 == 0 and section == 1 else ""
            parts.append(f"## Section {section}{bad}\n\n" + f"Words of {number} and {section}. " * 20)
        (folder / f"{number:03}.md").write_text("\n\n".join(parts) + "\n", "utf-8")
    return folder


def fail_bad(batch: Batch[ProcessedChunk]) -> None:
    """Fail for records that are bad."""
    if any("bad" in (chunk.context_header or "") + chunk.chunk_text for chunk in batch.documents):
        raise ValueError("a bad record")


def fail_times(number: int, error: Callable[[], Exception], then: Fault = lambda batch: None) -> Fault:
    """Fail the first writes of records, then do as `then` says."""
    left = [number]
    lock = threading.Lock()

    def fault(batch: Batch[ProcessedChunk]) -> None:
        with lock:
            left[0] -= bool(batch.documents)
            failing = left[0] >= 0 and bool(batch.documents)
        if failing:
            raise error()
        then(batch)

    return fault
