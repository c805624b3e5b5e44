"""Runs that take their time, each on a terminal of its own."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

SLOW = """
import os, time
import batchwright
class SlowStore(batchwright.Store):
    def write(self, batch, receipt):
        open("writing", "w").close()
        time.sleep(float(os.environ["SLOW"]))
class Slow(batchwright.Sink):
    name = "slow"
    schemes = ("slow",)
    def open(self, record_type=None, *, create=True):
        return SlowStore()
@batchwright.hookimpl
def register_sinks():
    return [Slow]
"""
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"


class Session:
    """A run on a terminal of its own, with what it showed so far."""

    def __init__(self, *arguments: str, seconds: float) -> None:
        self._terminal, end = pty.openpty()
        environ = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "SLOW": str(seconds)}
        environ.pop("NO_COLOR", None)
        command = [
            sys.executable,
            "-m",
            "batchwright",
            "run",
            "docs",
            "--to",
            "slow://x",
            "--plugin",
            "slow.py",
        ]
        self.process = subprocess.Popen(
            [*command, "--batch-size", "1", *arguments], stdout=end, stderr=end, stdin=end, env=environ
        )
        os.close(end)
        self.shown = ""

    def read_until(self, pattern: str, timeout: float = 30) -> None:
        """Read on until the terminal has shown the pattern."""
        deadline = time.monotonic() + timeout
        while not re.search(pattern, self.shown):
            assert time.monotonic() < deadline, f"{pattern!r} not in {self.shown!r}"
            if not self._read():
                break
        assert re.search(pattern, self.shown), self.shown

    def finish(self, timeout: float = 30) -> int:
        """Read to the end; return the exit code."""
        deadline = time.monotonic() + timeout
        while self._read() and time.monotonic() < deadline:
            pass
        return self.process.wait(timeout)

    def close(self) -> None:
        """End the process if it still runs."""
        self.process.kill()
        self.process.wait()
        os.close(self._terminal)

    def _read(self) -> bool:
        if not select.select([self._terminal], [], [], 0.2)[0]:
            return True
        try:
            data = os.read(self._terminal, 65536)
        except OSError:  # how a terminal says that the other end is closed
            return False
        self.shown += data.decode("utf-8", "replace")
        return bool(data)


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[list[Session]]:
    """Sessions to be closed after the test."""
    Path("slow.py").write_text(SLOW, "utf-8")
    for number in range(8):
        Path(f"docs/{number}.md").write_text(f"# Document {number}\n\nText.\n", "utf-8")
    sessions: list[Session] = []
    yield sessions
    for session in sessions:
        session.close()
