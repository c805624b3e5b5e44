"""An embedder that knows the vectors of all passages and questions: a real model's, made beforehand."""

from __future__ import annotations

from collections.abc import Sequence

from batchwright import Embedder, EmbedderLimits, EmbedderOptions, EmbeddingModel, hookimpl
from tests.benchmarks.retrieval.vectors import vector_of

NAME = "stored"


class StoredEmbedder(Embedder[EmbedderOptions]):
    """Looks vectors up. A text that isn't known, such as the canary, is near to nothing."""

    name = NAME
    limits = EmbedderLimits(texts=256, at_once=1)

    @property
    def model(self) -> EmbeddingModel:
        """The model that made them."""
        return EmbeddingModel("all-MiniLM-L6-v2", 384)

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return the vectors of the texts."""
        return [self._of(text) for text in texts]

    def tokens(self, text: str) -> int:
        """Return something small: no passage is long."""
        return len(text) // 4 + 1

    def _of(self, text: str) -> list[float]:
        try:
            return [*vector_of(text)]
        except LookupError:
            return [1.0, *[0.0] * (self.model.dimensions - 1)]


class Plugin:
    """Offers it."""

    name = NAME

    @hookimpl
    def register_embedders(self) -> list[type[StoredEmbedder]]:
        """Offer the embedder."""
        return [StoredEmbedder]
