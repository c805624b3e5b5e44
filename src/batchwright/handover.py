"""Calls that one thread has another make, so that it can walk away from one that hangs."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")


class Handover(Generic[Value]):
    """A call that one thread makes, and another waits for.

    Args:
        function: What to do.

    Attributes:
        function: What to do.
        ended: Locked until the call has ended: to acquire it is to wait for that.
        value: What the function returned.
        error: What it raised, or None.
    """

    __slots__ = ("ended", "error", "function", "value")

    def __init__(self, function: Callable[[], Value]) -> None:
        self.function = function
        self.value: Value | None = None
        self.error: BaseException | None = None
        self.ended = threading.Lock()  # an Event makes two of them, and one more for every wait
        self.ended.acquire()

    def result(self) -> Value:
        """Return what the call returned, or raise what it raised; it has ended."""
        if self.error is not None:
            raise self.error
        return self.value  # type: ignore[return-value]  # it ended without an error, so it is there


class Helper:
    """A thread that makes the calls of others, one after the other. It starts with the first.

    It is a daemon: one that hangs is left behind, and what becomes of its call is ignored.

    Args:
        name: The thread's.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: SimpleQueue[Handover[Any] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def start(self, function: Callable[[], Value]) -> Handover[Value]:
        """Have a function called; return what can be waited for.

        Raises:
            RuntimeError: No thread can be started, or none would run any more: the interpreter is ending.
        """
        if sys.is_finalizing():  # whoever waits for a thread then waits for ever
            raise RuntimeError("no thread runs any more: the interpreter is ending")
        if self._thread is None:
            thread = threading.Thread(target=_work, args=(self._calls,), name=self._name, daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                error.add_note("raise the limit of processes (ulimit -u), or of memory (ulimit -v)")
                raise
            self._thread = thread  # none, where it can't be started
        call = Handover(function)
        self._calls.put(call)
        return call

    @property
    def is_lost(self) -> bool:
        """Whether its thread is gone, as in a process that was forked."""
        return self._thread is not None and not self._thread.is_alive()

    def let_go(self) -> None:
        """Have the thread end after the calls that it has got."""
        self._calls.put(None)

    def close(self, seconds: float = 1.0) -> None:
        """Have the thread end, and wait for that, at most so many seconds."""
        if self._thread is not None and not sys.is_finalizing():
            self._calls.put(None)
            self._thread.join(seconds)


def _work(calls: SimpleQueue[Handover[Any] | None]) -> None:
    while (call := calls.get()) is not None:
        try:
            call.value = call.function()
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            call.error = error
        finally:
            call.ended.release()
        del call  # what it holds is not this thread's to keep
