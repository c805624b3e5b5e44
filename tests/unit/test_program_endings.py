"""Whole programs: of which something is open or going on when they end, and from stdin."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.operations import Operations, write_documents

TO = "sqlite:///kb.db"

LEFT_OPEN = """
from batchwright import Target
target = Target("sqlite:///kb.db").open()
print(len(target.search("introduction")))
"""

AFTER_MAIN = """
import io
import threading
import time
from batchwright import BatchConfig, BatchProcessor, Fetched, Item, Source, SourceLimits, hookimpl

class Shelf(Source):
    name = "shelf"
    schemes = ("shelf",)
    limits = SourceLimits(at_once=1)
    def origin(self): return "shelf://all"
    def list(self, after="", until=None, since=None):
        yield from (Item(f"{n:02}.md", n, fingerprint="1") for n in range(30))
    def fetch(self, item):
        begun.set()
        time.sleep(0.03)
        return Fetched(lambda: io.BytesIO(b"peas"), "1")

class Shelves:
    @hookimpl
    def register_sources(self): return [Shelf]

def run():
    if not EARLY:
        threading.main_thread().join()
    config = BatchConfig(source=SOURCE, to="sqlite:///b.db", collection="c", reporters=(), readers=READERS)
    result = BatchProcessor(config, plugins=[Shelves()]).run()
    print(result.state, result.account.documents.added)

begun = threading.Event()
threading.Thread(target=run).start()
if EARLY:
    begun.wait(30)  # fetching goes on for a second: pools take nothing more then
"""


def ended(script: str, folder: Path) -> str:
    """What a program says that has to end by itself, without a word of trouble."""
    program = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert (program.returncode, program.stderr) == (0, "")
    return program.stdout.strip()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Operations(write_documents(tmp_path / "docs"), TO).run()
    return tmp_path


def test_a_program_that_left_a_target_open_ends(folder: Path) -> None:
    assert ended(LEFT_OPEN, folder) == "4"


@pytest.mark.parametrize(
    ("source", "readers", "early", "said"),
    [
        ("docs", 2, False, "done 4"),
        ("shelf://all", 1, False, "done 30"),
        ("shelf://all", 1, True, "done 30"),
    ],
)
def test_a_run_in_a_thread_goes_on_to_its_end_when_the_main_thread_has_ended(
    folder: Path, source: str, readers: int, early: bool, said: str
) -> None:
    script = f"SOURCE, READERS, EARLY = {source!r}, {readers}, {early}\n{AFTER_MAIN}"
    assert ended(script, folder) == said


FROM_STDIN = """
from batchwright import BatchConfig, BatchProcessor
config = BatchConfig(source="docs", to="sqlite:///b.db", reporters=(), readers=2)
print(BatchProcessor(config).run().state)
"""


def test_a_program_from_stdin_is_read_for_in_one_process_and_no_traceback_is_shown(folder: Path) -> None:
    program = subprocess.run(
        [sys.executable],
        input=FROM_STDIN,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (program.returncode, program.stdout) == (0, "done\n")
    assert program.stderr.splitlines() == [
        "readers: the program's file <stdin> isn't there; reading in this process"
    ]
