"""Rows are loaded by this process, documents by the executor that the settings name."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from batchwright import (
    BatchConfig,
    BatchProcessor,
    ConfigError,
    Execution,
    Executor,
    hookimpl,
)
from batchwright.contracts.events import RunStarted
from batchwright.contracts.executor import AnyExecutor
from tests.support.loads import Watcher
from tests.unit.engine.rows.fruit import TO, load, write

HEAD = "id,name,amount\n"


class Elsewhere(Executor):  # type: ignore[type-arg]  # it has no options
    """Would have workers load."""

    name = "elsewhere"
    calls: ClassVar[list[str]] = []

    def execute(self, execution: Execution) -> None:
        """Note that it was called."""
        self.calls.append("execute")
        execution.load_here()

    @classmethod
    @hookimpl
    def register_executors(cls) -> Iterable[type[AnyExecutor]]:
        """Offer it."""
        return [cls]


@pytest.mark.parametrize("how", [{"key": "id"}, {}, {"key": "id", "chunk": "name"}], ids=str)
def test_rows_are_loaded_by_this_process_whatever_the_executor_and_a_reporter_is_told(
    how: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    write(HEAD + "1,apple,1\n2,pear,2\n")
    caplog.set_level(logging.INFO, "batchwright")
    watcher = Watcher()
    Elsewhere.calls.clear()
    config = BatchConfig(source="fruit.csv", to=TO, reporters=(), executor="elsewhere", workers=2, **how)
    with BatchProcessor(config, plugins=[Elsewhere], reporters=[watcher]) as processor:
        result = processor.run()
        assert result.account.records.written == 2
        assert processor.run().account.records.unchanged == 2
        write(HEAD + "1,apple,1\n")
        assert processor.run().account.records.total == 1
    assert not Elsewhere.calls
    assert [event.executor for event in watcher.events if isinstance(event, RunStarted)] == ["local"] * 3
    assert "rows are loaded by this process, and not by the executor 'elsewhere'" in caplog.text


def test_documents_are_loaded_by_the_executor_and_a_reporter_is_told() -> None:
    Path("docs").mkdir()
    Path("docs/a.md").write_text("# A\n\nword\n", "utf-8")
    watcher = Watcher()
    Elsewhere.calls.clear()
    config = BatchConfig(source="docs", to=TO, reporters=(), executor="elsewhere")
    with BatchProcessor(config, plugins=[Elsewhere], reporters=[watcher]) as processor:
        processor.run()
    assert Elsewhere.calls == ["execute"]
    assert [event.executor for event in watcher.events if isinstance(event, RunStarted)] == ["elsewhere"]


def test_an_executor_that_is_not_there_is_refused_for_rows_too() -> None:
    write(HEAD + "1,apple,1\n")
    with pytest.raises(ConfigError, match="no executor has this name"):
        load(executor="elsewhere")
