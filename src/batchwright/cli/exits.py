"""What the command's exit code tells."""

from __future__ import annotations

import signal

from batchwright.errors import BatchwrightError, ConfigError, PluginError

DONE = 0
FAILED = 1
USAGE = 2  # or configuration: the command has to be changed before it can work
REJECTS = 3  # done, but records were set aside or documents could not be read
BUSY = 4  # another run has the collection: nothing was begun


def of(error: BatchwrightError) -> int:
    """Return the code for a command that an error ended."""
    return USAGE if isinstance(error, ConfigError | PluginError) else FAILED


def interrupted(number: int = signal.SIGINT) -> int:
    """Return the code for a run that a signal ended: 130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP."""
    return 128 + number
