"""Calls that are watched from outside, so that a plugin that hangs fails a check and not the whole run."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

import pytest

Value = TypeVar("Value")


class Call(Generic[Value]):
    """A call in a thread of its own, begun at once."""

    def __init__(self, function: Callable[[], Value]) -> None:
        self._function = function
        self._value: list[Value] = []
        self.error: BaseException | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="batchwright-kit", daemon=True)
        self._thread.start()

    def ends_within(self, seconds: float) -> bool:
        """Wait for its end; tell whether it came."""
        ended = self._done.wait(seconds)
        if ended:
            self._thread.join()
        return ended

    def result(self, seconds: float, what: str) -> Value:
        """Return its value, or raise what it raised; the check fails where it takes longer."""
        if not self.ends_within(seconds):
            pytest.fail(f"{what} has not come to an end after {seconds:g} s")
        if self.error is not None:
            raise self.error
        return self._value[0]

    def _run(self) -> None:
        try:
            self._value.append(self._function())
        except BaseException as error:  # noqa: BLE001 - looked at by whoever waits
            self.error = error
        finally:
            self._done.set()


def within(seconds: float, what: str, function: Callable[[], Value]) -> Value:
    """Return what the function returns, or raise what it raises; the check fails where it takes longer."""
    return Call(function).result(seconds, what)


def silent(capture: pytest.CaptureFixture[str], what: str) -> None:
    """Check that nothing was written to stdout; what was before the last look doesn't count."""
    printed = capture.readouterr().out
    assert not printed, f"{what} wrote to stdout: {printed[:200]!r}"
