"""Runs that hold a lease for as long as a test wants, in processes forked from one that has all loaded."""

from __future__ import annotations

import itertools
import signal
from dataclasses import replace
from pathlib import Path

from tests.support.forked import Forked, Order
from tests.support.two_runs import CHUNK_TOKENS, PLUGIN, wait_until, write_document

_numbers = itertools.count()


def documents(folder: Path, word: str = "word", chunks: int = 6) -> Path:
    """Write three documents."""
    for number in range(3):
        write_document(folder / f"doc{number}.md", chunks, word)
    return folder


def order(folder: Path, url: str, *more: str) -> Order:
    """Return the order to run a folder."""
    options = ("--to", url, "-q", "--json", "--chunk-max-tokens", str(CHUNK_TOKENS))
    return Order(("run", str(folder), *options, *more), folder.parent, {})


def begin(given: Order) -> Forked:
    """Begin a command."""
    return Forked(given, given.cwd / f"said{next(_numbers)}")


def done(given: Order, code: int = 0) -> Forked:
    """Run a command to its end; check its exit code."""
    with begin(given) as process:
        ended = process.ended()
        assert ended.code == code, ended
        return process


class Gated(Forked):
    """A run that waits before a batch until it is released; then it holds its lease."""

    def __init__(self, given: Order, *, at: int = 2, size: int = 5, plugin: Path = PLUGIN) -> None:
        number = next(_numbers)
        self._gate = given.cwd / f"gate{number}"
        self._gate.mkdir()
        environ = {"GATE": str(self._gate), "GATE_AT": str(at), "GATE_SIZE": str(size)}
        arguments = (*given.arguments, "--plugin", str(plugin))
        super().__init__(replace(given, arguments=arguments, environ=environ), given.cwd / f"said{number}")

    def reached(self) -> Gated:
        """Wait until it waits."""
        wait_until(lambda: (self._gate / "reached").exists(), "the run has reached its gate")
        return self

    def release(self) -> None:
        """Let it go on."""
        (self._gate / "open").touch()

    def killed(self) -> None:
        """Kill it."""
        self.send(signal.SIGKILL)
        assert self.ended().code == -signal.SIGKILL
