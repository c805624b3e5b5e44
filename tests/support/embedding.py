"""An embedder that does as it is told, in this process: what it returns, raises, and was asked."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace

from batchwright import Embedder, EmbedderLimits, EmbedderOptions, EmbeddingModel, hookimpl
from batchwright.engine.embedding.canary import CANARY
from batchwright.testing.embeddings_server.vectors import vector_of

DIMENSIONS = 8


class Status(Exception):
    """An answer with this status."""

    def __init__(self, status: int, retry_after: float | None = None) -> None:
        super().__init__(f"HTTP {status}")
        self.status_code = status
        self.retry_after = retry_after


@dataclass
class Scripted:
    """What the embedder does, and what it was asked.

    Attributes:
        model: What it says that it is.
        limits: Its limits.
        salt: Changes all vectors.
        delay: Seconds a request takes.
        act: Called with the texts of each request, but for the canary's, and how many came before; what it
            returns is the answer, None for the right one.
        asked: The texts of each request, but for the canary's and probes.
        canaries: Requests for the canary.
        probes: Probes.
        most: Requests at the same time, at most.
        spans: When each request began and ended.
    """

    model: EmbeddingModel = field(default_factory=lambda: EmbeddingModel("scripted", DIMENSIONS))
    limits: EmbedderLimits = field(default_factory=lambda: EmbedderLimits(texts=8, at_once=2))
    salt: str = ""
    delay: float = 0.0
    act: Callable[[list[str], int], Sequence[Sequence[float]] | None] = lambda texts, before: None
    probe: Callable[[], None] = lambda: None
    canary: Callable[[], None] = lambda: None
    tokens: Callable[[str], int] = lambda text: len(text.split())
    asked: list[list[str]] = field(default_factory=list)
    canaries: int = 0
    probes: int = 0
    most: int = 0
    spans: list[tuple[float, float]] = field(default_factory=list)
    _under_way: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def texts(self) -> Counter[str]:
        """How often each text was asked for."""
        return Counter(text for texts in self.asked for text in texts)

    def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        with self._lock:
            is_canary = texts[0].endswith(CANARY)
            before = len(self.asked)
            self.canaries += is_canary
            if not is_canary:
                self.asked.append(list(texts))
            self._under_way += 1
            self.most = max(self.most, self._under_way)
            began = time.monotonic()
        try:
            time.sleep(self.delay)
            if is_canary:
                self.canary()
            answer = None if is_canary else self.act(list(texts), before)
        finally:
            with self._lock:
                self._under_way -= 1
                self.spans.append((began, time.monotonic()))
        return answer if answer is not None else self.vectors(texts)

    def vectors(self, texts: Sequence[str]) -> list[list[float]]:
        """The right answer."""
        return [vector_of(text, self.model.dimensions, self.salt) for text in texts]

    def plugin(self) -> object:
        """Return a plugin that offers the embedder, as ``scripted``."""
        script = self

        class ScriptedEmbedder(Embedder[EmbedderOptions]):
            name = "scripted"
            limits = script.limits

            @property
            def model(self) -> EmbeddingModel:
                return script.model

            def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
                return script.embed(texts)

            def tokens(self, text: str) -> int:
                return script.tokens(text)

            def probe(self) -> None:
                script.probes += 1
                script.probe()

        @hookimpl
        def register_embedders() -> list[type[Embedder[EmbedderOptions]]]:
            return [ScriptedEmbedder]

        return SimpleNamespace(name="scripted", register_embedders=register_embedders)
