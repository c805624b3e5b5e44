"""An error that ends `batchwright run` is one message with its exit code; a defect says so."""

from __future__ import annotations

import errno
from pathlib import Path
from tempfile import gettempdir

import pytest

from batchwright.errors import ConfigError, PluginError, SinkError
from tests.support.speechless import Speechless
from tests.unit.cli.conftest import Command, Engine


@pytest.mark.parametrize(
    ("error", "code"),
    [(ConfigError("c"), 2), (PluginError("p"), 2), (SinkError("can't connect\nstart it"), 1)],
)
def test_an_error_is_one_message_with_its_code(
    batchwright: Command, engine: Engine, error: Exception, code: int
) -> None:
    engine.error = error
    outcome = batchwright("run", "docs", "--json", "-vv")
    indented = str(error).replace("\n", "\n       ")
    assert outcome.err == f"error: {indented}\n"
    assert outcome.json == {
        "state": "failed",
        "exit_code": code,
        "error": type(error).__name__,
        "reason": str(error),
    }
    assert outcome.code == code


def test_a_defect_is_told_shortly_and_in_full_only_when_asked(batchwright: Command, engine: Engine) -> None:
    engine.error = KeyError("postgresql://me:hunter2@host/db")
    short = batchwright("run", "docs", "--to", "postgresql://me:hunter2@host/db")
    full = batchwright("run", "docs", "--to", "postgresql://me:hunter2@host/db", "-v")
    assert (short.code, full.code) == (1, 1)
    assert "Please report it" in short.err
    assert "Traceback" not in short.err
    assert "Traceback" in full.err
    assert "hunter2" not in short.err + full.err


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            PermissionError(errno.EACCES, "Permission denied", "/closed/docs"),
            "/closed/docs: Permission denied; ",
        ),
        (
            OSError(errno.EMFILE, "Too many open files"),
            "error: Too many open files; raise the limit (ulimit -n)",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            f"error: temporary files: No space left on device; make room in {gettempdir()}, or set TMPDIR",
        ),
        (
            RuntimeError("can't start new thread"),
            "error: no more threads can be started here; raise the limit",
        ),
    ],
)
def test_what_is_wrong_where_it_runs_is_no_defect(
    batchwright: Command, engine: Engine, error: Exception, said: str
) -> None:
    engine.error = error
    outcome = batchwright("run", "docs")
    assert outcome.code == 1
    assert said in outcome.err
    assert "defect" not in outcome.err


def test_a_defect_without_a_message_is_told_by_its_name(batchwright: Command, engine: Engine) -> None:
    engine.error = Speechless()
    outcome = batchwright("run", "docs", "--json")
    assert (outcome.code, outcome.json["error"]) == (1, "Speechless")
    assert "error: Speechless\n" in outcome.err


def test_an_option_of_a_plugin_is_located_where_it_was_set(batchwright: Command) -> None:
    Path("batchwright.toml").write_text("[reporter.progress]\nintervall = 3", "utf-8")
    outcome = batchwright("run", "docs")
    assert outcome.code == 2
    assert outcome.err.startswith(
        "error: batchwright.toml: reporter.progress.intervall: no such setting; did you mean interval?"
    )
