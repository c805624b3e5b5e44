"""Ends a Postgres whose owner is gone, SIGKILLed say, and removes what they left on disk.

A process of its own, in a session of its own: `python -I watchdog.py OWNER POSTMASTER FOLDER`. It asks for
its parent by number rather than waiting for a pipe to close, since a pipe's end can live on in what the
owner forked; and it is no PR_SET_PDEATHSIG, since that fires when the *thread* that started Postgres ends.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

_LOOK_EVERY = 0.1  # seconds
_PATIENCE = 20  # seconds, for the postmaster to take its children down


def main(owner: int, postmaster: int, folder: str) -> None:
    """Waits for the owner to go, then stops the postmaster and removes the folder."""
    server = None
    with contextlib.suppress(psutil.Error):
        server = psutil.Process(postmaster)  # remembers when it began, so it never signals a reused number
    while os.getppid() == owner:
        time.sleep(_LOOK_EVERY)
    with contextlib.suppress(psutil.Error):
        if server is not None:
            server.send_signal(signal.SIGQUIT)
            server.wait(_PATIENCE)
    shutil.rmtree(folder, ignore_errors=True)


def watch(process: int, folder: Path) -> subprocess.Popen[bytes]:
    """Have this process watched, and return the watchdog; it is to be ended after `process`."""
    return subprocess.Popen(
        [sys.executable, "-I", __file__, str(os.getpid()), str(process), str(folder)],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
