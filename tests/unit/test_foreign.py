"""Calls into the code of plugins: what they raise, and how long they take."""

from __future__ import annotations

import functools
import os
import signal
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from types import FrameType
from typing import Any, cast

import pytest

from batchwright import DeadlineExceeded, PluginError, Reporter, SinkError
from batchwright.interrupts import is_by_signal
from batchwright.plugins.foreign import Foreign, Helpers, answered, async_methods, bounded, is_async
from batchwright.secrets import describe


class Peculiar(BaseException):
    """Of somebody who thinks that every except clause is too wide."""


class Mute(BaseException):
    def __str__(self) -> str:
        raise SystemExit(9)


NO_EXCEPTIONS = [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), Peculiar("very"), Mute()]


def raising(error: BaseException) -> Callable[[], Any]:
    def call() -> Any:
        raise error

    return call


@pytest.mark.parametrize("error", NO_EXCEPTIONS, ids=lambda error: type(error).__name__)
def test_what_is_no_exception_comes_out_as_one_that_names_the_plugin(error: BaseException) -> None:
    raised = pytest.raises(SinkError, match=f"the sink 'kb' raised {type(error).__name__}")
    with raised, Foreign("the sink 'kb'", SinkError):
        raising(error)()
    with pytest.raises(PluginError, match=f"the sizer 'x' raised {type(error).__name__}"):
        bounded("the sizer 'x'", raising(error))


def test_an_exception_comes_out_as_it_is() -> None:
    error = LookupError("gone")
    for call in (lambda: bounded("x", raising(error)), lambda: _within(raising(error))):
        with pytest.raises(LookupError) as caught:
            call()
        assert caught.value is error


def _within(call: Callable[[], Any]) -> None:
    with Foreign("x"):
        call()


def test_a_message_that_raises_is_no_message() -> None:
    assert describe(Mute()) == "Mute"


@pytest.mark.parametrize("busy", [lambda: time.sleep(5), lambda: [0 for _ in iter(int, 1)]])
def test_what_the_user_s_interrupt_raises_in_a_plugin_stays_an_interrupt(busy: Callable[[], object]) -> None:
    threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt) as caught, Foreign("the reporter 'x'"):
        busy()
    assert is_by_signal(caught.value)


def test_what_a_program_s_handler_raises_in_a_plugin_is_the_program_s() -> None:
    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit("the service is asked to end")

    before = signal.signal(signal.SIGTERM, leave)
    try:
        with pytest.raises(SystemExit, match="asked to end"), Foreign("the reporter 'x'"):
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_call_that_hangs_is_left_behind() -> None:
    let_go = threading.Event()
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded, match=r"the classifier 'x' has not answered for 0\.1 s"):
        bounded("the classifier 'x'", let_go.wait, 0.1)
    assert time.monotonic() - began < 5
    let_go.set()


def test_a_call_that_ends_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    assert bounded("x", lambda: 7) == 7
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("error", NO_EXCEPTIONS, ids=lambda error: type(error).__name__)
def test_helpers_raise_what_is_no_exception_as_one_that_names_the_plugin(error: BaseException) -> None:
    helpers = Helpers()
    with pytest.raises(PluginError, match=f"the sizer 'x' raised {type(error).__name__}"):
        helpers.bounded("the sizer 'x'", raising(error), 10)
    assert helpers.bounded("the sizer 'x'", lambda: 7, 10) == 7


def test_one_thread_makes_the_calls_that_come_one_after_the_other() -> None:
    before, helpers = set(threading.enumerate()), Helpers()
    threads = {helpers.bounded("x", threading.current_thread, 10) for _ in range(20)}
    assert len(threads) == 1
    assert threads.isdisjoint({*before, threading.current_thread()})
    helpers.rest()
    assert set(threading.enumerate()) <= before
    assert helpers.bounded("x", lambda: 7, 10) == 7


def test_calls_at_once_do_not_wait_for_each_other() -> None:
    helpers, met = Helpers(), threading.Barrier(2)
    callers = [
        threading.Thread(target=helpers.bounded, args=("x", lambda: met.wait(10), 10)) for _ in range(2)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(20)
    assert not met.broken
    helpers.rest()


def test_a_helper_whose_call_hangs_is_not_asked_again() -> None:
    helpers, let_go = Helpers(), threading.Event()
    with pytest.raises(DeadlineExceeded, match=r"the classifier 'x' has not answered for 0\.1 s"):
        helpers.bounded("the classifier 'x'", let_go.wait, 0.1)
    assert helpers.bounded("x", lambda: 7, 10) == 7
    let_go.set()


def test_helpers_that_are_forgotten_end_their_threads() -> None:
    helpers = Helpers()
    thread = helpers.bounded("x", threading.current_thread, 10)
    del helpers
    thread.join(10)
    assert not thread.is_alive()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_process_that_was_forked_starts_helpers_of_its_own() -> None:
    helpers = Helpers()
    helpers.bounded("x", lambda: 7, 10)
    child = os.fork()
    if not child:
        try:
            os._exit(helpers.bounded("x", lambda: 7, 5))
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


async def later() -> None: ...


class Later:
    async def __call__(self) -> None: ...


@pytest.mark.parametrize("function", [later, functools.partial(later), Later(), staticmethod(later)])
def test_async_functions_are_told_however_they_are_dressed(function: object) -> None:
    assert is_async(function)
    assert not is_async(raising)


@pytest.mark.filterwarnings("error")
def test_a_coroutine_is_no_answer() -> None:
    with pytest.raises(TypeError, match="called, not awaited"):
        answered(cast("Any", later)())


def test_methods_of_a_contract_that_are_async_are_found() -> None:
    class Modern(Reporter[Any]):
        async def handle(self, event: object) -> None: ...  # type: ignore[override]  # its fault

        async def own(self) -> None: ...

    assert async_methods(Modern) == ["handle"]


def test_a_call_by_another_thread_sees_the_context_of_the_caller() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="")
    token = variable.set("the caller's")
    try:
        assert bounded("x", variable.get) == "the caller's"
    finally:
        variable.reset(token)
