"""Why a server refuses a connection: the SQLSTATE of its answer, which libpq keeps to itself.

The words of an answer are in the server's language, or a pooler's; the SQLSTATE is the same everywhere.
"""

from __future__ import annotations

import os
import re
import select
import sys
import time
from contextlib import suppress

import psycopg
from psycopg import pq

_ANSWER = re.compile(
    r"failed: \S[^:\n]{0,30}:  "
)  # severity in any language, colon, two spaces: the server's
_STATE = re.compile(rb'\tErrorResponse\t.* C "([0-9A-Z]{5})"')
_PATIENCE = 10.0  # seconds


def is_answer(error: psycopg.Error) -> bool:
    """Tell whether a failed connection was answered, and refused, by the server or a pooler."""
    return bool(_ANSWER.search(str(error)))


def sqlstate_of(parameters: str) -> str | None:
    """Return the SQLSTATE with which the server refuses a connection; None where that can't be found out.

    It connects once more and reads libpq's trace, which only Linux offers. The trace is kept in memory.

    Args:
        parameters: libpq's, as for the attempt that was refused.
    """
    if sys.platform != "linux":
        return None
    connection = pq.PGconn.connect_start(parameters.encode())
    trace = os.memfd_create("trace")
    try:
        connection.trace(trace)
        _wait(connection)
        connection.untrace()
        os.lseek(trace, 0, os.SEEK_SET)
        found = _STATE.findall(os.read(trace, 1_000_000))
        return found[-1].decode() if found else None
    except (psycopg.Error, OSError):
        return None
    finally:
        with suppress(psycopg.Error):
            connection.finish()
        os.close(trace)


def _wait(connection: pq.abc.PGconn) -> None:
    """Wait until the connection is there, or refused."""
    end = time.monotonic() + _PATIENCE
    while (left := end - time.monotonic()) > 0:
        match connection.connect_poll():
            case pq.PollingStatus.READING:
                select.select([connection.socket], [], [], left)
            case pq.PollingStatus.WRITING:
                select.select([], [connection.socket], [], left)
            case _:
                return
