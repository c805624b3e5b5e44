"""Sample vectors: of each text one, made of its characters, and the receipts that go with them."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from batchwright.contracts.embedder import EmbeddingModel
from batchwright.contracts.search import Searchable, SearchHit
from batchwright.contracts.sink import Store
from batchwright.contracts.vectors import Embedded, Key, Vector, Vectors, Without, packed
from batchwright.testing.records import Sample

MODEL = EmbeddingModel("kit", 16)
OTHER = EmbeddingModel("kit other", 8)
"""Another model, whose vectors have another length."""

CANARY = packed([1.0] + [0.0] * 15, 16)
OTHER_CANARY = packed([1.0] + [0.0] * 7, 8)


def key_of(text: str) -> Key:
    """Return the key of a text's vector."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def numbers_of(text: str, model: EmbeddingModel = MODEL) -> list[float]:
    """Return numbers between -1 and 1 that a text decides."""
    found: list[float] = []
    block = 0
    while len(found) < model.dimensions:
        digest = hashlib.sha256(f"{model.name} {block} {text}".encode("utf-8", "surrogatepass")).digest()
        found += [number / 2**31 for number in struct.unpack("<8i", digest)]
        block += 1
    return found[: model.dimensions]


def vector_of(text: str, model: EmbeddingModel = MODEL) -> Vector:
    """Return the vector of a text."""
    return packed(numbers_of(text, model), model.dimensions)


def near(text: str, other: str, part: float, model: EmbeddingModel = MODEL) -> Vector:
    """Return a vector near to that of a text: a part of it is that of another."""
    both = zip(numbers_of(text, model), numbers_of(other, model), strict=True)
    return packed([(1 - part) * one + part * two for one, two in both], model.dimensions)


def nearness(one: Vector, other: Vector) -> float:
    """Return the cosine of two vectors."""
    a, b = (struct.unpack(f"<{len(vector) // 4}f", vector) for vector in (one, other))
    length = math.sqrt(sum(x * x for x in a) * sum(x * x for x in b))
    return sum(x * y for x, y in zip(a, b, strict=True)) / length if length else 0.0


def vectors_of(store: Store) -> Vectors:
    """Return the store's vectors, with both models prepared; the check fails where it keeps none."""
    vectors = store.vectors
    if vectors is None:
        pytest.fail("the store keeps no vectors: its property `vectors` is None")
    vectors.prepare(MODEL, CANARY)
    return vectors


def put(vectors: Vectors, texts: Iterable[str], model: EmbeddingModel = MODEL) -> None:
    """Keep the vectors of texts."""
    vectors.put(model, {key_of(text): vector_of(text, model) for text in texts})


def embedded(
    *samples: Sample, model: EmbeddingModel = MODEL, without: dict[str, Without] | None = None
) -> Embedded:
    """Return which vectors the records of samples have.

    Args:
        *samples: Documents, whose records are a batch.
        model: The model.
        without: Why a text has none, by text.
    """
    texts = [chunk.chunk_text for one in samples for chunk in one.chunks]
    reasons: dict[str, Any] = dict(without or {})
    return Embedded(model.identity, tuple(reasons.get(text) or key_of(text) for text in texts))


def searched(store: Store, vector: Vector | None, limit: int = 10, **asked: Any) -> Sequence[SearchHit]:
    """Search by a vector, unless another mode is asked for."""
    if not isinstance(store, Searchable):
        pytest.fail("the store keeps vectors, but is not Searchable")
    return store.search(asked.pop("text", ""), limit, vector=vector, **{"mode": "vector", **asked})
