"""Executors that raise, load nothing, a part, or all of it twice, or send back what is no share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from batchwright import Execution, ExecutorError, PluginError, Share, Stop, load_partition
from tests.support.shipped import load, report_to_nobody, stored, undisturbed
from tests.support.shipping import ShippingExecutor, State, ship
from tests.support.speechless import Speechless

pytestmark = pytest.mark.usefixtures("shipping_state")


def elsewhere(change: Callable[[Share], Any]) -> Callable[[Execution], None]:
    """Return an execution by others whose shares are changed."""

    def execute(execution: Execution) -> None:
        job = execution.job()
        for partition in execution.partitions(2):
            share = load_partition(job, partition, report=report_to_nobody, stop=Stop())
            execution.settle(change(share))

    return execute


def raising(error: BaseException) -> Callable[[Execution], None]:
    def execute(execution: Execution) -> None:
        raise error

    return execute


def twice(execution: Execution) -> None:
    execution.load_here()
    execution.load_here()


def here_and_elsewhere(execution: Execution) -> None:
    execution.load_here()
    elsewhere(lambda share: share)(execution)


def all_partitions_twice(execution: Execution) -> None:
    elsewhere(lambda share: share)(execution)
    elsewhere(lambda share: share)(execution)


def only_the_first_partition(execution: Execution) -> None:
    ship(execution, execution.job(), next(execution.partitions(2)))


def without_its_documents(execution: Execution) -> None:
    job = execution.job()
    for partition in execution.partitions(2):
        ship(execution, job, replace(partition, found=()))


@pytest.mark.parametrize(
    ("execute", "kind", "said"),
    [
        (raising(ValueError("boo")), ExecutorError, "'shipping' raised ValueError: boo"),
        (raising(BrokenPipeError(32, "Broken pipe")), ExecutorError, "'shipping' raised BrokenPipeError"),
        (raising(Speechless()), ExecutorError, "'shipping' raised Speechless"),
        (raising(SystemExit(0)), ExecutorError, "'shipping' raised SystemExit: 0"),
        (elsewhere(lambda _: None), ExecutorError, "'shipping' raised AttributeError"),
        (elsewhere(lambda share: replace(share, chunk_ids=None)), ExecutorError, "raised TypeError"),  # type: ignore[arg-type]
        (lambda _: None, PluginError, r"'shipping' loaded 0 of \d+ documents: a defect of that plugin"),
        (lambda execution: execution.partitions(2), PluginError, "'shipping' loaded 0 of"),
        (only_the_first_partition, PluginError, r"'shipping' loaded \d+ of"),
        (without_its_documents, PluginError, "'shipping' loaded 0 of"),
        (twice, PluginError, "'shipping' loads the run a second time: a defect of that plugin"),
        (here_and_elsewhere, PluginError, "'shipping' loads the run a second time"),
        (all_partitions_twice, PluginError, "'shipping' loads the run a second time"),
    ],
)
def test_an_executor_that_does_not_load_the_run_once_is_named(
    execute: Callable[[Execution], None],
    kind: type[Exception],
    said: str,
    corpus: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ShippingExecutor, "execute", lambda _, execution: execute(execution))
    with pytest.raises(kind, match=said):
        load(corpus, prune=True)
    monkeypatch.undo()
    assert load(corpus).state == "done"
    assert stored(State.database.tables) == undisturbed(corpus)[1]


@pytest.mark.parametrize("execute", [lambda _: None, only_the_first_partition, without_its_documents])
def test_what_an_executor_forgot_is_not_taken_for_deleted(
    execute: Callable[[Execution], None], corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(corpus)
    before = stored(State.database.tables)
    monkeypatch.setattr(ShippingExecutor, "execute", lambda _, execution: execute(execution))
    with pytest.raises(PluginError, match="a defect of that plugin"):
        load(corpus, prune=True)
    assert stored(State.database.tables) == before


@pytest.mark.parametrize("at_once", [0, -1])
def test_partitions_for_nobody_are_partitions_for_one(
    at_once: int, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def execute(_: object, execution: Execution) -> None:
        job = execution.job()
        for partition in execution.partitions(at_once):
            ship(execution, job, partition)

    monkeypatch.setattr(ShippingExecutor, "execute", execute)
    assert load(corpus).state == "done"
