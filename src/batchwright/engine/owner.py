"""Which process this is, and whether another one has ended.

Linux tells in ``/proc``. Elsewhere, and where it belongs to another namespace, only heartbeats tell.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

from batchwright.contracts.lease import Owner

_PROC = Path("/proc")
_DEAD_STATES = {"Z", "X"}  # ended, and not yet waited for by its parent


def this_process(proc: Path = _PROC) -> Owner:
    """Return this process as the owner of a lease.

    Args:
        proc: Where the kernel tells about processes.
    """
    host, pid = socket.gethostname(), os.getpid()
    try:
        # /proc may be that of the namespace around this one: then its numbers are not ours.
        if int(str((proc / "self").readlink())) != pid:
            return Owner(host, pid)
        boot_id = (proc / "sys/kernel/random/boot_id").read_text().strip()
        namespace = str((proc / "self/ns/pid").readlink())
        _, started = _state(pid, proc)
    except (OSError, ValueError, IndexError):
        return Owner(host, pid)
    return Owner(host, pid, boot_id, namespace, started)


def has_ended(owner: Owner, me: Owner, proc: Path = _PROC) -> bool:
    """Tell whether a process has certainly ended; False where that can't be told from here.

    Args:
        owner: The process.
        me: This process. The boot ids and namespaces of both have to be the same: containers share a boot
            id, and each has its own process 1.
        proc: As above.
    """
    places = {(owner.boot_id, owner.namespace), (me.boot_id, me.namespace)}
    if len(places) > 1 or None in (owner.boot_id, owner.namespace, owner.started):
        return False
    try:
        state, started = _state(owner.pid, proc)
    except FileNotFoundError:
        return not _may_exist(owner.pid)  # some systems hide the processes of other users
    except (OSError, ValueError, IndexError):
        return False
    return started != owner.started or (state in _DEAD_STATES and _threads(owner.pid, proc) <= 1)


def _state(pid: int, proc: Path) -> tuple[str, int]:
    """Return the state of a process, and when it began."""
    # the name, in parentheses, may hold anything
    behind_name = (proc / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    return behind_name[0], int(behind_name[19])


def _threads(pid: int, proc: Path) -> int:
    """Return how many threads a process has: one whose first thread has ended looks dead, and isn't."""
    try:
        return len(list((proc / str(pid) / "task").iterdir()))
    except OSError:
        return 0


def _may_exist(pid: int) -> bool:
    try:
        os.kill(pid, 0)  # asks only
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
