"""The embedder: turns texts into vectors. Subclass `Embedder`, implement `model` and `embed`, register it."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import Field

from batchwright.contracts.plugin import Plugin, PluginOptions
from batchwright.values import dataclass


class EmbedderOptions(PluginOptions):
    """Options of an embedder; subclass it for more. They come from the section ``[embedders.NAME]``.

    Attributes:
        document_prefix: Put before each text that is embedded, as E5 and its like want it.
        query_prefix: Put before what is searched for.
        too_long: What to do about a text of more tokens than the model takes: reject it, cut it, or take the
            mean of its parts' vectors.
        on_outage: What to do when the model stays down for longer than `max_outage`: interrupt the run, or
            publish rows without vectors, which the next run makes.
        on_refused: What to do about a text that the model refuses: publish its row without a vector, beside
            a reject, or reject the row.
        max_tokens: A run that would send more tokens is refused; None for no limit.
    """

    document_prefix: str = ""
    query_prefix: str = ""
    too_long: Literal["reject", "cut", "mean"] = "reject"
    on_outage: Literal["interrupt", "publish"] = "interrupt"
    on_refused: Literal["publish", "reject"] = "publish"
    max_tokens: int | None = Field(default=None, ge=1)


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """What makes a vector what it is: vectors of two models are never compared, nor mixed.

    Attributes:
        name: As the provider calls it.
        dimensions: Numbers a vector.
        metric: How near vectors are.
        revision: Tells versions of the same name apart, where the provider says so.
        settings: Whatever else changes a vector, as names and values. The engine adds `document_prefix` and
            `too_long` of the options.
    """

    name: str
    dimensions: int
    metric: str = "cosine"
    revision: str = ""
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def identity(self) -> str:
        """Names the model in a store, the same on every machine."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)

    @classmethod
    def of_identity(cls, identity: str) -> EmbeddingModel:
        """Return the model that has this identity."""
        values = json.loads(identity)
        return cls(**{**values, "settings": tuple((name, value) for name, value in values["settings"])})


@dataclass(frozen=True, slots=True)
class EmbedderLimits:
    """What one request may hold, and how many may be made. They hold for a run as a whole.

    Attributes:
        texts: Texts a request, at most.
        tokens: Tokens a request, at most; None for no limit.
        tokens_a_text: Tokens a text, at most: what is longer is treated as `too_long` says. None where the
            embedder takes any.
        at_once: Requests at the same time, at most. They come from several threads, also where it is 1.
        requests_a_minute: Requests begun in a minute, at most; None for no limit.
        tokens_a_minute: Tokens sent in a minute, at most; None for no limit.
    """

    texts: int = 64
    tokens: int | None = None
    tokens_a_text: int | None = None
    at_once: int = 4
    requests_a_minute: int | None = None
    tokens_a_minute: int | None = None


class CountedVectors(list[Sequence[float]]):
    """Vectors, with the tokens that the provider counted for them.

    Attributes:
        used_tokens: What the provider counted, and bills.
    """

    used_tokens: int

    def __init__(self, vectors: Iterable[Sequence[float]], used_tokens: int) -> None:
        super().__init__(vectors)
        self.used_tokens = used_tokens


Options = TypeVar("Options", bound=EmbedderOptions)


class Embedder(Plugin[Options]):
    """Turns texts into vectors. Cheap to make, and connected to nothing until it is asked.

    Attributes:
        limits: What a request may hold. Options may decide it.
        counts_exactly: Whether `tokens` counts as the model does. Then a provider that counts fewer has cut
            a text without a word, of which the run warns.
    """

    options_type: ClassVar[type[EmbedderOptions]] = EmbedderOptions
    limits: EmbedderLimits = EmbedderLimits()
    counts_exactly: bool = False

    @property
    @abstractmethod
    def model(self) -> EmbeddingModel:
        """What makes the vectors; the same as long as the embedder is open. Asks nobody."""

    @abstractmethod
    def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """Return the vector of each text, in the order of the texts. Several threads may call it at once.

        An answer that says to which text a vector belongs is put in order by that, never by its place. Return
        `CountedVectors` where the answer says how many tokens it took; else `tokens` is asked.

        Args:
            texts: Never empty, each with something in it, within `limits`, the prefix before each.

        Raises:
            BadRecords: Names the texts that can't be embedded; the others are sent again.
            BatchTooLarge: Fewer texts might do.
            Exception: Any other; the classifiers decide what it means, with the phase ``embed``.
        """

    def embed_query(self, text: str) -> Sequence[float]:
        """Return the vector to search with; by default that of the text."""
        return self.embed([text])[0]

    def tokens(self, text: str) -> int:
        """Return how many tokens the text has for the model, about; by default a third of its bytes."""
        return len(text.encode("utf-8", "replace")) // 3 + 1

    @property
    def host(self) -> str:
        """Name where texts are sent, as ``plan`` says it; empty where they stay on this machine."""
        return ""

    def probe(self) -> None:
        """Check cheaply that it answers; raise if not. By default one word is embedded."""
        self.embed(["probe"])

    def close(self) -> None:
        """Release every resource. May be called more than once."""


AnyEmbedder = Embedder[Any]
"""Any embedder, whatever its options."""
