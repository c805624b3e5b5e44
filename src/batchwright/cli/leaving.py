"""The end of the process, which threads of plugins, and what they registered with `atexit`, may hold up."""

from __future__ import annotations

import os
import threading

from batchwright.cli.terminal import Terminal

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
        os._exit(code)

    threading.Thread(target=end, name="batchwright-end", daemon=True).start()
