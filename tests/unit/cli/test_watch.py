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
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from watchfiles import Change

from batchwright import BatchwrightError, ConfigError, Target
from batchwright.cli.changes import Changes, Folders, Place
from batchwright.cli.main import execute
from batchwright.cli.signals import Stopper
from batchwright.cli.terminal import Terminal

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

    def line(self) -> dict[str, Any]:
        """Return the next result, whatever comes behind it."""
        result: dict[str, Any] = json.loads(self._lines.get(timeout=_PATIENCE))
        return result


SLOW = ("--to", "sqlite:///kb.db", "--plugin", "slow.py")
PLUGIN = """
import pathlib, time
import batchwright

@batchwright.hookimpl
def prepare_document(document):
    pathlib.Path("began").touch()
    deadline = time.monotonic() + 60
    while not pathlib.Path("go").exists() and time.monotonic() < deadline:
        time.sleep(.05)
    return None
"""
PAGE = """
from pathlib import Path
import batchwright

class Options(batchwright.ReporterOptions):
    path: str

class Page(batchwright.Reporter[Options]):
    name = "report"
    options_type = Options

    def handle(self, event):
        if type(event).__name__ == "RunFinished":
            Path(self.options.path.replace("{collection}", "notes")).write_text(repr(event))

@batchwright.hookimpl
def register_reporters():
    return [Page]
"""


@contextmanager
def slow_run(folder: Path) -> Iterator[Watching]:
    """A watch whose first run reads a document until there is a file `go`."""
    (folder / "notes").mkdir()
    (folder / "notes" / "a.md").write_text("first\n")
    (folder / "slow.py").write_text(PLUGIN)
    with watching("notes", *SLOW, cwd=folder) as command:
        wait_until((folder / "began").exists)
        yield command


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def published(database: Path) -> list[str]:
    try:
        with Target(f"sqlite:///{database}") as target:
            return [known.version.key for known in target.documents()]
    except BatchwrightError:  # its tables are being made
        return []


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


