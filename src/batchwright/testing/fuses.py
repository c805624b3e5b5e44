"""Records that fail, or wait, at a chosen moment while a sink reads them: faults that any sink will meet."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from batchwright.model import ProcessedChunk
from batchwright.testing.records import CHUNK_FIELDS

_FIELDS = frozenset(CHUNK_FIELDS)


class InjectedFailure(Exception):
    """The kit makes a write fail with this."""


class InjectedInterrupt(BaseException):
    """The kit interrupts a write with this, as Ctrl-C does with KeyboardInterrupt."""


class Fuse:
    """Counts how often fields of its records are read, and acts at a chosen count.

    Attributes:
        reads: Fields read so far.
        blown: Whether it has acted.
    """

    def __init__(self, at: int | None = None, action: Callable[[], None] | None = None) -> None:
        self.reads = 0
        self.blown = False
        self._at = at
        self._action = action

    def read(self) -> None:
        """Count a read. The action comes once: what a sink reads to tell what was wrong, it can read."""
        self.reads += 1
        if self._action is not None and self.reads == self._at:
            self.blown = True
            self._action()

    def fit(self, chunks: Sequence[ProcessedChunk]) -> list[ProcessedChunk]:
        """Return the chunks with this fuse in them."""
        return [_fused(chunk, self) for chunk in chunks]


def failing(error: Callable[[], BaseException], at: int) -> Fuse:
    """Return a fuse that raises at the read numbered `at`, from 1."""

    def action() -> None:
        raise error()

    return Fuse(at, action)


class Gate:
    """Holds up a write in the middle of a record, until it is opened.

    Args:
        patience: Seconds after which it opens by itself.
    """

    def __init__(self, at: int, patience: float) -> None:
        self.reached = threading.Event()
        self._opened = threading.Event()
        self._patience = patience
        self.fuse = Fuse(at, self._hold)

    def open(self) -> None:
        """Let the write go on."""
        self._opened.set()

    def _hold(self) -> None:
        self.reached.set()
        self._opened.wait(self._patience)


class _FusedChunk(ProcessedChunk):
    __slots__ = ("_fuse",)

    _fuse: Fuse

    def __getattribute__(self, name: str) -> object:
        if name in _FIELDS:
            try:
                fuse: Fuse = object.__getattribute__(self, "_fuse")
            except AttributeError:  # while it is being made
                pass
            else:
                fuse.read()
        return object.__getattribute__(self, name)


def _fused(chunk: ProcessedChunk, fuse: Fuse) -> ProcessedChunk:
    fused = _FusedChunk(**{name: getattr(chunk, name) for name in CHUNK_FIELDS})
    object.__setattr__(fused, "_fuse", fuse)
    return fused
