"""``run --watch``: what makes it load again, what doesn't, and how it ends."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from batchwright import Target
from batchwright.cli.main import execute

_PATIENCE = 60.0


class Watching:
    """A command that watches; each run's account is a line of its output."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._lines: queue.Queue[str] = queue.Queue()
        self.said: list[str] = []
        self._idle = threading.Semaphore(0)
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._listen, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if "watching " in line:
                self._idle.release()

    def account(self) -> dict[str, Any]:
        """Return the result of the next run, once the command watches again."""
        result: dict[str, Any] = json.loads(self._lines.get(timeout=_PATIENCE))
        assert self._idle.acquire(timeout=_PATIENCE), self.said
        return result

    def is_quiet(self, seconds: float) -> bool:
        """Tell whether nothing is loaded for so long."""
        try:
            self._lines.get(timeout=seconds)
        except queue.Empty:
            return True
        return False

    def end(self, number: int) -> int:
        """Send a signal; return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(_PATIENCE)


@contextmanager
def watching(*arguments: str, cwd: Path) -> Iterator[Watching]:
    command = [sys.executable, "-m", "batchwright", "run", *arguments, "--watch", "--json"]
    with subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
    ) as process:
        try:
            yield Watching(process)
        finally:
            process.kill()


def documents(result: dict[str, Any]) -> dict[str, int]:
    return {name: count for name, count in result["account"]["documents"].items() if count}


def test_every_change_is_loaded_and_the_targets_own_files_are_none(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a.md").write_text("first\n")
    with watching("notes", "--to", "sqlite:///notes/kb.db", "--prune", cwd=tmp_path) as command:
        assert documents(command.account()) == {"added": 1}
        (folder / "b.md").write_text("second\n")
        assert documents(command.account()) == {"added": 1, "unchanged": 1}
        (folder / "note.txt.swp").write_text("an editor's\n")
        assert command.is_quiet(3)
        (folder / "deeper").mkdir()
        (folder / "deeper" / "c.md").write_text("third\n")
        assert documents(command.account()) == {"added": 1, "unchanged": 2}
        (folder / "b.md").write_text("second, changed\n")
        assert documents(command.account()) == {"changed": 1, "unchanged": 2}
        shutil.move(folder / "deeper", tmp_path / "elsewhere")
        assert documents(command.account()) == {"deleted": 1, "unchanged": 2}
        assert command.end(signal.SIGTERM) == 0
    with Target(f"sqlite:///{folder}/kb.db") as target:
        assert [known.version.key for known in target.documents()] == ["a.md", "b.md"]


def test_an_empty_folder_is_watched_until_there_is_something(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    with watching("notes", "--to", "sqlite:///kb.db", cwd=tmp_path) as command:
        assert command.account()["exit_code"] == 2
        (tmp_path / "notes" / "a.md").write_text("first\n")
        assert documents(command.account()) == {"added": 1}
        assert command.end(signal.SIGINT) == 0


def test_a_file_that_an_editor_puts_another_in_place_of_is_loaded_again(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,n\n1,x\n")
    with watching("a.csv", "--key", "id", "--to", "sqlite:///kb.db", cwd=tmp_path) as command:
        assert documents(command.account()) == {"added": 1}
        (tmp_path / "new").write_text("id,n\n1,x\n2,y\n")
        (tmp_path / "new").replace(tmp_path / "a.csv")
        assert documents(command.account()) == {"added": 1, "unchanged": 1}


def test_two_folders_are_watched(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.md").write_text("text\n")
    with watching("one", "two", "--to", "sqlite:///kb.db", cwd=tmp_path) as command:
        assert len(command.account()["runs"]) == 2
        (tmp_path / "two" / "b.md").write_text("text\n")
        assert [documents(run) for run in command.account()["runs"]] == [
            {"unchanged": 1},
            {"added": 1, "unchanged": 1},
        ]


def test_what_is_no_file_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["run", "-", "--watch"]) == 2
    assert "no local file or folder" in capsys.readouterr().err
