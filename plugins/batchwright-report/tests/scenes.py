"""Runs as a reporter gets them, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from batchwright import Account, DocumentCounts, RecordCounts
from batchwright.contracts import events

from batchwright_report import HtmlReporter, ReportOptions


class Stage:
    """A reporter, its clock, and the page that it writes."""

    def __init__(self, path: Path, **options: Any) -> None:
        self.path = path
        self.now = 0.0
        self.reporter = HtmlReporter(ReportOptions(path=path, **options), clock=lambda: self.now)

    def play(self, *happened: events.Event, after: float = 0.0) -> None:
        """Have events come `after` so many seconds."""
        self.now += after
        for event in happened:
            self.reporter.handle(event)

    def page(self) -> str:
        return self.path.read_text("utf-8")


STARTED = events.RunStarted(
    "1f0c7a52-6a0e-4b53-9f3f-0c8d3f6f1a11", "docs", "postgresql://loader:***@db.example:5432/kb", "docs"
)


def write(stage: Stage, index: int, records: int, seconds: float, documents: int = 8, **more: Any) -> None:
    """A batch that is stored."""
    first, last = f"guide/{index:04}-install.md", f"guide/{index:04}-upgrade.md"
    stage.play(events.BatchStarted(index, records, 1.7e9 + stage.now, 0, documents, first, last))
    stage.play(events.BatchWritten(index, records, records * 1600, seconds, **more), after=seconds)
    stage.play(events.BatchFinished(index, "stored", seconds))


def long_run(stage: Stage, rows: int = 1_000_000, size: int = 1_000, rejects: int = 0) -> Account:
    """A run that takes an hour or so: a slow beginning, an outage, deadlocks, some rejects."""
    stage.play(
        STARTED, events.InputCounted(rows // 10, rows * 1600, {"no reader: .png": 412, "hidden file": 3})
    )
    stage.play(
        events.ItemLeftOut("img/logo.png", "no reader: .png"), events.ItemLeftOut(".draft.md", "hidden file")
    )
    batches = rows // size
    every = max(1, batches // rejects) if rejects else 0
    rejected = retries = 0
    for index in range(batches):
        seconds = (2.2 + 1.8 * (index < batches // 10)) * (0.8 + 0.5 * (index * 37 % 100) / 100)
        if index == batches // 2:
            stage.play(events.OutageStarted("connection to server at db.example failed: Connection refused"))
            stage.play(events.OutageEnded(190.0), after=190.0)
        if index % 97 == 5:
            deadlock = ("deadlock detected", "classifier", "40P01", "psycopg.errors.DeadlockDetected")
            stage.play(events.BatchRetrying(index, 1, 1.0, *deadlock), after=0.4)
            retries += 1
        for _ in range(max(1, rejects // batches) if every and index % every == 0 else 0):
            said = f'invalid byte sequence for encoding "UTF8": 0x{rejected:02x}'
            stage.play(
                events.RecordRejected(
                    f"guide/{index:04}.md",
                    rejected,
                    "psycopg.errors.CharacterNotInRepertoire",
                    said,
                    "classifier",
                    "22021",
                    index,
                )
            )
            rejected += 1
        write(stage, index, size, seconds)
        stage.play(events.DocumentsFinished("added", size // 10, size, size=size * 1600), after=0.3)
    return Account(
        RecordCounts(written=rows, rejected=rejected),
        DocumentCounts(added=rows // 10),
        records_seen=rows + rejected,
        documents_seen=rows // 10,
        batches=batches,
        retries=retries,
        bytes_read=rows * 1600,
        seconds=stage.now,
        left_out={"no reader: .png": 412, "hidden file": 3},
    )


def failed_run(stage: Stage) -> None:
    """A run that fails: a table that somebody dropped."""
    stage.play(STARTED, events.InputCounted(240, 2_400_000))
    for index in range(30):
        write(stage, index, 256, 0.04 + 0.01 * (index % 5))
    missing = ('relation "kb.knowledge_base_records" does not exist', "classifier")
    stage.play(events.BatchStarted(30, 256, 1.7e9, 0, 9, "ops/backup.md", "ops/restore.md"))
    stage.play(
        events.BatchFailed(
            30, 256, *missing, 0, "42P01", True, "psycopg.errors.UndefinedTable", seconds=0.01
        ),
        *(
            events.DocumentFinished(
                f"ops/{name}.md", "failed", 28, size=9_000, reason="a batch of it could not be stored"
            )
            for name in ("backup", "restore", "upgrade")
        ),
        events.DocumentsFinished("failed", 3, 84, size=27_000),
        events.BatchFinished(30, "failed", 0.02),
        after=0.02,
    )
    account = Account(
        RecordCounts(written=7_680, failed=256, not_attempted=1_100),
        DocumentCounts(added=120, failed=3, not_attempted=117),
        records_seen=9_036,
        documents_seen=240,
        batches=30,
        batches_failed=1,
        bytes_read=2_400_000,
        seconds=stage.now,
    )
    reason = f"batch 30 could not be stored: {missing[0]} (psycopg.errors.UndefinedTable, SQLSTATE 42P01)"
    stage.play(events.RunFinished(STARTED.run_id, "failed", account, reason, 1))


def numbers(text: str) -> Iterator[float]:
    """Read the numbers of a path."""
    for part in (
        text.replace("M", " ").replace("v", " ").replace("h", " ").replace("V", " ").replace("z", " ").split()
    ):
        yield float(part)
