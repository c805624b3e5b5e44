"""The texts that wait to be sent, by unit: units take turns, so that a large one holds up no other."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable

from batchwright.contracts.embedder import EmbedderLimits
from batchwright.engine.embedding.units import Piece, Unit

LINGER = 0.1
"""Seconds that a text waits for others to fill a request."""


class Line:
    """For who holds a lock.

    Args:
        limits: What a request may hold.

    Attributes:
        pieces: How many texts wait.
    """

    def __init__(self, limits: EmbedderLimits) -> None:
        self.pieces = 0
        self._limits = limits
        self._tokens = 0
        self._since = 0.0
        self._units: deque[tuple[Unit, deque[Piece]]] = deque()

    def add(self, unit: Unit, pieces: Iterable[Piece]) -> None:
        """Have texts wait that a unit waits for."""
        waiting = deque(pieces)
        if not self.pieces:
            self._since = time.monotonic()
        self._units.append((unit, waiting))
        self.pieces += len(waiting)
        self._tokens += sum(piece.tokens for piece in waiting)

    @property
    def is_full(self) -> bool:
        """Whether a request is full."""
        limits = self._limits
        return self.pieces >= limits.texts or (limits.tokens is not None and self._tokens >= limits.tokens)

    def linger(self) -> float:
        """Return the seconds to wait for more texts; 0 or less where there were some."""
        return self._since + LINGER - time.monotonic()

    def take(self) -> list[Piece]:
        """Take what one request holds, unit by unit; a unit that has more goes to the end."""
        limits, batch, tokens = self._limits, list[Piece](), 0
        last: Unit | None = None
        while self._units and len(batch) < limits.texts:
            unit, waiting = self._units[0]
            more = waiting[0].tokens
            if batch and limits.tokens is not None and tokens + more > limits.tokens:
                break
            batch.append(waiting.popleft())
            tokens, last = tokens + more, unit
            if not waiting:
                self._units.popleft()
        if self._units and self._units[0][0] is last:
            self._units.rotate(-1)
        self.pieces -= len(batch)
        self._tokens -= tokens
        self._since = time.monotonic()
        return batch

    def clear(self) -> list[Piece]:
        """Take all that waits."""
        left = [piece for _, waiting in self._units for piece in waiting]
        self._units.clear()
        self.pieces = self._tokens = 0
        return left
