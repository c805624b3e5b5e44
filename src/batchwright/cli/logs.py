"""Where the program's log goes: to stderr, a line a record, past the progress bar and without passwords."""

from __future__ import annotations

import json
import logging
import sys

from batchwright.builtin.logging import JsonFormatter
from batchwright.cli.terminal import Style, Terminal

_SHOWN_ANYWAY = frozenset({"run_finished", "run_not_started", "stop_requested"})
"""Events that the command itself shows, in the summary or as it happens."""


class StderrHandler(logging.Handler):
    """Writes to whatever is stderr at the time: above the bar, while there is one."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__()
        self._terminal = terminal

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record."""
        try:
            self._terminal.tell_masked(self.format(record))
        except Exception:  # noqa: BLE001 - logging must not end the run
            self.handleError(record)


class TextFormatter(logging.Formatter):
    """Formats a record for a person; with a time, the logger and tracebacks only where more is wanted."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")
        self._terminal = terminal

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        if self._terminal.verbosity:
            return self._terminal.mask(super().format(record))
        style: Style = "red" if record.levelno >= logging.ERROR else "yellow"
        level = self._terminal.style(f"{record.levelname.lower()}:", style, sys.stderr)
        return f"{level} {self._terminal.mask(record.getMessage())}"


class LinesFormatter(JsonFormatter):
    """Formats a record as a line of JSON without secrets."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__()
        self._terminal = terminal

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return json.dumps(self._terminal.masked(json.loads(super().format(record))))


def _is_ours_or_a_warning(record: logging.LogRecord) -> bool:
    # a library may set its own logger to INFO, whatever the root's level
    return record.levelno >= logging.WARNING or record.name.partition(".")[0] == "batchwright"


def configure(terminal: Terminal, *, as_json: bool = False, warnings: bool = True) -> None:
    """Set the root logger up: warnings, with ``-v`` what batchwright does, with ``-vv`` everything of it.

    What the terminal was to remark on before is logged.
    """
    handler = StderrHandler(terminal)
    handler.setFormatter(LinesFormatter(terminal) if as_json else TextFormatter(terminal))
    handler.addFilter(_is_ours_or_a_warning)
    if not terminal.verbosity and not as_json:
        handler.addFilter(lambda record: getattr(record, "event", "") not in _SHOWN_ANYWAY)
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old, StderrHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    quiet = logging.WARNING if warnings else logging.ERROR
    levels = {0: logging.INFO if as_json else quiet, 1: logging.INFO}
    logger = logging.getLogger("batchwright")
    logger.setLevel(levels.get(terminal.verbosity, logging.DEBUG))
    remarks, terminal.remarks = terminal.remarks, []
    for remark in remarks:
        logger.warning("%s", remark)
