"""The command's exit codes. The events that end a run, and its result, say the code as well."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from batchwright.errors import CollectionBusy, ConfigError, PluginError

if TYPE_CHECKING:
    from batchwright.contracts.account import Account
    from batchwright.contracts.events import EndState

DONE = 0
FAILED = 1
USAGE = 2  # or configuration: the command has to be changed before it can work
REJECTS = 3  # done, but records were set aside, lack a vector, or documents could not be read
BUSY = 4  # another run has the collection: nothing was begun


def interrupted(number: int = signal.SIGINT) -> int:
    """Return the code for a run that a signal ended: 130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP."""
    return 128 + number


def of_error(error: BaseException) -> int:
    """Return the code for a command that an error ends."""
    if isinstance(error, ConfigError | PluginError):
        return USAGE
    if isinstance(error, CollectionBusy):
        return BUSY
    return interrupted() if isinstance(error, KeyboardInterrupt) else FAILED


def of_end(state: EndState, account: Account, stopped: int = FAILED) -> int:
    """Return the code for what has ended.

    Args:
        state: How.
        account: What became of every record and document.
        stopped: The code of the request to end it, where it was interrupted.
    """
    if state != "done":
        return stopped if state == "interrupted" else FAILED
    records, documents = account.records, account.documents
    imperfect = records.rejected or records.failed or documents.failed or documents.refused
    imperfect = imperfect or (account.vectors is not None and account.vectors.missing)
    return REJECTS if imperfect else DONE


def of_run(state: EndState, account: Account, stopped: int = FAILED, *, prune: bool = False) -> int:
    """Return the code for a run, in which nothing to load is taken for a mistake; else as `of_end`.

    Args:
        state: As for `of_end`.
        account: As for `of_end`.
        stopped: As for `of_end`.
        prune: Whether the run was to remove what is gone: then that is something to do.
    """
    gone = 0 if prune else account.documents.deleted
    if state == "done" and account.documents.total == gone:
        return USAGE
    return of_end(state, account, stopped)
