"""Tell an interruption that a signal caused from one that somebody's code raised by itself."""

from __future__ import annotations

import signal
import threading
from opcode import opmap
from types import FrameType, TracebackType

_RAISES = frozenset(opmap[name] for name in ("RAISE_VARARGS", "RERAISE") if name in opmap)


def is_by_signal(error: BaseException) -> bool:
    """Tell whether a signal's handler raised this: Ctrl-C, or whatever a program has set up.

    Python's own handler of SIGINT has no frame. It raises in the middle of whatever was going on, so the
    innermost frame does not stand at a ``raise``. A handler in Python has a frame of its own.
    """
    if isinstance(error, Exception) or error.__traceback__ is None:
        return False
    if threading.current_thread() is not threading.main_thread():  # where Python runs all handlers
        return False
    frames = _frames(error.__traceback__)
    handlers = _handlers()
    if any(frame.f_code in handlers for frame, _ in frames):
        return True
    frame, instruction = frames[-1]
    return isinstance(error, KeyboardInterrupt) and frame.f_code.co_code[instruction] not in _RAISES


def _frames(trace: TracebackType | None) -> list[tuple[FrameType, int]]:
    frames = []
    while trace is not None:
        frames.append((trace.tb_frame, trace.tb_lasti))
        trace = trace.tb_next
    return frames


def _handlers() -> set[object]:
    """Return the code of every handler of a signal that is written in Python."""
    found = (signal.getsignal(number) for number in signal.valid_signals())
    codes = (getattr(getattr(handler, "__func__", handler), "__code__", None) for handler in found)
    return {code for code in codes if code is not None}
