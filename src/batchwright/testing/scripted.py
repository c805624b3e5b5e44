"""A target in memory that fails as a test tells it to: real runs for the tests of a plugin."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from batchwright import (
    Batch,
    ErrorRecoveryAction,
    Failure,
    Receipt,
    Sink,
    SinkLimits,
    SinkOptions,
    Verdict,
    hookimpl,
)
from batchwright.contracts.records import RecordType
from batchwright.contracts.reporter import AnyReporter
from batchwright.contracts.sink import Store

if TYPE_CHECKING:
    from batchwright import RunResult

Fault = Callable[[Batch[Any]], None]
"""Called before a write, which fails with what it raises."""


class ScriptedTarget:
    """Takes what runs write.

    A ConnectionError is retried at once; any other error is up to the built-in classifier. The URL of the
    target holds the password `hunter2`.

    Args:
        fault: Says what goes wrong; None for nothing.

    Attributes:
        rows: The chunks that were written, by id.
    """

    name = "scripted"

    def __init__(self, fault: Fault | None = None) -> None:
        self.rows: dict[str, Any] = {}
        self._fault = fault
        self._lock = threading.Lock()

    def run(self, folder: Path, reporter: AnyReporter, **settings: object) -> RunResult:
        """Load a folder's documents, with the built-in reporters off; `settings` are BatchConfig's."""
        from batchwright import BatchConfig, BatchProcessor  # the checks of a plugin alone need no engine

        values: dict[str, Any] = {
            "input_dir": folder,
            "to": "scripted://user:hunter2@db.example:5432/kb",
            "ledger": folder.parent / "ledger.db",
            "reporters": [],
            **settings,
        }
        return BatchProcessor(BatchConfig(**values), plugins=[self], reporters=[reporter]).run()

    def write(self, batch: Batch[Any]) -> None:
        """Take a batch, or fail."""
        if self._fault is not None:
            self._fault(batch)
        with self._lock:
            self.rows.update({chunk.id: chunk for chunk in batch.documents})

    @hookimpl
    def register_sinks(self) -> Iterable[type[Sink[Any]]]:
        """Offer a sink that writes here."""
        return [type("ScriptedSink", (_ScriptedSink,), {"target": self})]

    @hookimpl
    def classify_error(self, failure: Failure) -> Verdict | None:
        """Have connections tried again at once."""
        if isinstance(failure.error, ConnectionError):
            return Verdict(ErrorRecoveryAction.RETRY, "scripted", wait=0.0)
        return None


class _ScriptedSink(Sink[SinkOptions]):
    name: ClassVar[str] = "scripted"
    schemes: ClassVar[tuple[str, ...]] = ("scripted",)
    limits = SinkLimits(rows=5_000, writers=4)
    target: ClassVar[ScriptedTarget]

    def open(self, record_type: RecordType | None = None, *, create: bool = True) -> Store:
        return _ScriptedStore(self.target)


class _ScriptedStore(Store):
    def __init__(self, target: ScriptedTarget) -> None:
        self._target = target

    def write(self, batch: Batch[Any], receipt: Receipt) -> None:
        self._target.write(batch)


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


def fail_bad(batch: Batch[Any]) -> None:
    """Fail for records that are called bad (see `make_corpus`): a fault."""
    if any("bad" in (chunk.context_header or "") + chunk.chunk_text for chunk in batch.documents):
        raise ValueError("a bad record")


def fail_times(number: int, error: Callable[[], Exception], then: Fault | None = None) -> Fault:
    """Return a fault that fails the first writes of records, then does as `then` says."""
    left = [number]
    lock = threading.Lock()

    def fault(batch: Batch[Any]) -> None:
        with lock:
            left[0] -= bool(batch.documents)
            failing = left[0] >= 0 and bool(batch.documents)
        if failing:
            raise error()
        if then is not None:
            then(batch)

    return fault
