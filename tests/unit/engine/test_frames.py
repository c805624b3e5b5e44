"""How deep the stacks are between the command and a sink: each frame is a place to look for what happens."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from batchwright import BatchConfig, BatchProcessor
from batchwright.builtin.sqlite.store import SqliteStore
from batchwright.cli.main import execute
from batchwright.engine.reading.feed import Feed

SOURCE = Path(__file__).parents[3] / "src" / "batchwright"
MOST = 22

ENTRIES = {Feed.feed.__code__: "to the feed", SqliteStore.write.__code__: "from the writer to the sink"}


class Stacks:
    """Notes the stacks at the feed, and at the first write."""

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {}

    def profile(self, frame: FrameType, event: str, argument: Any) -> None:
        if event != "call" or frame.f_code not in ENTRIES:
            return
        name = ENTRIES[frame.f_code]
        if name in self.found:
            return
        own = list(_own(frame))
        if threading.current_thread().name.startswith("batchwright-call"):  # made for a writer, that waits
            frames = sys._current_frames()
            writers = [t for t in threading.enumerate() if t.name.startswith("batchwright-writer")]
            own = [line for t in writers if t.ident in frames for line in _own(frames[t.ident])] + own
        self.found[name] = own

    def total(self) -> int:
        for name, lines in self.found.items():
            print(f"{len(lines)} frames {name}:", *lines, sep="\n  ")
        total = sum(map(len, self.found.values()))
        print(f"{total} frames in all")
        return total


def _own(frame: FrameType | None) -> Iterator[str]:
    """Our own frames of a stack, outermost first."""
    lines = []
    while frame is not None:
        code = frame.f_code
        path = Path(code.co_filename)
        if path.is_relative_to(SOURCE):
            lines.append(f"{path.relative_to(SOURCE)}: {code.co_qualname}")
        frame = frame.f_back
    return reversed(lines)


@pytest.fixture
def stacks() -> Iterator[Stacks]:
    stacks = Stacks()
    before = sys.getprofile(), threading.getprofile()
    threading.setprofile(stacks.profile)
    sys.setprofile(stacks.profile)
    yield stacks
    sys.setprofile(before[0])
    threading.setprofile(before[1])


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.md").write_text("# A\n\nSome words.\n")
    return folder


def test_few_frames_lie_between_the_command_and_the_write(
    stacks: Stacks, documents: Path, tmp_path: Path
) -> None:
    arguments = ["run", str(documents), "--to", f"sqlite:///{tmp_path}/kb.db", "-q"]
    assert execute(arguments) == 0
    assert stacks.found.keys() == set(ENTRIES.values())
    assert stacks.total() <= MOST


def test_few_frames_lie_between_a_programs_call_and_the_write(
    stacks: Stacks, documents: Path, tmp_path: Path
) -> None:
    BatchProcessor(BatchConfig(input_dir=documents, to=f"sqlite:///{tmp_path}/kb.db", reporters=())).run()
    assert stacks.found.keys() == set(ENTRIES.values())
    assert stacks.total() <= MOST
