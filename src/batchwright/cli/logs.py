"""Where the program's log goes: to stderr, a line a record, past the progress bar and without passwords."""

from __future__ import annotations

import contextlib
import json
import logging
import sys

from batchwright.builtin.logging import JsonFormatter
from batchwright.cli.terminal import Style, Terminal
from batchwright.plurals import counted
from batchwright.visible import json_text

_HELD = 1_000
"""Lines that are kept, at most."""
_BESIDE_AN_ERROR = frozenset({"psycopg"})
"""Loggers whose warnings are of errors that come with another, which is raised, and told."""
_SHOWN_ANYWAY = frozenset({"run_finished", "run_not_started", "stop_requested"})
"""Events that the command itself shows, in the summary or as it happens."""


class StderrHandler(logging.Handler):
    """Writes to whatever is stderr at the time: above the bar, while there is one."""

    def __init__(self, terminal: Terminal, *, hold: bool = False) -> None:
        super().__init__()
        self._terminal = terminal
        self._held: list[str] | None = [] if hold else None
        self._more = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, or keep it until it is known whether anybody has to see it."""
        try:
            line = self.format(record)
            if self._held is None:
                self._write(line)
            elif len(self._held) < _HELD:
                self._held.append(line)
            else:
                self._more += 1
        except Exception:  # noqa: BLE001 - logging must not end the run
            self.handleError(record)

    def show_held(self) -> None:
        """Write what was kept, and from now on everything as it comes."""
        with self.lock or contextlib.nullcontext():
            held, self._held = self._held or (), None
            for line in held:
                self._write(line)
            if self._more:
                lines = counted(self._more, "more line")
                self._write(f"and {lines} (without -q, they come as they happen)")
                self._more = 0

    def _write(self, line: str) -> None:
        is_json = isinstance(self.formatter, LinesFormatter)
        (self._terminal.tell_json if is_json else self._terminal.tell_masked)(line)


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
        return json_text(self._terminal.masked(json.loads(super().format(record))))


def _is_ours_or_a_warning(record: logging.LogRecord) -> bool:
    # a library may set its own logger to INFO, whatever the root's level
    return record.levelno >= logging.WARNING or record.name.partition(".")[0] == "batchwright"


def configure(
    terminal: Terminal, *, as_json: bool = False, warnings: bool = True, hold: bool = False
) -> StderrHandler:
    """Set the root logger up: warnings, with ``-v`` what batchwright does, with ``-vv`` everything of it.

    What the terminal was to remark on before is logged.

    Args:
        terminal: Where the log goes.
        as_json: Whether each record is a line of JSON, from INFO on.
        warnings: Whether warnings are shown.
        hold: Whether the log is kept until the handler, which is returned, is told to show it (`show_held`).
    """
    handler = StderrHandler(terminal, hold=hold)
    handler.setFormatter(LinesFormatter(terminal) if as_json else TextFormatter(terminal))
    handler.addFilter(_is_ours_or_a_warning)
    if not terminal.verbosity and not as_json:
        handler.addFilter(lambda record: getattr(record, "event", "") not in _SHOWN_ANYWAY)
    if not terminal.verbosity:
        handler.addFilter(lambda record: record.name not in _BESIDE_AN_ERROR)
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
    return handler
