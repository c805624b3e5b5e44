"""Writers open stores of their own while the run goes on: the sink may go down then, or give no more."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from batchwright import Batch, ProcessedChunk, Receipt
from batchwright.contracts.events import OutageEnded, OutageStarted
from batchwright.errors import SinkError
from tests.support.listener import Listener
from tests.support.memory import MemoryPlugin
from tests.support.quick_runs import quick_processor, short_documents

WORKERS = 3


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return short_documents(tmp_path / "docs", 40)


def _goes_down(plugin: MemoryPlugin, opened: int, seconds: float) -> None:
    """Let the sink go down for some time once so many stores are open."""
    until = [0.0]

    def check() -> None:
        if plugin.database.opens == opened and not until[0]:
            until[0] = time.monotonic() + seconds
        if time.monotonic() < until[0]:
            raise ConnectionError("refused")

    def write(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if time.monotonic() < until[0]:
            raise ConnectionError("refused")

    plugin.database.on_open, plugin.database.before = check, write


def _gives(plugin: MemoryPlugin, stores: int, error: Callable[[], Exception]) -> None:
    """Let the sink give so many stores, and no more."""

    def check() -> None:
        if plugin.database.opens - plugin.database.closes >= stores:
            raise error()

    plugin.database.on_open = check


@pytest.mark.parametrize("opened", range(1, 1 + WORKERS))
def test_an_outage_while_writers_connect_is_waited_for(docs: Path, plugin: MemoryPlugin, opened: int) -> None:
    _goes_down(plugin, opened, 0.6)
    listener = Listener()
    result = quick_processor(docs, plugin, {"wait": 0.01}, [listener], workers=WORKERS, batch_size=4).run()

    assert result.state == "done"
    assert (result.account.records.written, result.account.batches_failed) == (40, 0)
    assert len(listener.of(OutageStarted)) == len(listener.of(OutageEnded)) == 1
    assert plugin.database.opens >= 1 + WORKERS  # once it is back it gives all of them


@pytest.mark.parametrize("opened", range(1, 1 + WORKERS))
def test_an_outage_while_writers_connect_interrupts_the_run_where_it_lasts(
    docs: Path, plugin: MemoryPlugin, opened: int
) -> None:
    _goes_down(plugin, opened, 60)
    processor = quick_processor(docs, plugin, {"wait": 0.01}, workers=WORKERS, batch_size=4, max_outage=0.3)
    result = processor.run()

    assert result.state == "interrupted"
    assert "max_outage" in result.reason
    result.account.check()


@pytest.mark.parametrize("stores", [2, 3])
def test_a_run_does_with_the_writers_that_a_sink_has_room_for(
    docs: Path, plugin: MemoryPlugin, caplog: pytest.LogCaptureFixture, stores: int
) -> None:
    _gives(plugin, stores, lambda: ConnectionError("too many of them"))
    with caplog.at_level(logging.WARNING, "batchwright"):
        result = quick_processor(docs, plugin, {"wait": 0.01}, workers=WORKERS, batch_size=4).run()

    assert result.state == "done"
    assert result.account.records.written == 40
    assert [record.getMessage() for record in caplog.records] == [
        f"writing with {stores - 1} of {WORKERS} workers, since the sink gives no more: too many of them"
    ]


def test_a_sink_without_room_for_one_writer_fails_the_run(docs: Path, plugin: MemoryPlugin) -> None:
    _gives(plugin, 1, lambda: ConnectionError("too many of them"))
    with pytest.raises(SinkError, match="too many of them"):
        quick_processor(docs, plugin, {"wait": 0.01}, workers=WORKERS).run()
    assert not plugin.database.tables.rows


def test_an_error_that_does_not_pass_is_no_lack_of_room(docs: Path, plugin: MemoryPlugin) -> None:
    _gives(plugin, 2, lambda: TypeError("unexpected"))
    with pytest.raises(SinkError, match="TypeError: unexpected"):
        quick_processor(docs, plugin, {"wait": 0.01}, workers=WORKERS).run()
