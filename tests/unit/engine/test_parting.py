"""A run that is to end waits for nobody who says nothing."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from batchwright import Batch, BatchConfig, BatchProcessor, ProcessedChunk, Receipt, Stop
from tests.support.memory import MemoryPlugin, MemoryStore
from tests.support.policies import quick

LONG = 20.0


class _Silent:
    """A sink that hears no more from some write on, until it is hung up on.

    Args:
        plugin: Whose sink.
        after: So many writes.
        refuses: Whether a new connection is refused then; else nobody answers that either.

    Attributes:
        silent: Set once it hears nothing.
        opened: How often somebody tried to open it since.
    """

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, plugin: MemoryPlugin, *, after: int, refuses: bool
    ) -> None:
        self._refuses = refuses
        self.silent = threading.Event()
        self.opened = 0
        self._hung_up = threading.Event()
        self._writes = after
        plugin.database.before = self._write
        monkeypatch.setattr(MemoryStore, "cancel", lambda _: self._hung_up.set())
        plugin.database.on_open = self._open
        plugin.database.asked = self._ask

    def _open(self) -> None:
        if self.silent.is_set():
            self.opened += 1
            if not self._refuses:
                threading.Event().wait(LONG)
            raise ConnectionError("no route to host")

    def _ask(self, _: str) -> None:
        if self.silent.is_set():
            raise ConnectionError("hung up")

    def _write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if batch.documents:
            self._writes -= 1
            if self._writes < 0:
                self.silent.set()
                self._hung_up.wait(LONG)
                raise ConnectionError("hung up")


def _interrupted(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    batch_timeout: float | None,
    parting: float,
    patient: bool = False,
    refuses: bool = True,
) -> tuple[_Silent, float]:
    """Stop a run that waits for a sink which hears nothing; return how long it took to end."""
    folder.mkdir()
    for number in range(4):
        (folder / f"{number}.md").write_text(f"Record {number}.\n")
    plugin = MemoryPlugin()
    sink = _Silent(monkeypatch, plugin, after=1, refuses=refuses)
    config = BatchConfig(
        source=folder, to="memory://", batch_size=1, batch_timeout=batch_timeout, max_retries=5, reporters=()
    )
    processor = BatchProcessor(
        config, plugins=[plugin], policy=quick(config, parting=parting, reaching=0.4, grace=0.5)
    )
    stop = Stop()

    def end() -> None:
        sink.silent.wait(LONG)
        stop.request("enough", patient=patient)

    threading.Thread(target=end, daemon=True).start()
    began = time.monotonic()
    result = processor.run(stop=stop)
    assert (result.state, result.reason) == ("interrupted", "enough")
    result.account.check()
    assert (result.account.records.written, result.account.records.failed) == (1, 0)
    return sink, time.monotonic() - began


def test_a_write_that_hangs_is_given_up_soon_once_the_run_is_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, took = _interrupted(tmp_path / "docs", monkeypatch, batch_timeout=300.0, parting=0.3)
    assert 0.3 < took < LONG / 2


def test_one_that_says_nothing_to_heartbeats_either_is_given_up_by_the_patient_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, took = _interrupted(tmp_path / "docs", monkeypatch, batch_timeout=300.0, parting=0.3, patient=True)
    assert 0.3 < took < LONG / 2


@pytest.mark.parametrize(("patient", "written"), [(True, 2), (False, 1)])
def test_a_slow_write_is_finished_for_who_is_patient_while_the_sink_answers_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patient: bool, written: int
) -> None:
    for number in range(4):
        (tmp_path / f"{number}.md").write_text(f"Record {number}.\n")
    plugin, stop, cancelled = MemoryPlugin(), Stop(), threading.Event()
    monkeypatch.setattr(MemoryStore, "cancel", lambda _: cancelled.set())

    def write(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if batch.batch_index == 1 and batch.documents:
            stop.request("enough", patient=patient)
            if cancelled.wait(1.5):
                raise InterruptedError("cancelled")

    plugin.database.before = write
    config = BatchConfig(source=tmp_path, to="memory://", batch_size=1, reporters=())
    policy = quick(config, parting=0.3, grace=0.5)
    result = BatchProcessor(config, plugins=[plugin], policy=policy).run(stop=stop)
    assert (result.state, result.reason) == ("interrupted", "enough")
    assert result.account.records.written == written
    assert cancelled.is_set() is not patient


def test_once_it_cannot_be_reached_nobody_tries_again_on_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink, _ = _interrupted(tmp_path / "docs", monkeypatch, batch_timeout=300.0, parting=0.3)
    assert sink.opened == 1, "whether the batch is stored was asked, and nothing after that"


def test_a_sink_that_does_not_even_answer_a_new_connection_is_given_up_sooner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink, took = _interrupted(tmp_path / "docs", monkeypatch, batch_timeout=300.0, parting=3.0, refuses=False)
    assert sink.opened == 1
    assert took < 5.5, "the write, and less than that for a connection"


def test_the_time_of_a_batch_stays_the_limit_where_it_is_shorter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, took = _interrupted(tmp_path / "docs", monkeypatch, batch_timeout=0.5, parting=LONG)
    assert took < LONG / 2
