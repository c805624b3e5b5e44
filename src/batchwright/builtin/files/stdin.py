"""Standard input: one item."""

from __future__ import annotations

import os
import re
import select
import sys
import tempfile
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any, BinaryIO

from batchwright.contracts.source import Fetched, Source, SourceLimits, SourceOptions
from batchwright.errors import ConfigError, SourceError
from batchwright.items import Item

_ENDING = re.compile(r"\*(\.[A-Za-z0-9]+)+")
_AT_ONCE = 1024 * 1024
_LOOK = 0.2
"""Seconds between two looks whether it is still wanted."""


class StdinOptions(SourceOptions):
    """Options of standard input.

    Attributes:
        item: The key of its one item, whose ending picks the reader: ``orders.csv``. None for ``stdin`` with
            the ending that the patterns have: with ``--pattern '*.csv'`` it is ``stdin.csv``.
    """

    item: str | None = None


class StdinSource(Source[StdinOptions]):
    """What is piped into the command.

    It can be read once only, so it is copied into a temporary file when it is first listed, and all of it: as
    it may be read several times, and by other processes of this machine. `close` removes the file.
    """

    name = "stdin"
    schemes = ("stdin",)
    options_type = StdinOptions
    selects = True
    limits = SourceLimits(at_once=1)
    is_local = True

    def __init__(self, options: StdinOptions) -> None:
        """Keep the options; nothing is read yet."""
        super().__init__(options)
        self._lock = threading.Lock()
        self._kept: IO[bytes] | None = None
        self._ended = threading.Event()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.options,)

    def list(self, after: str = "", until: str | None = None, since: str | None = None) -> Iterator[Item]:
        """Yield the one item.

        Raises:
            ConfigError: Nothing says what it holds.
            SourceError: Nothing is piped into the command, or an empty input.
            OSError: It can't be read, or the temporary file can't be written.
        """
        key = self.options.item or f"stdin{self._ending()}"
        if after < key and (until is None or key <= until):
            path = self._path()
            yield Item(key, str(path), path.stat().st_size)

    def fetch(self, item: Item) -> Fetched:
        """Return what opens the copy."""
        return Fetched(partial(_opened, item.handle))

    def origin(self) -> str:
        """Return that it is standard input."""
        return "stdin"

    def collection_name(self) -> str | None:
        """Return None: it has no name, so one has to be given."""
        return None

    def probe(self) -> None:
        """Check that something is piped into the command; nothing is read."""
        _input()

    def close(self) -> None:
        """Remove the copy; end one that is being made."""
        if self._lock.locked():
            self._ended.set()
        with self._lock:
            kept, self._kept = self._kept, None
        if kept is not None:
            kept.close()

    def _ending(self) -> str:
        """Return the ending that all patterns have."""
        endings = {found[0][1:] for found in map(_ENDING.search, self.selection.patterns) if found}
        if len(endings) != 1:
            raise ConfigError(
                "source: nothing says what standard input holds; name its ending, for example with "
                "--pattern '*.csv'"
            )
        return endings.pop()

    def _path(self) -> Path:
        with self._lock:
            if self._kept is None:
                self._kept = _copied(self._ended)
            return Path(self._kept.name)


def _input() -> BinaryIO:
    given = sys.stdin
    if given is None or given.closed or given.isatty():
        raise SourceError(
            "nothing is piped into the command; write for example: zcat orders.csv.gz | batchwright run -"
        )
    return given.buffer


def _copied(ended: threading.Event) -> IO[bytes]:
    stream = _input()
    kept = tempfile.NamedTemporaryFile(prefix="batchwright-stdin-")  # noqa: SIM115 - `close` removes it
    try:
        for data in _pieces(stream, ended):
            kept.write(data)
        kept.flush()
        if not kept.tell():
            raise SourceError("standard input is empty; the program in front of the pipe may have failed")
    except BaseException:
        kept.close()
        raise
    return kept


def _pieces(stream: BinaryIO, ended: threading.Event) -> Iterator[bytes]:
    """Yield what comes in. No read waits: one that does can't be ended, nor can the process in good order."""
    try:
        number = stream.fileno() if os.name == "posix" else None
    except (OSError, ValueError):  # not the process's, but a stream that a program has put in its place
        number = None
    read = getattr(stream, "read1", stream.read)
    while not ended.is_set():
        if number is None or select.select([number], [], [], _LOOK)[0]:
            data = read(_AT_ONCE)
            if not data:
                return
            yield data
    raise SourceError("standard input was not read to its end: it was closed")


def _opened(path: str) -> BinaryIO:
    return Path(path).open("rb")
