"""The command in this process, with a scripted engine where a test asks for one."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from batchwright.cli.main import execute
from batchwright.config import BatchConfig
from batchwright.contracts import exits
from batchwright.contracts.account import Account
from batchwright.contracts.events import EndState, Event, RunFinished, RunStarted
from batchwright.contracts.reporter import AnyReporter
from batchwright.contracts.stop import Stop
from batchwright.engine.result import RunResult
from batchwright.plugins.manager import PluginManager
from tests.support.surroundings import logging_as_it_was


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object on stdout."""
        return json.loads(self.out)


Command = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def _clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A working directory of its own with a document in docs/, no settings, and logging as it was."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("BATCHWRIGHT_")]:
        monkeypatch.delenv(name)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "guide.md").write_text("# Guide\n\nInstall it on Linux.\n", "utf-8")
    with logging_as_it_was():
        yield


@pytest.fixture
def batchwright(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command: `batchwright("run", "docs")`."""

    def run(*arguments: str) -> Outcome:
        capsys.readouterr()
        code = execute(arguments)
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run


@dataclass
class Engine:
    """A scripted engine: what it tells reporters, and how it ends."""

    state: EndState = "done"
    reason: str = ""
    account: Account = field(default_factory=Account)
    events: Sequence[Event] = ()
    error: Exception | None = None
    during: Callable[[], None] = lambda: None
    config: BatchConfig | None = None
    reporters: list[AnyReporter] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    on_stop: Callable[[], None] = lambda: None

    def processor(
        self, config: BatchConfig, *, manager: PluginManager, reporters: Sequence[AnyReporter]
    ) -> Engine:
        """Stands in for the class BatchProcessor."""
        self.config, self.reporters = config, list(reporters)
        return self

    def run(self, *, stop: Stop, on_finished: Callable[[RunResult], None]) -> RunResult:
        """Do as scripted."""
        stop.on_request(lambda: self._note_stop(stop))
        if self.error is not None:
            raise self.error
        for event in (RunStarted("r1", "docs", "masked", "docs"), *self.events):
            self._tell(event)
        self.during()
        assert self.config is not None
        code = exits.of_run(self.state, self.account, stop.exit_code, prune=self.config.prune)
        self._tell(RunFinished("r1", self.state, self.account, self.reason, code))
        result = RunResult("r1", self.state, self.account, self.reason, code, "docs")
        on_finished(result)
        return result

    def _note_stop(self, stop: Stop) -> None:
        """Note that it was asked to end."""
        self.on_stop()
        self.stopped.append(stop.reason)

    def _tell(self, event: Event) -> None:
        for reporter in self.reporters:
            reporter.handle(event)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """A scripted engine in place of BatchProcessor."""
    scripted = Engine()
    monkeypatch.setattr("batchwright.processor.BatchProcessor", scripted.processor)
    return scripted
