"""The command line as a process of its own, bounded in time, and what became of its children."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

import psutil

from tests.support.surroundings import without_settings

SOURCE = Path(__file__).parents[2] / "src"


class Ended(NamedTuple):
    """How a command ended: its exit code (negative: the signal), and what it said."""

    code: int
    out: str
    err: str

    @property
    def result(self) -> dict[str, Any]:
        """What it said as JSON."""
        found: dict[str, Any] = json.loads(self.out)
        return found


class Command:
    """`batchwright ARGUMENTS`, begun. Leaving its context ends it and its children."""

    def __init__(self, arguments: list[str], cwd: Path, environ: Mapping[str, str] | None = None) -> None:
        self._family: dict[int, psutil.Process] = {}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "batchwright", *arguments],
            cwd=cwd,
            env={**without_settings(), "PYTHONPATH": str(SOURCE), "COLUMNS": "200", **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def children(self) -> list[psutil.Process]:
        """Return, and remember, the processes that it has."""
        try:
            found = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            found = []
        self._family.update({child.pid: child for child in found})
        return found

    def wait_for_children(self, number: int, timeout: float = 20) -> None:
        """Wait until it has so many."""
        deadline = time.monotonic() + timeout
        while len(self.children()) < number:
            assert self.process.poll() is None, "it ended before it had children"
            assert time.monotonic() < deadline, f"it has {len(self.children())} children, not {number}"
            time.sleep(0.01)

    def send(self, number: signal.Signals, *, group: bool = False) -> None:
        """Send it a signal, or to its whole group as a terminal does, having looked what children it has."""
        self.children()
        if group:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)

    def ended(self, timeout: float = 60) -> Ended:
        """Wait for its end."""
        out, err = self.process.communicate(timeout=timeout)
        return Ended(self.process.returncode, out, err)

    def survivors(self, timeout: float = 5) -> list[int]:
        """Return the children that outlive it by so many seconds."""
        deadline = time.monotonic() + timeout
        left = list(self._family.values())
        while left and time.monotonic() < deadline:
            left = [child for child in left if _lives(child)]
            time.sleep(0.01)
        return [child.pid for child in left]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.children()
        self.process.kill()
        for child in self._family.values():
            try:
                child.kill()
            except psutil.NoSuchProcess:
                continue
        self.process.communicate(timeout=30)


def command(
    *arguments: str, cwd: Path, environ: Mapping[str, str] | None = None, timeout: float = 60
) -> Ended:
    """Run a command to its end."""
    with Command(list(arguments), cwd, environ) as running:
        return running.ended(timeout)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def imported_by_runs(arguments: list[str], modules: set[str]) -> tuple[str, str]:
    """Return what a command prints, first and again: its exit code, and which of these modules it imports."""
    probe = (
        "import sys\nfrom batchwright.cli.main import execute\n"
        f"code = execute({arguments!r})\nprint([code, *({modules!r} & sys.modules.keys())])"
    )
    first, again = (
        subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=60).stdout
        for _ in range(2)
    )
    return first, again
