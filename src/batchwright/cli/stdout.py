"""Stdout for the results of a command alone: what plugins print there, or have printed, goes to stderr."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import TextIO

_STDOUT, _STDERR = 1, 2


class OwnStdout:
    """Takes stdout over: the process's descriptor 1 is stderr from now on, `stream` is what it was.

    So it makes no difference whether something is printed by Python, written by a C library, or by another
    process that a plugin has started. Nothing is written by two ways, in an order that nobody can tell.

    Attributes:
        stream: Where results go; None where stdout is closed.
    """

    def __init__(self) -> None:
        self._python = sys.stdout
        self.stream: TextIO | None = self._python
        self._kept: int | None = None
        if self._python is None:
            return
        self._python.flush()
        if _is_descriptor(self._python):
            self._keep(self._python)
        else:
            sys.stdout = sys.stderr

    def _keep(self, python: TextIO) -> None:
        self._kept = os.dup(_STDOUT)  # not inherited by other processes
        self.stream = io.TextIOWrapper(
            io.FileIO(self._kept, "w", closefd=False),
            encoding=python.encoding,
            errors=python.errors,
            newline="\n" if os.name == "posix" else None,
            write_through=True,
        )
        _point_at_stderr()
        if isinstance(python, io.TextIOWrapper):
            python.reconfigure(line_buffering=True)  # as stderr is

    def mend(self) -> None:
        """Open again what a plugin has closed: the next file would have its number, and get its prints."""
        for number in (_STDERR, _STDOUT):
            if not _is_open(number):
                _point_at_stderr(number)
        if self._kept is not None and (sys.stdout is None or sys.stdout.closed):
            sys.stdout = open(_STDOUT, "w", buffering=1, closefd=False)  # noqa: SIM115 - as long as the process
        if sys.stderr is None or sys.stderr.closed:
            sys.stderr = open(_STDERR, "w", buffering=1, closefd=False)  # noqa: SIM115 - likewise

    def give_back(self) -> None:
        """Let stdout be what it was."""
        if not self._python or not self._python.closed:
            sys.stdout = self._python
        if self._kept is not None:
            with suppress(OSError, ValueError, AttributeError):
                sys.stdout.flush()
                sys.stdout.reconfigure(line_buffering=sys.stdout.isatty())  # type: ignore[union-attr]
            os.dup2(self._kept, _STDOUT)
            os.close(self._kept)
            self._kept = None


def _point_at_stderr(number: int = _STDOUT) -> None:
    """Let a descriptor be stderr; nothing, where that is closed."""
    if number != _STDERR and _is_open(_STDERR):
        os.dup2(_STDERR, number)
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    if nowhere != number:
        os.dup2(nowhere, number)
        os.close(nowhere)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _is_descriptor(stream: TextIO) -> bool:
    """Tell whether the stream is the process's stdout, not what a test or a notebook has put in its place."""
    try:
        return stream.fileno() == _STDOUT
    except (OSError, ValueError, AttributeError):
        return False
