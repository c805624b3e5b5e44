"""Calls into the code of plugins: what they may raise, and how long they may take.

Such code may raise anything, `SystemExit` and a `KeyboardInterrupt` of its own included, and may never
return. Python can't end a thread that hangs. So a call that has to end is made by another thread, which is
left behind when it doesn't.
"""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from types import TracebackType
from typing import TypeVar

from batchwright.errors import BatchwrightError, DeadlineExceeded, PluginError
from batchwright.handover import Handover, Helper
from batchwright.interrupts import is_by_signal
from batchwright.secrets import describe

PATIENCE = 10.0
"""Seconds that a plugin may take to answer."""

Value = TypeVar("Value")


class Foreign:
    """A context in which a plugin's code runs: whatever it raises comes out as an `Exception`.

    `Exception` comes out as it is: what it means is for others to say. What a signal raised comes out as it
    is, too. Anything else becomes `kind`, with the plugin's name.

    Args:
        who: Whose code it is, as in "the sink 'kb'".
        kind: The error that stands for what is no `Exception`.
        whatever: Whether it stands for any `Exception` as well that is none of ours: there is nobody else to
            say what that means.
        secrets: Masked in what it raises.
    """

    __slots__ = ("_kind", "_left_alone", "_secrets", "_who")

    def __init__(
        self,
        who: str,
        kind: type[BatchwrightError] = PluginError,
        *,
        whatever: bool = False,
        secrets: tuple[str, ...] = (),
    ) -> None:
        self._secrets = secrets
        self._who = who
        self._kind = kind
        self._left_alone: type[Exception] = BatchwrightError if whatever else Exception

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and not isinstance(error, self._left_alone) and not is_by_signal(error):
            raise self._kind(f"{self._who} raised {said(error, self._secrets)}") from error


def said(error: BaseException, secrets: tuple[str, ...] = ()) -> str:
    """Return an exception's class and message, on one line and without secrets."""
    name, text = type(error).__name__, " ".join(describe(error, secrets).split())[:500]
    return name if text == name else f"{name}: {text}"


def raised(error: BaseException, secrets: tuple[str, ...] = ()) -> str:
    """Return what a plugin did: "raised", and this error, or what `Foreign` has put it in place of."""
    cause = error.__cause__
    own = error if cause is None or isinstance(cause, Exception) else cause
    return f"raised {said(own, secrets)}"


def answered(answer: Value) -> Value:
    """Return an answer, unless it is a coroutine, which nobody would await.

    Raises:
        TypeError: It is one.
    """
    if answer is not None and inspect.iscoroutine(answer):
        answer.close()  # else Python warns that it was never awaited
        raise TypeError("it is async, and is called, not awaited; make it a plain function")
    return answer


def is_async(function: object) -> bool:
    """Tell whether calling this returns a coroutine or an asynchronous generator."""
    while isinstance(function, partial):
        function = function.func
    function = getattr(function, "__func__", function)  # of a method, a class's or a static one
    if not inspect.isroutine(function):  # an object that can be called
        function = inspect.getattr_static(type(function), "__call__", None)
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def async_methods(cls: type) -> list[str]:
    """Return those methods of our contracts that a class has as async ones: nobody would await them."""
    own = [base for base in cls.__mro__ if is_own(base)]
    keeping = {base for contract in own for base in contract.__mro__}  # ours, and what these derive from
    return [
        name
        for base in cls.__mro__
        if base not in keeping
        for name, value in vars(base).items()
        if any(hasattr(contract, name) for contract in own) and is_async(value)
    ]


def is_own(cls: type) -> bool:
    """Tell whether a class is batchwright's own, which keeps to the rules."""
    return cls.__module__.partition(".")[0] == "batchwright"


def bounded(who: str, function: Callable[[], Value], seconds: float | None = PATIENCE) -> Value:
    """Return what the function returns, or raise what it raises, always an `Exception` as with `Foreign`.

    It takes a thread, and so some 80 µs more than the call. The thread sees the caller's context variables.

    Args:
        who: Whose code it is.
        function: What to do. It is called by another thread.
        seconds: How long it may take; None for ever.

    Raises:
        DeadlineExceeded: It took longer. It is left behind, and what becomes of it is ignored.
    """
    helper = Helper("batchwright-plugin")
    call = helper.start(partial(copy_context().run, function))
    if not call.ended.acquire(timeout=-1 if seconds is None else seconds):
        helper.let_go()
        raise _silence(who, seconds)
    helper.close()
    return _outcome(who, call)


class Helpers:
    """Threads that call plugins' code for others, as `bounded` does. Each is kept for later calls.

    That costs a quarter of what `bounded` does: some 20 µs more than the call.
    """

    def __init__(self) -> None:
        self._idle: list[Helper] = []
        weakref.finalize(self, _let_go, self._idle).atexit = False

    def bounded(self, who: str, function: Callable[[], Value], seconds: float) -> Value:
        """Return what the function returns, or raise what it raises, as `bounded` does."""
        helper = self._spare() or Helper("batchwright-plugin")
        call, has_ended = helper.start(partial(copy_context().run, function)), False
        try:
            has_ended = call.ended.acquire(timeout=seconds)
            if not has_ended:
                raise _silence(who, seconds)
        finally:
            if has_ended:
                self._idle.append(helper)
            else:
                helper.let_go()
        return _outcome(who, call)

    def rest(self) -> None:
        """End the threads that are not in a call. More are started when they are needed."""
        while helper := self._spare():
            helper.close()

    def _spare(self) -> Helper | None:
        while self._idle:
            with suppress(IndexError):  # another thread has taken the last
                helper = self._idle.pop()
                if not helper.is_lost:
                    return helper
        return None


def _let_go(helpers: list[Helper]) -> None:
    for helper in helpers:
        helper.let_go()


def _silence(who: str, seconds: float | None) -> DeadlineExceeded:
    return DeadlineExceeded(f"{who} has not answered for {seconds:g} s")


def _outcome(who: str, call: Handover[Value]) -> Value:
    error = call.error
    if error is not None and not isinstance(error, Exception):
        raise PluginError(f"{who} raised {said(error)}") from error
    return call.result()
