"""Await work that blocks: done by a thread of its own; cancelling the task ends it in good order."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from batchwright.contracts.stop import Stop

Value = TypeVar("Value")


async def awaited(work: Callable[[], Value], stop: Stop) -> Value:
    """Return what `work` returns, or raise what it raises, without blocking the event loop.

    When the task is cancelled, `stop` is requested, and CancelledError is raised once the work has ended:
    what is in flight is finished first. Cancelling it again meanwhile changes nothing.

    Args:
        work: Does it, and ends soon after `stop` is requested.
        stop: Ends the work.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    context = contextvars.copy_context()
    worker = _Worker(lambda: context.run(work), loop, ended)
    worker.start()
    cancelled: asyncio.CancelledError | None = None
    try:
        while not ended.done():
            try:
                await asyncio.shield(ended)
            except asyncio.CancelledError as error:
                cancelled = cancelled or error
                stop.request("the task was cancelled")
    except BaseException:  # the coroutine is closed without being awaited to its end, as by a loop that dies
        stop.request("the task was dropped")
        raise
    worker.join()
    if cancelled is not None:
        raise cancelled from worker.error
    if worker.error is not None:
        raise worker.error
    return worker.values[0]


class _Worker(threading.Thread, Generic[Value]):
    """Does the work, and tells the event loop when it has ended. The process waits for it at its end."""

    def __init__(
        self, work: Callable[[], Value], loop: asyncio.AbstractEventLoop, ended: asyncio.Future[None]
    ) -> None:
        super().__init__(name="batchwright-task", daemon=False)
        self.values: list[Value] = []
        self.error: BaseException | None = None
        self._work = work
        self._loop = loop
        self._ended = ended

    def run(self) -> None:
        try:
            self.values.append(self._work())
        except BaseException as error:  # noqa: BLE001 - raised where it is awaited
            self.error = error
        with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody waits any more
            self._loop.call_soon_threadsafe(self._ended.set_result, None)
