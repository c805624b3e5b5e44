"""On a full disk batches are held and none is burnt, until there is room or ``max_outage`` is over."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from batchwright import BatchConfig, BatchProcessor, Reporter, ReporterOptions
from batchwright.contracts.events import BatchFailed, Event, OutageStarted

DOCUMENTS = 120


class Kept(Reporter[ReporterOptions]):
    """Keeps the events; acts once the breaker is open."""

    name = "kept"

    def __init__(self, act: Callable[[], object] = lambda: None) -> None:
        super().__init__(ReporterOptions())
        self.events: list[Event] = []
        self._act = act

    def handle(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, OutageStarted):
            threading.Timer(0.5, self._act).start()

    def seen(self, kind: type[Event]) -> int:
        return sum(isinstance(event, kind) for event in self.events)


def grow(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=256m", str(disk)], check=True, timeout=10)


class FullDiskChecks:
    """To be subclassed.

    Attributes:
        target: The URL of a target on the disk, with ``{disk}`` for where that is.
        megabytes: The size of the disk, less than what is loaded takes.
    """

    target: ClassVar[str]
    megabytes: ClassVar[int]

    @pytest.fixture
    def disk(self) -> Iterator[Path]:
        """A small disk of its own."""
        path = Path(tempfile.mkdtemp(prefix="disk"))
        mount = ["mount", "-t", "tmpfs", "-o", f"size={self.megabytes}m", "tmpfs", str(path)]
        try:
            if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, timeout=10).returncode != 0:
                pytest.skip("a small disk has to be mounted, and that isn't permitted here")
            try:
                yield path
            finally:
                subprocess.run(["umount", "--lazy", str(path)], check=True, timeout=10)
        finally:
            shutil.rmtree(path, ignore_errors=True)

    @pytest.fixture
    def config(self, tmp_path: Path, disk: Path) -> BatchConfig:
        corpus = tmp_path / "corpus"
        corpus.mkdir()
        for number in range(DOCUMENTS):
            text = "\n\n".join(f"## {number}.{part}\n\n{os.urandom(300).hex()}" for part in range(80))
            (corpus / f"{number:03}.md").write_text(text)
        return BatchConfig(
            input_dir=corpus, to=self.target.format(disk=disk), max_retries=1, retry_cap=0.05, batch_size=100
        )

    def test_batches_are_held_until_there_is_room(self, config: BatchConfig, disk: Path) -> None:
        kept = Kept(lambda: grow(disk))
        result = BatchProcessor(config, reporters=[kept]).run()
        result.account.check()
        assert result.state == "done", result.reason
        assert (result.account.documents.added, result.account.batches_failed) == (DOCUMENTS, 0)
        assert kept.seen(OutageStarted) >= 1
        assert kept.seen(BatchFailed) == 0

    def test_a_disk_that_stays_full_interrupts_the_run_which_is_resumed(
        self, config: BatchConfig, disk: Path
    ) -> None:
        began = time.monotonic()
        result = BatchProcessor(config.model_copy(update={"max_outage": 2.0})).run()
        assert (result.state, result.account.batches_failed) == ("interrupted", 0)
        assert "max_outage" in result.reason
        assert time.monotonic() - began < 60
        grow(disk)
        assert BatchProcessor(config).run().state == "done"
