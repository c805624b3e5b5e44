"""Vectors: what a store keeps of texts that were embedded, and how it finds records by them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal

from batchwright.contracts.embedder import EmbeddingModel
from batchwright.values import dataclass

Vector = bytes
"""Numbers of 32 bits (IEEE 754, little-endian), one after the other."""

Key = bytes
"""The SHA-256 of a text that was embedded, without the model's prefix: the same text has one vector."""

TEXT_REFUSED = "batchwright.errors.TextRefused"
"""`Reject.error` of a text that the embedder refuses. Its record is published beside that reject, which
does not count among those of its document."""

Without = Literal["no_text", "refused", "outage"]
"""Why a published row has no vector: it has no text, the model refuses it, or was down; the last is made up
for by the next run."""


def packed(numbers: Sequence[float], dimensions: int) -> Vector:
    """Return the numbers as a vector.

    Raises:
        ValueError: There are more or fewer than `dimensions`, or one is no finite number of 32 bits.
    """
    if len(numbers) != dimensions:
        raise ValueError(f"a vector of {len(numbers)} numbers came back, where the model has {dimensions}")
    vector = array("f", numbers)
    if not math.isfinite(sum(vector)):  # many times as fast as one by one, and finite ones can't overflow it
        raise ValueError("a vector with a number that is none (NaN or infinite) came back")
    return vector.tobytes()


def check_lengths(model: EmbeddingModel, vectors: Iterable[Vector]) -> None:
    """Check that vectors have as many numbers as those of their model.

    Raises:
        ValueError: One has more, or fewer.
    """
    size = 4 * model.dimensions
    if wrong := next((len(vector) for vector in vectors if len(vector) != size), None):
        raise ValueError(f"a vector of {wrong} bytes, where the model has {model.dimensions} numbers")


@dataclass(frozen=True, slots=True)
class Embedded:
    """Which vectors the records of a batch have: a part of a `Receipt`.

    Attributes:
        model: The model, by its `identity`.
        keys: Of each record of the batch, in its order: the key of its vector, which is stored already, or
            why it has none.
    """

    model: str
    keys: tuple[Key | Without, ...]


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model of which a store has vectors.

    Attributes:
        model: The model.
        canary: The vector of the text that tells whether the model is still the same.
        is_used: Whether searches and the view use its vectors; of one model at most.
    """

    model: EmbeddingModel
    canary: Vector
    is_used: bool


@dataclass(frozen=True, slots=True)
class Unembedded:
    """A published row without a vector of the model.

    Attributes:
        id: The record's id.
        heading: Where its text stands; empty where there is none.
        text: Its text; empty where it has none.
        key: The key that is kept for it, if any.
        document_key: The key of its document.
    """

    id: str
    heading: str
    text: str
    key: Key | None
    document_key: str


@dataclass(frozen=True, slots=True)
class VectorCounts:
    """The rows of a collection that are published, by what they have.

    Attributes:
        embedded: With a vector of the model.
        lacking: With none, and no reason for it: a run makes it.
        no_text: Without a text.
        refused: Refused by the model.
        outage: Published while the model was down.
    """

    embedded: int = 0
    lacking: int = 0
    no_text: int = 0
    refused: int = 0
    outage: int = 0


class Vectors(ABC):
    """The vectors of one relation. Reading sees what is committed; each call is a transaction of its own.

    A vector belongs to a model and a key. Rows keep their keys, whatever the model. A store carries out
    `Receipt.embedded` with the rows: it keeps the keys, and publishes no version of which a row has neither
    a vector of the model nor a reason to have none, but raises IncompleteDocument.
    """

    @abstractmethod
    def models(self) -> list[StoredModel]:
        """Return the models that vectors are kept of, the one in use first, then by identity."""

    @abstractmethod
    def size(self, model: EmbeddingModel) -> int:
        """Return how many vectors are kept of a model."""

    @abstractmethod
    def prepare(self, model: EmbeddingModel, canary: Vector) -> Vector:
        """Make a place for the model's vectors where there is none; return the canary that is kept.

        Args:
            model: The model.
            canary: What is kept where the model is new.
        """

    @abstractmethod
    def missing(self, model: EmbeddingModel, keys: Collection[Key], *, keep: bool = True) -> set[Key]:
        """Return those of the keys that have no vector.

        Args:
            model: The model.
            keys: The keys.
            keep: Whether those that have one outlast the next sweep; without it nothing is written.
        """

    @abstractmethod
    def put(self, model: EmbeddingModel, vectors: Mapping[Key, Vector]) -> None:
        """Keep vectors; of a key that has one, nothing changes. Twice has the effect of once.

        Raises:
            ValueError: A vector has another length than those of the model; `check_lengths` sees to that.
            SinkError: The model was not prepared.
        """

    @abstractmethod
    def lacking(
        self, model: EmbeddingModel, collection: str, after: str = "", limit: int = 1000
    ) -> list[Unembedded]:
        """Return a collection's published rows with an id > `after` that a run has to embed, by id.

        That is rows without a vector of the model, but for those without a text or refused by this model.
        """

    @abstractmethod
    def attach(
        self,
        model: EmbeddingModel,
        collection: str,
        keys: Mapping[str, Key | Without],
        token: str | None,
    ) -> None:
        """Keep the keys of published rows, by record id; rows that are gone meanwhile are passed over.

        Raises:
            LeaseLost: The token's lease is another run's by now.
        """

    @abstractmethod
    def use(self, model: EmbeddingModel) -> list[str]:
        """Have searches and the view use the model's vectors, if no collection has rows that lack them.

        Indexes that are built last are built here. Returns the names of the collections that still lack
        vectors; then nothing changed, unless no model was in use before: then it is this one at once.
        """

    @abstractmethod
    def sweep(self, before: str) -> int:
        """Remove vectors that no row has used since a moment (ISO 8601, UTC); return how many.

        Those of a model that is neither in use nor newer than the one in use go at once.
        """

    @abstractmethod
    def counts(self, model: EmbeddingModel, collection: str | None = None) -> VectorCounts:
        """Return what the published rows of a collection have, or of all."""

    @abstractmethod
    def orphans(self) -> int:
        """Return how many vectors no row uses."""
