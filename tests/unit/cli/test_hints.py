"""What a command advises is true, runs as it stands, and is said once."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from batchwright.cli.main import execute
from batchwright.cli.table import Table
from batchwright.cli.terminal import Terminal
from batchwright.contracts.account import Account, DocumentCounts, RecordCounts
from batchwright.contracts.events import DocumentFinished
from tests.unit.cli.conftest import Command, Engine
from tests.unit.cli.slow_run import Session
from tests.unit.cli.slow_run import slow as slow

TARGET = "sqlite:///kb.db"


def test_one_cause_is_named_once_with_its_class_and_a_count(batchwright: Command) -> None:
    for number in range(40):
        Path("docs", f"{number:02}.md").write_text(f"# {number}\n\ntext\n", "utf-8")
    batchwright("run", "docs", "--exclude", "*.md", "--pattern", "guide.md", "--to", TARGET)
    assert batchwright("run", "docs", "--pattern", "guide.md", "--to", TARGET).code == 0
    with closing(sqlite3.connect("kb.db")) as connection, connection:
        connection.execute(
            "CREATE TRIGGER closed BEFORE INSERT ON knowledge_base_records "
            "BEGIN SELECT RAISE(ABORT, 'closed today'); END"
        )
    outcome = batchwright("run", "docs", "--to", TARGET, "--batch-size", "30", "--workers", "4")
    assert outcome.code == 1
    said = outcome.err.splitlines()
    assert sum("closed today" in line for line in said) <= 7, outcome.err
    assert sum("workers = 4: a target of sqlite takes 1 at most; using 1" in line for line in said) == 1
    assert "27 more: failed: a batch of it could not be stored: IntegrityError: closed today" in outcome.err
    cause = "and 27 more: a batch of it could not be stored: IntegrityError: closed today"
    assert sum(cause in line for line in outcome.out.splitlines()) == 1
    assert len(outcome.out.splitlines()) < 15
    assert "error: a batch failed for good: IntegrityError: closed today" in outcome.err


def test_many_reasons_fit_a_screen(batchwright: Command, engine: Engine) -> None:
    engine.events = [DocumentFinished(f"{n}.md", "failed", reason=f"reason {n % 50}") for n in range(500)]
    engine.account = Account(documents=DocumentCounts(failed=500))
    outcome = batchwright("run", "docs")
    assert "and 400 more (--json names them)" in outcome.out
    assert len(outcome.out.splitlines()) < 30
    assert outcome.err.count("\n") < 100


def test_nothing_is_announced_that_does_not_follow(batchwright: Command, engine: Engine) -> None:
    engine.account = Account(
        documents=DocumentCounts(unchanged=2), records=RecordCounts(unchanged=3, rejected=2)
    )
    shown = batchwright("run", "docs").out
    assert "records set aside:" not in shown
    assert "set aside by earlier runs: 2 records (see: batchwright rejects list)" in shown


def test_after_a_refused_prune_the_same_again_is_not_advised(batchwright: Command) -> None:
    batchwright("run", "docs", "--to", TARGET)
    Path("docs", "guide.md").rename("docs/other.md")
    outcome = batchwright("run", "docs", "--to", TARGET, "--prune")
    assert outcome.code == 1
    assert "run the same command again" not in outcome.out
    assert "--prune-limit 1.0" in outcome.err
    assert batchwright("run", "docs", "--to", TARGET, "--prune", "--prune-limit", "1.0").code == 0


def advised(text: str) -> list[str]:
    """Return the arguments of the command that a text advises."""
    line = next(line for line in text.splitlines() if "batchwright verify" in line)
    return shlex.split(line.partition("batchwright ")[2].partition("  (")[0])


def damage(file: str = "kb.db", table: str = "knowledge_base") -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(f'DELETE FROM "{table}_records"')


def test_what_verify_advises_runs(batchwright: Command) -> None:
    batchwright("run", "docs", "--to", TARGET)
    damage()
    arguments = advised(batchwright("verify", "--to", TARGET).out)
    assert arguments == ["verify", "--repair", "--to", TARGET]
    assert batchwright(*arguments).code == 0


def test_what_verify_advises_names_the_folder_where_it_is_gone(batchwright: Command) -> None:
    batchwright("run", "docs", "--to", TARGET)
    damage()
    shutil.move("docs", "moved")
    shown = batchwright("verify", "--to", TARGET).out
    arguments = advised(shown)
    assert arguments[1] == "SOURCE"
    assert str(Path("docs").absolute()) in shown
    assert batchwright(*["moved" if word == "SOURCE" else word for word in arguments]).code == 0


def test_what_verify_advises_names_the_relation_where_there_are_several(batchwright: Command) -> None:
    for table in ("one", "two words"):
        batchwright("run", "docs", "--to", f"{TARGET}?table={table.replace(' ', '%20')}")
    damage(table="two words")
    arguments = advised(batchwright("verify", "--to", TARGET).out)
    assert arguments[:4] == ["verify", "--repair", "--table", "two words"]
    assert batchwright(*arguments).code == 0


def test_patterns_and_excludes_are_options(batchwright: Command) -> None:
    for name in ("a.mdx", "b.mdx", "c.md"):
        Path("docs", name).write_text("text", "utf-8")
    options = ("--pattern", "*.mdx", "--pattern", "c.md", "--exclude", "b.*")
    planned = batchwright("plan", "docs", "--to", TARGET, *options, "--json").json
    assert [change["key"] for change in planned["lists"]["added"]] == ["a.mdx", "c.md"]
    outcome = batchwright("run", "docs", "--to", TARGET, *options, "--json").json
    assert outcome["account"]["documents"]["added"] == 2


def test_a_section_of_a_reporter_that_is_not_used_is_said(batchwright: Command) -> None:
    Path("batchwright.toml").write_text('reporters = ["progress"]\n[reporter.logging]\n', "utf-8")
    said = batchwright("run", "docs").err
    assert "batchwright.toml: reporter.logging" in said
    assert "not used, since reporters doesn't name 'logging'" in said


def test_what_is_unknown_is_named_with_what_is_known(batchwright: Command) -> None:
    far = batchwright("status", "--to", "mysql://h/db").err
    assert "no sink for 'mysql'; installed: " in far
    assert "sqlite" in far
    assert "did you mean" not in far
    assert "did you mean 'sqlite'?" in batchwright("status", "--to", "sqlit:///kb.db").err
    executor = batchwright("run", "docs", "--executor", "daks").err
    assert "daks" in executor
    assert "installed: local" in executor


def test_a_forgotten_scheme_shows_no_password(batchwright: Command) -> None:
    assert "0penSesame" not in batchwright("status", "--to", "ann:0penSesame@db.example/kb").err


def test_the_help_names_arguments_and_cuts_no_sentence(
    batchwright: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERMINAL_WIDTH", "80")
    for words in ([], ["rejects"], ["plugins"], ["search"], ["rejects", "list"], ["new-plugin"]):
        shown = batchwright(*words, "--help").out
        assert not any(mark in shown.replace("[OPTIONS]", "") for mark in ("{", "<", "...\n  ", "str]")), (
            shown
        )
    assert batchwright("-V").out == batchwright("--version").out


class Screen:
    """A terminal of a width, in place of stdout."""

    def __init__(self) -> None:
        self.written = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> None:
        self.written += text

    def flush(self) -> None:
        pass


@pytest.mark.parametrize("columns", [40, 80, 100])
def test_a_table_breaks_between_its_columns(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NO_COLOR", "1")
    heading = [f"COLUMN{n}" for n in range(9)]
    Table(Terminal(), heading, right=("COLUMN3",)).say(
        [["cell", "another one", *["twelve chars"] * 6, "why " * 40]]
    )
    lines = screen.written.splitlines()
    assert all(len(line) <= columns for line in lines)
    assert len(lines) > 2
    words = screen.written.split()
    assert [word for word in words if word.startswith("COLUMN")] == heading
    assert words.count("twelve") == words.count("chars") == 6
    assert "…" in screen.written


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no SIGHUP")
def test_a_closed_terminal_ends_the_run_in_good_order(slow: list[Session]) -> None:
    session = Session(seconds=0.5)
    slow.append(session)
    session.read_until(r"[1-9]/9 documents")
    os.kill(session.process.pid, signal.SIGHUP)
    assert session.finish() == 128 + signal.SIGHUP
    assert "SIGHUP: finishing what is being written" in session.shown
    assert "not attempted" in session.shown


def test_completion_is_offered(capsys: pytest.CaptureFixture[str]) -> None:
    execute(["--help"])
    assert "--install-completion" in capsys.readouterr().out
