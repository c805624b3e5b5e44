"""The vector of what is searched for, by the embedder that the settings name."""

from __future__ import annotations

import threading

from batchwright.config import BatchConfig, secrets_of
from batchwright.contracts.vectors import StoredModel, Vector, packed
from batchwright.engine.embedding.embedding import Embedding
from batchwright.errors import BatchwrightError, ConfigError, PluginError, SinkError
from batchwright.plugins.foreign import bounded, said
from batchwright.plugins.manager import PluginManager
from batchwright.sinkkit.vectors.hits import NO_MODEL

_PATIENCE = 60.0  # seconds for one text


class AskedVectors:
    """Turns what is searched for into vectors. Connected to nothing until it is asked.

    Args:
        config: The settings.
        manager: The plugins.
    """

    def __init__(self, config: BatchConfig, manager: PluginManager) -> None:
        self._config = config
        self._manager = manager
        self._lock = threading.Lock()
        self._embedding: Embedding | None = None

    def of(self, text: str, used: StoredModel) -> Vector:
        """Return the vector of a text, with the prefix of a query.

        Args:
            text: The text.
            used: The model whose vectors are searched.

        Raises:
            ConfigError: The settings name no embedder, or one of another model.
            PluginError: It failed; says how.
        """
        with self._lock:
            embedding = self._opened()
        embedder, who, model = embedding.embedder, embedding.who, embedding.model
        if (model.name, model.dimensions) != (used.model.name, used.model.dimensions):
            raise ConfigError(
                f"vectors of {used.model.name} ({used.model.dimensions} numbers) are searched, and {who} has "
                f"{model.name} ({model.dimensions}): name the embedder that they were loaded with, or run "
                "again to load them with this one"
            )
        asked = embedder.options.query_prefix + text
        try:
            return packed(bounded(who, lambda: embedder.embed_query(asked), _PATIENCE), model.dimensions)
        except BatchwrightError:
            raise
        except Exception as error:
            raise PluginError(
                f"{who} made no vector of the query: {said(error, secrets_of(self._config))}"
            ) from error

    def close(self) -> None:
        """Have the embedder release what it has. May come more than once."""
        embedding, self._embedding = self._embedding, None
        if embedding is not None:
            embedding.close()

    def _opened(self) -> Embedding:
        if self._embedding is None:
            if self._config.embedder is None:
                raise ConfigError(
                    "a search by vectors needs the embedder that they were loaded with: name it in the "
                    "settings (embedder = NAME), or search by text"
                )
            made = self._manager.make("embedder", self._config.embedder, self._config.embedders)
            self._embedding = Embedding(made)
        return self._embedding


def used_of(models: list[StoredModel]) -> StoredModel:
    """Return the model in use.

    Raises:
        SinkError: There is none.
    """
    found = next((stored for stored in models if stored.is_used), None)
    if found is None:
        raise SinkError(NO_MODEL)
    return found
