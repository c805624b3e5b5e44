"""A worker in a process of its own, which makes a sink from its class and options, and writes with it.

It reads, pickled, where to import from and then a `Job`; it says "ready", waits for a line, works, and says
"done". Whatever goes wrong ends it with a traceback.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Self, TypeVar

import pytest

from batchwright.contracts.receipts import Receipt
from batchwright.contracts.sink import AnySink, SinkOptions
from batchwright.testing.calls import within
from batchwright.testing.records import batch

Value = TypeVar("Value")
Write = tuple[tuple[Any, ...], Receipt]

_ATTEMPTS = 8
_START = 60.0
"""Seconds that a process may take to start, on a machine that has much else to do."""


@dataclass(frozen=True)
class Job:
    """What a worker does: make the sink, open it, write, close it."""

    kind: type[AnySink]
    options: SinkOptions
    writes: Sequence[Write]

    def do(self) -> None:
        """Do it; as the engine does, try again what fails for another writer's sake."""
        with _again(self.kind(self.options).open) as store:
            for chunks, written in self.writes:
                _again(partial(store.write, batch(chunks), written))


class Worker:
    """A process that does a job; to be left by `with`, which ends the process."""

    def __init__(self, job: Job, patience: float) -> None:
        self._patience = patience
        try:
            self._job = pickle.dumps(job)
        except Exception as error:  # noqa: BLE001 - pickle raises what it likes
            pytest.fail(f"class and options can't be sent to a worker: {type(error).__name__}: {error}")
        self._process = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-c", f"from {__name__} import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def __enter__(self) -> Self:
        self._send(pickle.dumps(sys.path) + self._job)
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        with suppress(OSError):  # what it didn't read
            self._process.communicate()

    def wait_until_ready(self) -> None:
        """Wait until it has only to begin."""
        within(_START, "the start of a worker", partial(self._listen, b"ready\n"))

    def begin(self) -> None:
        """Let it begin."""
        self._send(b"begin\n")

    def finish(self) -> None:
        """Wait until it is done; the check fails where it isn't in time, or fails."""
        within(self._patience * 3, "the work of another process", partial(self._listen, b"done\n"))
        within(self._patience * 3, "the end of another process", self._process.wait)

    def _send(self, what: bytes) -> None:
        assert self._process.stdin is not None  # noqa: S101
        with suppress(OSError):  # it died: what it said, tells why
            self._process.stdin.write(what)
            self._process.stdin.flush()

    def _listen(self, word: bytes) -> None:
        """Read until the word comes; where the end comes before, the check fails with what was said."""
        assert self._process.stdout is not None  # noqa: S101
        said = b""
        for line in self._process.stdout:
            if line == word:
                return
            said += line
        pytest.fail(f"in another process: {said.decode(errors='replace').strip()[-1500:]}")


def _again(function: Callable[[], Value]) -> Value:
    for attempt in range(_ATTEMPTS - 1):
        with suppress(Exception):
            return function()
        time.sleep(0.05 * 2**attempt)
    return function()


def main() -> None:
    """Be the worker."""
    sys.path[:] = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our parent
    job = pickle.load(sys.stdin.buffer)  # noqa: S301
    print("ready", flush=True)  # noqa: T201 - that is how it speaks
    sys.stdin.buffer.readline()
    job.do()
    print("done", flush=True)  # noqa: T201
