"""The canary: a text whose vector tells whether the model is still the one whose vectors are kept."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

from batchwright.contracts.vectors import Vector, Vectors
from batchwright.engine.embedding.embedding import Embedding
from batchwright.engine.embedding.requests import Requests
from batchwright.errors import EmbedderError

CANARY = "batchwright's canary: does this model still make the vectors that it made before?"
ALIKE = 0.999
"""The cosine of two vectors of one text by one model, at least."""


def greet(
    embedding: Embedding, requests: Requests, ask: Callable[[Callable[[Vectors], Vector]], Vector]
) -> None:
    """Embed the canary, once; make a place for the model where it is new, else compare.

    Args:
        embedding: The embedder.
        requests: The way to it.
        ask: Has the store's vectors answer.

    Raises:
        EmbedderError: The model behind the name is another one now.
    """
    if embedding.is_greeted:
        return
    vector = requests.canary(embedding.sent(CANARY), embedding.tokens(CANARY))
    kept = ask(lambda vectors: vectors.prepare(embedding.model, vector))
    if (alike := cosine(kept, vector)) < ALIKE:
        raise EmbedderError(
            f"the model behind the name {embedding.model.name!r} changed: the vector of the same text differs "
            f"from the one that is kept (cosine {alike:.3f}); vectors of the two can't be compared. Give it "
            "another revision, and the next run makes all vectors anew"
        )
    embedding.is_greeted = True


def cosine(one: Vector, other: Vector) -> float:
    """Return the cosine of two vectors; 0 where one has no length."""
    a, b = memoryview(one).cast("f"), memoryview(other).cast("f")
    lengths = sqrt(sum(x * x for x in a) * sum(y * y for y in b))
    return sum(x * y for x, y in zip(a, b, strict=True)) / lengths if lengths else 0.0
