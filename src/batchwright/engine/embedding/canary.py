"""The canary: a text whose vector tells whether the model is still the one whose vectors are kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from math import sqrt
from operator import methodcaller
from typing import TYPE_CHECKING, Any

from batchwright.contracts.vectors import Vector, Vectors
from batchwright.engine.embedding.asking import ask_vectors
from batchwright.engine.embedding.embedding import Embedding
from batchwright.engine.embedding.requests import Requests
from batchwright.errors import EmbedderError

if TYPE_CHECKING:
    from batchwright.engine.session import Session

CANARY = "batchwright's canary: does this model still make the vectors that it made before?"
ALIKE = 0.999
"""The cosine of two vectors of one text by one model, at least."""


class Greeting:
    """Has the canary embedded beside the first texts; no vector is kept before its own is compared.

    Args:
        embedding: The embedder.
        requests: The way to it.
        ask: Has the store's vectors answer.
    """

    def __init__(
        self, embedding: Embedding, requests: Requests, ask: Callable[[Callable[[Vectors], Any]], Any]
    ) -> None:
        self._embedding = embedding
        self._requests = requests
        self._ask = ask
        self._is_known: bool | None = None
        self._thread: threading.Thread | None = None
        self._is_on_its_way = threading.Event()
        self._vector: Vector | None = None
        self._error: Exception | None = None

    def is_known(self) -> bool:
        """Tell whether vectors of the model may be kept; one that was given up is wanted again."""
        if self._is_known is None:
            model = self._embedding.model
            stored = next((one for one in self._ask(methodcaller("models")) if one.model == model), None)
            if stored is not None and not stored.is_used:
                self._ask(methodcaller("prepare", model, stored.canary))
            self._is_known = stored is not None
        return self._is_known or self._embedding.is_greeted

    def begin(self) -> None:
        """Send the canary, once; return when it is on its way.

        Were it overtaken by texts, an outage might hold it back alone, and their vectors could not be kept.
        """
        if self._thread is None and not self._embedding.is_greeted:
            self._thread = threading.Thread(target=self._send, name="batchwright-canary", daemon=True)
            self._thread.start()
            self._is_on_its_way.wait()

    def finish(self) -> None:
        """Make a place for the model where it is new, else compare; returns at once where that was done.

        Raises:
            EmbedderError: The model behind the name is another one now, makes zeros, or the embedder says no.
            OutageTooLong, RunInterrupted, SinkError: The embedder or the store doesn't answer.
        """
        embedding = self._embedding
        if embedding.is_greeted:
            return
        self.begin()
        if self._thread is not None:
            self._thread.join()
        if self._error is not None:
            raise self._error
        if not any(memoryview(self._vector or b"").cast("f")):
            raise EmbedderError(
                f"{embedding.who} made a vector of nothing but zeros, to which nothing is near: the model "
                f"{embedding.model.name!r} is not loaded, or knows no word of the text: {CANARY}"
            )
        kept = self._ask(methodcaller("prepare", embedding.model, self._vector))
        if (alike := cosine(kept, self._vector or b"")) < ALIKE:
            raise EmbedderError(
                f"the model behind the name {embedding.model.name!r} changed: the vector of the same text "
                f"differs from the one that is kept (cosine {alike:.3f}); vectors of the two can't be "
                "compared. Give it another revision, and the next run makes all vectors anew"
            )
        embedding.is_greeted = True

    def _send(self) -> None:
        embedding = self._embedding
        try:
            tokens = embedding.tokens(CANARY)
            self._vector = self._requests.canary(embedding.sent(CANARY), tokens, self._is_on_its_way.set)
        except Exception as error:  # noqa: BLE001 - raised again by who waits for it
            self._error = error
        finally:
            self._is_on_its_way.set()
            self._requests.close()


def compare(session: Session, embedding: Embedding) -> None:
    """Compare the model with the one whose vectors are kept; make a place where it is new.

    Raises:
        EmbedderError: It is another one behind the same name, or the embedder says no.
        OutageTooLong, RunInterrupted, SinkError: The embedder or the store doesn't answer.
    """
    requests = Requests(session, embedding, session.stop)
    Greeting(embedding, requests, partial(ask_vectors, session.control)).finish()


def cosine(one: Vector, other: Vector) -> float:
    """Return the cosine of two vectors; 0 where one has no length."""
    a, b = memoryview(one).cast("f"), memoryview(other).cast("f")
    lengths = sqrt(sum(x * x for x in a) * sum(y * y for y in b))
    return sum(x * y for x, y in zip(a, b, strict=True)) / lengths if lengths else 0.0
