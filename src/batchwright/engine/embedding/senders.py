"""Those who send: threads that take the texts that wait, and have them embedded."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from batchwright.contracts.events import TextsEmbedded
from batchwright.engine.embedding.line import Line
from batchwright.engine.embedding.requests import Answer, Requests
from batchwright.engine.embedding.units import Piece, Unit
from batchwright.engine.store.breaker import OutageTooLong
from batchwright.errors import TextRefused

logger = logging.getLogger("batchwright")


class Senders:
    """Twice as many threads as requests may be made at once: half of them have the next requests ready.

    Each request holds texts of many units.

    Args:
        requests: The way to the embedder.
        changed: Guards what is kept here, and is notified when it changes.
        is_all: Tells whether no more texts come for now; requests need not be full then.
        on_failure: Takes what ends a thread.

    Attributes:
        answers: What came of texts, to be taken; None where the embedder is asked no more.
    """

    def __init__(
        self,
        requests: Requests,
        changed: threading.Condition,
        is_all: Callable[[], bool],
        on_failure: Callable[[Exception], None],
    ) -> None:
        self.answers: list[tuple[Piece, Answer | None]] = []
        self._requests = requests
        self._embedding = requests.embedding
        self._changed = changed
        self._is_all = is_all
        self._on_failure = on_failure
        self._line = Line(self._embedding.limits)
        self._batches = 0
        self._threads: list[threading.Thread] = []

    @property
    def are_idle(self) -> bool:
        """Whether no text waits or is being embedded, and every answer was taken."""
        return not (self._line.pieces or self._batches or self.answers)

    def add(self, waiting: Mapping[Unit, Sequence[Piece]]) -> None:
        """Have texts embedded, by the unit that waits for them."""
        with self._changed:
            for unit, pieces in waiting.items():
                if self._embedding.down:
                    self.answers += ((piece, None) for piece in pieces)
                else:
                    self._line.add(unit, pieces)
            self._start()
            self._changed.notify_all()

    def give_up(self, reason: str, pieces: Sequence[Piece] = ()) -> None:
        """Ask the embedder no more: these texts, those that wait and those to come have no vector for now."""
        with self._changed:
            first, self._embedding.down = not self._embedding.down, reason
            self.answers += ((piece, None) for piece in [*pieces, *self._line.clear()])
            self._changed.notify_all()
        if first:
            logger.warning("%s; rows are stored without vectors, which the next run makes", reason)

    def join(self) -> None:
        """Wait for their end."""
        for thread in self._threads:
            thread.join()

    def _start(self) -> None:
        limits = self._embedding.limits
        wanted = min(2 * limits.at_once, -(-self._line.pieces // limits.texts) + len(self._threads))
        for number in range(len(self._threads), wanted):
            thread = threading.Thread(target=self._send, name=f"batchwright-embed-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def _send(self) -> None:
        try:
            while batch := self._next_batch():
                self._embed(batch)
                self._requests.leave()
        except Exception as error:  # noqa: BLE001 - whoever waits for units is told
            self._on_failure(error)
        finally:
            self._requests.close()

    def _next_batch(self) -> list[Piece]:
        """Return what the next request holds; nothing where there will be none."""
        with self._changed:
            while not self._requests.halt.event.is_set():
                wait = None
                if self._line.is_full or (self._line.pieces and self._is_all()):
                    wait = 0.0
                elif self._line.pieces and self._batches < self._embedding.limits.at_once:
                    wait = self._line.linger()
                if wait is not None and wait <= 0:
                    self._batches += 1
                    return self._line.take()
                self._changed.wait(wait)
            return []

    def _embed(self, batch: list[Piece]) -> None:
        left = dict.fromkeys(range(len(batch)))
        began = time.monotonic()

        def take(answers: dict[int, Answer], tokens: int) -> None:
            nonlocal began
            now = time.monotonic()
            refused = sum(isinstance(one, TextRefused) for one in answers.values())
            self._requests.emit(TextsEmbedded(len(answers) - refused, tokens, now - began, refused))
            began = now
            with self._changed:
                for place, one in answers.items():
                    left.pop(place, None)
                    self.answers.append((batch[place], one))
                self._changed.notify_all()

        try:
            self._requests.embed([piece.text for piece in batch], [piece.tokens for piece in batch], take)
        except OutageTooLong as error:
            if self._embedding.options.on_outage == "interrupt":
                raise
            self.give_up(str(error), [batch[place] for place in left])
        finally:
            with self._changed:
                self._batches -= 1
                self._changed.notify_all()
