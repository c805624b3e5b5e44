"""The vector of what is searched for, by the embedder that the settings name."""

from __future__ import annotations

import threading
from contextlib import suppress

from batchwright.config import BatchConfig, secrets_of
from batchwright.contracts.embedder import AnyEmbedder, EmbeddingModel
from batchwright.contracts.vectors import StoredModel, Vector, packed
from batchwright.errors import BatchwrightError, ConfigError, PluginError, SinkError
from batchwright.plugins.foreign import Foreign, bounded, said
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
        self._embedder: AnyEmbedder | None = None

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
            embedder = self._opened()
        who = f"the embedder {embedder.name!r}"
        with Foreign(who):
            model: EmbeddingModel = embedder.model
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
        embedder, self._embedder = self._embedder, None
        if embedder is not None:
            with suppress(Exception):
                bounded(f"the embedder {embedder.name!r}", embedder.close)

    def _opened(self) -> AnyEmbedder:
        if self._embedder is None:
            if self._config.embedder is None:
                raise ConfigError(
                    "a search by vectors needs the embedder that they were loaded with: name it in the "
                    "settings (embedder = NAME), or search by text"
                )
            self._embedder = self._manager.make("embedder", self._config.embedder, self._config.embedders)
        return self._embedder


def used_of(models: list[StoredModel]) -> StoredModel:
    """Return the model in use.

    Raises:
        SinkError: There is none.
    """
    found = next((stored for stored in models if stored.is_used), None)
    if found is None:
        raise SinkError(NO_MODEL)
    return found
