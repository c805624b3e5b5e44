"""A target that another process has as a whole: an error that names it, or a wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from batchwright import BatchConfig, BatchProcessor, CollectionBusy, Document, RunInterrupted, Stop
from batchwright.engine.lease import LeaseTimes
from batchwright.engine.store.policy import DeliveryPolicy
from tests.support import insert
from tests.support.memory import MemoryPlugin

BUSY = CollectionBusy(held_by="process 7", message="kb is in use by process 7")


def busy(times: int) -> Callable[[], None]:
    """Return what refuses to open a store so many times."""
    left = times

    def open_() -> None:
        nonlocal left
        left -= 1
        if left >= 0:
            raise BUSY

    return open_


def processor(plugin: MemoryPlugin, wait: float) -> BatchProcessor:
    config = BatchConfig(to="memory://", collection="fruit", reporters=(), wait=wait)
    policy = replace(DeliveryPolicy.of(config), leases=LeaseTimes(poll=0.01))
    return BatchProcessor(config, plugins=[plugin], policy=policy)


def test_without_time_to_wait_it_is_an_error_at_once(plugin: MemoryPlugin) -> None:
    plugin.database.on_open = busy(1)
    with processor(plugin, 0) as program, pytest.raises(CollectionBusy, match="in use by process 7"):
        program.insert_chunks([insert.chunk("fig", 0, 1, "ripe")])


def test_with_time_to_wait_it_is_tried_until_the_other_has_gone(plugin: MemoryPlugin) -> None:
    plugin.database.on_open = busy(5)
    with processor(plugin, 30) as program:
        assert program.insert_chunks([insert.chunk("fig", 0, 1, "ripe")]).account.records.written == 1
    plugin.database.on_open = busy(5)
    assert processor(plugin, 30).load([Document("a.md", "text", "", 0)]).state == "done"


def test_a_wait_ends_when_the_work_is_stopped(plugin: MemoryPlugin) -> None:
    plugin.database.on_open = busy(10**6)
    stop = Stop()
    threading.Timer(0.2, stop.request, ["enough"]).start()
    with pytest.raises(RunInterrupted, match="stopped while another process had the target"):
        processor(plugin, 30).load([Document("a.md", "text", "", 0)], stop=stop)


def test_time_to_wait_comes_to_an_end(plugin: MemoryPlugin) -> None:
    plugin.database.on_open = busy(10**6)
    began = time.monotonic()
    with processor(plugin, 0.3) as program, pytest.raises(CollectionBusy):
        program.insert_chunks([insert.chunk("fig", 0, 1, "ripe")])
    assert 0.3 <= time.monotonic() - began < 10
