"""Stores that are lost, or hang: they are given up whole, and nothing of them is used again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from batchwright import Batch, BatchConfig, DatabasePool, PluginManager, ProcessedChunk, Receipt
from batchwright.engine.judge import Judge
from batchwright.engine.setup import Setup
from batchwright.engine.store.access import Access
from batchwright.engine.store.client import StoreClient
from batchwright.engine.store.policy import DeliveryPolicy
from batchwright.engine.store.retry import Schedule
from batchwright.errors import DeadlineExceeded, SinkError
from batchwright.secrets import describe
from tests.support.memory import MemoryPlugin, MemorySink, fail_once

POLICY = DeliveryPolicy(
    retries=Schedule(max_retries=0), holds=False, batch_timeout=0.2, grace=0.2, patience=1.0
)
BATCH = Batch([ProcessedChunk("text", source_file="a.md")], 0)


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """What hangs, hangs until this is set, at the latest at the end of the test."""
    event = threading.Event()
    yield event
    event.set()


Make = Callable[..., tuple[StoreClient, DatabasePool]]


@pytest.fixture
def make(plugin: MemoryPlugin, tmp_path: Path) -> Iterator[Make]:
    """Makes clients with a pool of their own, which has room for so many stores."""
    closing: list[StoreClient | DatabasePool] = []

    def make(policy: DeliveryPolicy = POLICY, size: int = 1) -> tuple[StoreClient, DatabasePool]:
        config = BatchConfig(input_dir=tmp_path, to="memory://")
        manager = PluginManager.load([plugin])
        setup = Setup(config, manager, policy)
        pool = DatabasePool(manager.make_sink(config.to, config.sink), size)
        judge = Judge(config, manager, setup.dispatcher.emit)
        client = StoreClient(Access(setup, judge, pool, "the sink 'memory'"))
        closing.extend((client, pool))
        return client, pool

    yield make
    for one in closing:
        one.close()


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_store_that_lost_its_connection_is_closed_and_another_one_opened(
    make: Make, plugin: MemoryPlugin
) -> None:
    client, _ = make()
    plugin.database.before = fail_once(ConnectionError("lost"))
    assert isinstance(client.write(BATCH, Receipt("1", "run", "docs")).error, ConnectionError)
    assert (plugin.database.opens, plugin.database.closes) == (2, 1)  # another one, to ask the ledger
    assert client.write(BATCH, Receipt("2", "run", "docs")).error is None
    assert (plugin.database.opens, plugin.database.closes) == (2, 1)


def test_the_ledger_is_asked_over_another_connection_where_the_first_shows_only_then_that_it_is_lost(
    make: Make, plugin: MemoryPlugin
) -> None:
    lost = [ConnectionError("lost before")]

    def ask(method: str) -> None:
        if lost:
            raise lost.pop()

    client, _ = make()
    plugin.database.after = fail_once(PermissionError("what"))
    plugin.database.asked = ask
    assert client.write(BATCH, Receipt("1", "run", "docs")).error is None
    assert (plugin.database.opens, plugin.database.closes) == (2, 1)
    assert len(plugin.database.writes) == 1


def test_a_store_that_failed_otherwise_is_used_again(make: Make, plugin: MemoryPlugin) -> None:
    client, _ = make()
    plugin.database.before = fail_once(ValueError("bad"))
    assert isinstance(client.write(BATCH, Receipt("1", "run", "docs")).error, ValueError)
    assert client.write(BATCH, Receipt("2", "run", "docs")).error is None
    assert (plugin.database.opens, plugin.database.closes) == (1, 0)


def test_a_store_whose_opening_was_given_up_is_closed_when_it_comes_and_never_written_to(
    make: Make, plugin: MemoryPlugin, released: threading.Event
) -> None:
    late = [True]

    def dawdle() -> None:
        if late and late.pop():
            released.wait(30)

    plugin.database.on_open = dawdle
    client, pool = make(size=2)
    error = client.write(BATCH, Receipt("1", "run", "docs")).error
    assert isinstance(error, DeadlineExceeded)
    assert "a new connection" in describe(error)  # it may be for want of one
    assert plugin.database.writes == []

    released.set()
    eventually(lambda: plugin.database.closes == 1)
    assert plugin.database.writes == []  # the call that was given up doesn't go on
    assert client.write(BATCH, Receipt("2", "run", "docs")).error is None
    assert (plugin.database.opens, plugin.database.closes) == (2, 1)
    pool.release(pool.acquire(timeout=5))  # its room is free again


def test_a_thread_that_was_given_up_ends_when_its_call_does(
    make: Make, plugin: MemoryPlugin, released: threading.Event
) -> None:
    def hang_once(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if receipt.batch_id == "1":
            released.wait(30)

    before = set(threading.enumerate())
    plugin.database.before = hang_once
    client, _ = make()
    client.write(BATCH, Receipt("1", "run", "docs"))
    client.write(BATCH, Receipt("2", "run", "docs"))
    left = [thread for thread in threading.enumerate() if thread not in before]
    assert [thread.name for thread in left].count("batchwright-call") == 2

    released.set()
    client.close()
    eventually(lambda: not any(thread.is_alive() for thread in left))


def test_waiting_for_room_in_the_pool_has_the_deadline_of_the_call(make: Make) -> None:
    client, pool = make(replace(POLICY, grace=10.0))
    before = set(threading.enumerate())
    with pool.connection():
        assert isinstance(client.write(BATCH, Receipt("1", "run", "docs")).error, DeadlineExceeded)
        left = [thread for thread in threading.enumerate() if thread not in before]
        assert len(left) == 1  # no other waits for room that nobody wants any more
    assert client.write(BATCH, Receipt("2", "run", "docs")).error is None


def test_a_hanging_store_takes_no_room_and_another_is_opened_in_its_place(
    make: Make, plugin: MemoryPlugin, released: threading.Event
) -> None:
    def hang_once(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if receipt.batch_id == "1":
            released.wait(30)

    plugin.database.before = hang_once
    client, pool = make()
    error = client.write(BATCH, Receipt("1", "run", "docs")).error
    assert isinstance(error, DeadlineExceeded)
    assert "a new connection" not in describe(error)
    assert client.write(BATCH, Receipt("2", "run", "docs")).error is None
    with pytest.raises(DeadlineExceeded):
        pool.acquire(timeout=0.05)  # there is room for one, and the client has it


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("boo"), "the sink 'memory' raised ValueError: boo"),
        (AssertionError(), "the sink 'memory' raised AssertionError"),
        (OSError("no such host"), "no such host"),
    ],
)
def test_a_slip_of_a_sinks_author_is_told_with_the_sinks_name(
    make: Make, plugin: MemoryPlugin, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    client, _ = make()

    def refused(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(MemorySink, "open", refused)
    with pytest.raises(SinkError) as caught:
        client.open()
    assert str(caught.value) == said
