"""The embedder of a piece of work, with the model that its vectors are of."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from batchwright.config import BatchConfig, secrets_of
from batchwright.contracts.embedder import AnyEmbedder, EmbedderLimits, EmbedderOptions, EmbeddingModel
from batchwright.contracts.events import EmbeddingStarted
from batchwright.contracts.records import RecordType
from batchwright.contracts.sink import AnySink
from batchwright.engine.embedding.texts import TextOf, text_of
from batchwright.errors import ConfigError, PluginError
from batchwright.plugins.foreign import Foreign, bounded
from batchwright.plugins.limits import sound
from batchwright.secrets import masked_url

if TYPE_CHECKING:
    from batchwright.plugins.manager import PluginManager


class Embedding:
    """An embedder that the settings name. Connected to nothing until it is asked.

    Args:
        embedder: The embedder.

    Attributes:
        embedder: The embedder.
        who: Whose code it is, in messages.
        model: What its vectors are of: the embedder's, with what the settings add.
        limits: What a request may hold.
        host: Where texts are sent; empty where they stay on this machine.
        is_greeted: Whether the model was found to be the one whose vectors are kept.
        down: Why it is asked no more, though the work goes on; empty where it is.
    """

    def __init__(self, embedder: AnyEmbedder) -> None:
        self.embedder = embedder
        self.who = f"the embedder {embedder.name!r}"
        self.is_greeted = False
        self.down = ""
        self._spent = 0
        with Foreign(self.who, whatever=True):
            limits: object = embedder.limits
            self.model = model_of(embedder)
            self.host: str = embedder.host
        self.limits = sound(self.who, limits, EmbedderLimits)
        if self.model.dimensions < 1:
            raise PluginError(f"{self.who} has no sound model: {self.model}")

    @classmethod
    def of(cls, config: BatchConfig, manager: PluginManager, sink: AnySink) -> Embedding | None:
        """Return the embedder that the settings name; None where they name none.

        Args:
            config: The settings.
            manager: The plugins.
            sink: Where the vectors go.

        Raises:
            ConfigError: There is none of that name, an option is wrong, or the target keeps no vectors.
            PluginError: Making it raised what is no `Exception`.
        """
        if config.embedder is None:
            return None
        if not sink.keeps_vectors:
            able = [name for name, one in manager.offered("sink").items() if one.keeps_vectors]
            target = masked_url(config.to, secrets_of(config))
            raise ConfigError(
                f"embedder: {target} keeps no vectors; targets that do: {', '.join(able) or 'none'}"
            )
        return cls(manager.make("embedder", config.embedder, config.embedders))

    @property
    def options(self) -> EmbedderOptions:
        """What the settings say of it."""
        options: EmbedderOptions = self.embedder.options
        return options

    def share(self, among: int) -> None:
        """Keep to a share of the limits, of a model that the driver of so many workers has compared."""
        self.is_greeted = True
        limits = self.limits

        def each(number: int | None) -> int | None:
            return None if number is None else max(1, number // among)

        self.limits = replace(
            limits,
            at_once=max(1, limits.at_once // among),
            requests_a_minute=each(limits.requests_a_minute),
            tokens_a_minute=each(limits.tokens_a_minute),
        )

    def started(self) -> EmbeddingStarted:
        """Return the event that says that records are given vectors."""
        return EmbeddingStarted(self.embedder.name, self.model.name, self.model.dimensions, self.host)

    def text_of(self, record_type: RecordType) -> TextOf:
        """Return what returns the text of a record; see `texts.text_of`."""
        return text_of(record_type)

    def sent(self, text: str) -> str:
        """Return what is sent of a text."""
        return self.options.document_prefix + text

    def tokens(self, text: str) -> int:
        """Return how many tokens what is sent of a text has, about."""
        with Foreign(self.who):
            return self.embedder.tokens(self.sent(text))

    def close(self) -> None:
        """Have the embedder release what it has. May come more than once."""
        with suppress(Exception):
            bounded(self.who, self.embedder.close)

    def spend(self, tokens: int) -> None:
        """Count tokens that are to be sent.

        Raises:
            ConfigError: They would be more than the settings allow.
        """
        self._spent += tokens
        most = self.options.max_tokens
        if most is not None and self._spent > most:
            raise too_many_tokens(self, self._spent)

    def begin(self) -> None:
        """Begin anew: with all tokens that the settings allow, and a model that may be back."""
        self._spent, self.down = 0, ""

    def check(self, record_type: RecordType, config: BatchConfig) -> None:
        """Check that records of this type, or chunks of the settings' size, can be embedded.

        Raises:
            ConfigError: They have no text, or one that is too long, and nothing says what to do then.
        """
        text_of(record_type)
        most, chunk = self.limits.tokens_a_text, config.chunk_max_tokens
        if most is not None and chunk > most and self.options.too_long == "reject" and record_type.is_chunk:
            raise ConfigError(
                f"chunk_max_tokens = {chunk}: {self.model.name} takes {most} tokens a text; make chunks "
                f'smaller, or say what to do in [embedders.{self.embedder.name}]: too_long = "cut" or "mean"'
            )


def too_many_tokens(embedding: Embedding, tokens: int) -> ConfigError:
    """Return the error of a run that would send more tokens than the settings allow."""
    name, most = embedding.embedder.name, embedding.options.max_tokens
    return ConfigError(
        f"{tokens:,} tokens or more would be sent to {embedding.host or name}, and [embedders.{name}] has "
        f"max_tokens = {most}; raise it, or load less: batchwright plan says what would be sent"
    )


def model_of(embedder: AnyEmbedder) -> EmbeddingModel:
    """Return what an embedder's vectors are of: its model, and the options that change a vector."""
    model, options = embedder.model, embedder.options
    added = (("document_prefix", options.document_prefix), ("too_long", options.too_long))
    return replace(model, settings=(*model.settings, *added))
