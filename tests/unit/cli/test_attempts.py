"""Every attempt at a run is told to reporters, with the code that the command exits with."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from batchwright import BatchConfig, BatchProcessor, ConfigError
from batchwright.contracts.events import Event, RunFinished, RunNotStarted
from batchwright.contracts.reporter import Reporter, ReporterOptions
from tests.unit.cli.conftest import Command


@pytest.fixture
def told(batchwright: Command) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Runs a command; returns its exit code and the last event, as the logging reporter logs it."""

    def run(*arguments: str) -> tuple[int, dict[str, Any]]:
        outcome = batchwright("run", *arguments, "--log-json")
        lines = [json.loads(line) for line in outcome.err.splitlines() if line.startswith("{")]
        ends = [line for line in lines if line.get("event") in ("run_finished", "run_not_started")]
        assert len(ends) == 1, outcome.err
        return outcome.code, ends[0]

    return run


@pytest.mark.parametrize(
    ("arguments", "toml", "code", "reason"),
    [
        (["docs", "--to", "nosuch://x"], "", 2, "no sink for 'nosuch'"),
        (["docs", "--plugin", "missing.py"], "", 2, "there is no file missing.py"),
        (["docs"], "chunk_max_tokens = 0", 2, "chunk_max_tokens"),
        (["docs", "--scheduler", "tcp://x:1"], "", 2, "has none"),
        (["docs"], "reporters = ['logging', 'loging']", 2, "reporter.loging"),
        (["docs"], "[executors.loal]\nx = 1", 2, "executors.loal"),
        (["gone"], "", 2, "gone"),
        ([], "", 2, "load what?"),
        (["docs", "--to", "sqlite:////proc/none/kb.db"], "", 1, "/proc/none"),
        (["docs", "--worker", "4"], "", 2, "--worker"),
        (["docs", "--workers", "four"], "", 2, "--workers"),
        (["docs", "more"], "", 2, "more"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_keeps_a_run_from_beginning_is_told(
    told: Callable[..., tuple[int, dict[str, Any]]],
    tmp_path: Path,
    arguments: list[str],
    toml: str,
    code: int,
    reason: str,
) -> None:
    (tmp_path / "batchwright.toml").write_text(toml)
    returned, event = told(*arguments)
    assert event["event"] == "run_not_started"
    assert (returned, event["exit_code"]) == (code, code)
    assert reason in event["reason"]
    assert event["error_type"].startswith("batchwright.errors.")


def test_of_a_misspelt_command_line_reporters_are_told_what_can_be_read(
    told: Callable[..., tuple[int, dict[str, Any]]], tmp_path: Path
) -> None:
    (tmp_path / "other.toml").write_text("reporters = ['logging']\nto = 'sqlite:///other.db'\n")
    code, event = told("--prunee-limit", "0.5", "docs", "--config", "other.toml")
    assert (code, event["exit_code"]) == (2, 2)
    assert (event["collection"], event["target"]) == ("docs", "sqlite:///other.db")
    code, event = told("docs", "--collection", "mine", "--chunk-max-tokens", "x", "--to", "sqlite:///a.db")
    assert (event["collection"], event["target"]) == ("mine", "sqlite:///a.db")


def test_no_reporter_is_made_for_another_command_that_is_misspelt(
    batchwright: Command, tmp_path: Path
) -> None:
    (tmp_path / "batchwright.toml").write_text("reporters = ['logging']")
    for command in ("plan", "search", "runn"):
        outcome = batchwright(command, "docs", "--nonsense")
        assert outcome.code == 2
        assert "did not begin" not in outcome.err


def test_a_run_that_finds_nothing_is_told_with_its_exit_code(
    told: Callable[..., tuple[int, dict[str, Any]]], tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    code, event = told("empty")
    assert (event["event"], code, event["exit_code"]) == ("run_finished", 2, 2)


def test_rejects_are_told_with_their_exit_code(
    told: Callable[..., tuple[int, dict[str, Any]]], tmp_path: Path
) -> None:
    (tmp_path / "docs" / "bytes.md").write_bytes(b"# A \xff byte\n")
    code, event = told("docs")
    assert (event["event"], code, event["exit_code"]) == ("run_finished", 3, 3)


# --- programs ---------------------------------------------------------------------------------------


class Listener(Reporter[ReporterOptions]):
    """Keeps the events."""

    name = "listener"

    def __init__(self) -> None:
        super().__init__(ReporterOptions())
        self.events: list[Event] = []
        self.closed = False

    def handle(self, event: Event) -> None:
        self.events.append(event)

    def close(self) -> None:
        self.closed = True


def test_a_program_is_told_without_the_password(tmp_path: Path) -> None:
    listener = Listener()
    config = BatchConfig(input_dir=tmp_path / "docs", to="nosuch://me:hunter2@x/kb")
    with pytest.raises(ConfigError):
        BatchProcessor(config, reporters=[listener]).run()
    [event] = listener.events
    assert isinstance(event, RunNotStarted)
    assert (event.source, event.collection, event.exit_code) == (str(tmp_path / "docs"), "docs", 2)
    assert "hunter2" not in str(event)


def test_records_that_break_off_are_a_run_that_failed(tmp_path: Path) -> None:
    @dataclass
    class Fruit:
        id: int

    def records() -> Iterator[Fruit]:
        yield Fruit(1)
        raise KeyboardInterrupt

    listener = Listener()
    config = BatchConfig(to=f"sqlite:///{tmp_path}/kb.db")
    with pytest.raises(KeyboardInterrupt):
        BatchProcessor(config, reporters=[listener]).load(records(), record=Fruit)
    finished = listener.events[-1]
    assert isinstance(finished, RunFinished)
    assert (finished.state, finished.exit_code) == ("failed", 130)


def test_the_result_is_there_before_reporters_are_closed(tmp_path: Path) -> None:
    listener, closed = Listener(), list[bool]()
    config = BatchConfig(input_dir=tmp_path / "docs", to=f"sqlite:///{tmp_path}/kb.db")
    result = BatchProcessor(config, reporters=[listener]).run(
        on_finished=lambda _: closed.append(listener.closed)
    )
    assert (closed, listener.closed, result.exit_code) == ([False], True, 0)
    assert isinstance(listener.events[-1], RunFinished)
