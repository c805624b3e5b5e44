"""Sending what the providers hold, in bounded time."""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial

logger = logging.getLogger("batchwright.opentelemetry")

AT_EXIT = 1.0
"""Seconds that the end of the process waits for providers that were late already."""


def flush(providers: Mapping[str, object], seconds: float) -> list[str]:
    """Ask each provider that can to send what it holds; return what was not sent within so many seconds.

    Args:
        providers: The providers, by what they hold.
        seconds: How long that may take, for all of them together.
    """
    able = {what: one for what, one in providers.items() if hasattr(one, "force_flush")}  # the API's can't
    running = {what: _started(partial(_flush, one, seconds)) for what, one in able.items()}
    _join(running.values(), seconds)
    late = [what for what, thread in running.items() if thread.is_alive()]
    if late:
        _bound_the_exit([able[what] for what in late])
    return late


def _flush(provider: object, seconds: float) -> None:
    try:
        provider.force_flush(round(seconds * 1000))  # type: ignore[attr-defined]
    except Exception as error:  # noqa: BLE001 - it may be anyone's
        logger.warning("telemetry could not be sent: %s", type(error).__name__)


def _bound_the_exit(providers: Iterable[object]) -> None:
    """Have the process's end wait for them briefly: the SDK's own wait is up to half a minute for each."""
    ends = [end for end in (getattr(provider, "shutdown", None) for provider in providers) if end]
    for end in ends:
        atexit.unregister(end)
    atexit.register(_shut_down, ends)


def _shut_down(ends: Iterable[Callable[[], object]]) -> None:
    _join([_started(end) for end in ends], AT_EXIT)


def _started(work: Callable[[], object]) -> threading.Thread:
    """Start a thread, which nothing waits for at the end: an exporter may ignore its timeout."""
    thread = threading.Thread(target=work, name="batchwright-flush", daemon=True)
    thread.start()
    return thread


def _join(threads: Iterable[threading.Thread], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
