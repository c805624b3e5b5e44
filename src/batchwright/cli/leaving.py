"""The end of the process, which plugins may hold up, and may not bring about."""

from __future__ import annotations

import os
import sys
import threading
from typing import NoReturn

from batchwright.cli.terminal import Terminal

leave = os._exit
"""Ends the process at once."""

PATIENCE = 30.0
"""Seconds that the process may take to end once the command is done."""


def end_soon(code: int, terminal: Terminal) -> None:
    """Have the process end with this code after `PATIENCE`, if it has not ended by itself.

    Python waits for threads that are no daemons, without an end. The command is done by then.
    """

    def end() -> None:
        threading.Event().wait(PATIENCE)
        running = [t.name for t in threading.enumerate() if not t.daemon and t is not threading.main_thread()]
        what = f"the thread {running[0]!r}" if running else "what it does at its end"
        terminal.tell(f"warning: the process did not end for {PATIENCE:g} s, because of {what} of a plugin")
        leave(code)

    threading.Thread(target=end, name="batchwright-end", daemon=True).start()


def keep_process(terminal: Terminal) -> None:
    """Make `os._exit` of this process raise SystemExit from now on, and say who called it.

    A plugin that calls it would end the command without a result, and with whatever exit code it likes.
    """
    process = os.getpid()

    def refuse(status: int) -> NoReturn:
        if os.getpid() != process:  # it was forked, and ends so
            leave(status)
        caller = sys._getframe().f_back  # none where the interpreter calls it
        place = "" if caller is None else f"{caller.f_code.co_filename}:{caller.f_lineno}: "
        terminal.tell(f"warning: {place}os._exit({status}) would end the command; taken for sys.exit")
        raise SystemExit(status)

    os._exit = refuse