def test_a_folder_that_goes_away_and_comes_again_is_watched_on(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a.md").write_text("first\n")
    with watching("notes", "--to", "sqlite:///kb.db", cwd=tmp_path) as command:
        assert documents(command.account()) == {"added": 1}
        shutil.rmtree(folder)
        assert command.account()["exit_code"] == 3, "what is stored stays"
        folder.mkdir()
        (folder / "a.md").write_text("first\n")
        (folder / "b.md").write_text("second\n")
        assert documents(command.account()) == {"added": 1, "unchanged": 1}
        (folder / "b.md").write_text("second, changed\n")
        assert documents(command.account()) == {"changed": 1, "unchanged": 1}


def test_a_link_that_leads_to_another_folder_is_followed(tmp_path: Path) -> None:
    """As a release is made, or what git-sync does."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.md").write_text(f"{name}\n")
    (tmp_path / "latest").symlink_to("one")
    with watching("latest", "--to", "sqlite:///kb.db", cwd=tmp_path) as command:
        assert documents(command.account()) == {"added": 1}
        (tmp_path / "next").symlink_to("two")
        (tmp_path / "next").replace(tmp_path / "latest")
        assert documents(command.account()) == {"changed": 1}
        (tmp_path / "two" / "b.md").write_text("second\n")
        assert documents(command.account()) == {"added": 1, "unchanged": 1}


def test_a_file_is_loaded_once_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    with watching("notes", "--to", "sqlite:///kb.db", cwd=tmp_path) as command:
        command.account()
        with (tmp_path / "notes" / "a.md").open("w") as file:
            for number in range(40):
                file.write(f"line {number}\n")
                file.flush()
                time.sleep(0.1)
        assert documents(command.account()) == {"added": 1}
        assert command.is_quiet(2)


def test_thousands_of_changes_make_few_runs(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    with watching("notes", "--to", "sqlite:///kb.db", cwd=tmp_path) as command:
        command.account()
        for number in range(3_000):
            if number % 100 == 0:
                (folder / f"{number}").mkdir()
            (folder / f"{number // 100 * 100}" / f"{number}.md").write_text(f"text {number}\n")
        runs = 0
        known = 0
        while known < 3_000:
            known = sum(documents(command.account()).values())
            runs += 1
        assert runs <= 5


def test_two_watch_the_same_folder(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.md").write_text("first\n")
    arguments = ("notes", "--to", "sqlite:///kb.db", "--wait", "60")
    with watching(*arguments, cwd=tmp_path) as one, watching(*arguments, cwd=tmp_path) as two:
        both = [documents(one.account()), documents(two.account())]
        assert sorted(map(str, both)) == ["{'added': 1}", "{'unchanged': 1}"]
        (tmp_path / "notes" / "a.md").write_text("first, changed\n")
        both = [documents(one.account()), documents(two.account())]
        assert sorted(map(str, both)) == ["{'changed': 1}", "{'unchanged': 1}"]


def test_where_another_run_has_the_collection_the_watch_goes_on(tmp_path: Path) -> None:
    with slow_run(tmp_path) as first, watching("notes", *SLOW, cwd=tmp_path) as second:
        assert second.account()["exit_code"] == 4
        first.process.kill()
        first.process.wait(_PATIENCE)
        (tmp_path / "go").touch()
        (tmp_path / "notes" / "b.md").write_text("second\n")
        assert documents(second.account()) == {"added": 2}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_during_a_run_ends_both(tmp_path: Path, number: int, code: int) -> None:
    with slow_run(tmp_path) as command:
        command.process.send_signal(number)
        (tmp_path / "go").touch()
        assert command.process.wait(_PATIENCE) == code
        result = command.line()
        assert (result["state"], result["exit_code"]) == ("interrupted", code)


def test_a_page_in_the_folder_is_no_change(tmp_path: Path) -> None:
    """Each run would write what makes the next one."""
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.md").write_text("first\n")
    (tmp_path / "page.py").write_text(PAGE)
    (tmp_path / "batchwright.toml").write_text(
        'reporters = ["report"]\n[reporter.report]\npath = "notes/of-{collection}.html"\n'
    )
    arguments = ("notes", "--to", "sqlite:///kb.db", "--plugin", "page.py")
    with watching(*arguments, cwd=tmp_path) as command:
        assert documents(command.account()) == {"added": 1}
        assert (tmp_path / "notes" / "of-notes.html").exists()
        assert command.is_quiet(3)
        (tmp_path / "notes" / "b.md").write_text("second\n")
        assert documents(command.account()) == {"added": 1, "unchanged": 1}
        assert command.is_quiet(3)


def test_files_are_looked_at_where_nobody_tells_of_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As those of another machine on a network drive."""
    monkeypatch.setenv("WATCHFILES_FORCE_POLLING", "1")
    (tmp_path / "notes").mkdir()
    with watching("notes", "--to", "sqlite:///kb.db", cwd=tmp_path) as command:
        command.account()
        (tmp_path / "notes" / "a.md").write_text("first\n")
        assert documents(command.account()) == {"added": 1}


def test_quiet_means_quiet(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.md").write_text("first\n")
    command = [
        sys.executable,
        "-m",
        "batchwright",
        "run",
        "notes",
        "--to",
        "sqlite:///kb.db",
        "--watch",
        "-q",
    ]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        wait_until(lambda: (tmp_path / "kb.db").exists() and published(tmp_path / "kb.db") == ["a.md"])
        process.kill()
        assert process.communicate(timeout=_PATIENCE)[0] == b""


@pytest.mark.parametrize("source", ["-", "s3://bucket/docs"])
def test_what_is_no_file_is_refused(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["run", source, "--watch"]) == 2
    error = capsys.readouterr().err
    assert f"--watch: {source} is no local file or folder; load it at set times" in error


def test_a_place_is_among_what_is_loaded_or_not(tmp_path: Path) -> None:
    place = Place(tmp_path, lambda key: key.endswith(".md"), lambda path: path.endswith("own.md"))
    assert place.matters(tmp_path, tmp_path / "a.md", is_folder=False)
    assert place.matters(tmp_path, tmp_path / "folder", is_folder=True)
    assert not place.matters(tmp_path, tmp_path / "a.png", is_folder=False)
    assert not place.matters(tmp_path, tmp_path / "own.md", is_folder=False)
    assert not place.matters(tmp_path, tmp_path.parent / "a.md", is_folder=False)


def test_a_folder_that_is_gone_was_one_also_if_its_name_looks_like_a_files(tmp_path: Path) -> None:
    (tmp_path / "v1.2").mkdir()
    folders = Folders(tmp_path)
    (tmp_path / "new" / "v1.3").mkdir(parents=True)
    assert folders.has(str(tmp_path / "new"), Change.added)
    assert not folders.has(str(tmp_path / "kb.db-journal"), Change.deleted)
    for name in ("v1.2", "new/v1.3", "new"):
        assert folders.has(str(tmp_path / name), Change.deleted), name


@pytest.mark.parametrize("name", ["v1.2", "old"])
def test_a_folder_that_is_moved_out_is_gone(tmp_path: Path, name: str) -> None:
    """Nobody names what was in it."""
    (tmp_path / "notes" / name).mkdir(parents=True)
    with Changes([Place(tmp_path / "notes", lambda key: key.endswith(".md"))]) as changes:
        began = time.monotonic()
        (tmp_path / "notes" / name).rename(tmp_path / "elsewhere")
        changes.wait(_PATIENCE)
        assert time.monotonic() - began < _PATIENCE / 2


def test_a_watch_that_breaks_off_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Place, *_: object, **__: object) -> bool:
        raise OSError("inotify: no more watches")

    monkeypatch.setattr(Place, "matters", broken)
    with Changes([Place(tmp_path, lambda _: True)]) as changes:
        (tmp_path / "a.md").touch()
        changes.wait(_PATIENCE)
        assert str(changes.failure) == "inotify: no more watches"


def test_a_signal_just_before_a_run_begins_ends_the_run() -> None:
    heard: list[str] = []
    come = threading.Event()

    def end(name: str) -> None:
        heard.append(name)
        come.set()

    terminal = Terminal()
    with Stopper(lambda _: None, terminal) as outer:
        os.kill(os.getpid(), signal.SIGTERM)
        wait_until(lambda: outer.received is not None)
        with Stopper(end, terminal):
            assert come.wait(_PATIENCE)
    assert heard == ["SIGTERM"]


def test_too_many_folders_for_the_system_are_said_before_anything_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> Iterator[object]:
        raise OSError("OS file watch limit reached.")

    monkeypatch.setattr("watchfiles.watch", full)
    with pytest.raises(ConfigError, match=r"limit reached.; raise fs.inotify.max_user_watches"):
        Changes([Place(tmp_path, lambda _: True)]).__enter__()
