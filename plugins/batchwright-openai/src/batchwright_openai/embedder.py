"""The embedder of servers with ``/v1/embeddings``."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar
from urllib.parse import urlsplit

from batchwright import BadRecords, CountedVectors, Embedder, EmbedderLimits, EmbeddingModel
from batchwright_openai.answers import parsed, placed, used_tokens
from batchwright_openai.client import Client, EncodingRefused
from batchwright_openai.models import MODELS
from batchwright_openai.options import OpenAIOptions
from batchwright_openai.refusals import WrongAnswer

logger = logging.getLogger("batchwright.openai")

Vectors = Sequence[Sequence[float]]


class OpenAIEmbedder(Embedder[OpenAIOptions]):
    """Vectors from OpenAI, Azure OpenAI, vLLM, TEI, Ollama, or whatever answers ``POST /v1/embeddings``."""

    name: ClassVar[str] = "openai"
    options_type = OpenAIOptions

    def __init__(self, options: OpenAIOptions) -> None:
        super().__init__(options)
        self.limits = EmbedderLimits(
            texts=options.texts,
            tokens=options.tokens,
            tokens_a_text=options.tokens_a_text,
            at_once=options.at_once,
            requests_a_minute=options.requests_a_minute,
            tokens_a_minute=options.tokens_a_minute,
        )
        self._known = MODELS.get(options.model)
        self.counts_exactly = self._known is not None
        self._dimensions = options.dimensions or (self._known.dimensions if self._known else 0)
        self._client = Client(options)
        self._format = options.encoding_format
        self._warned = False

    @property
    def model(self) -> EmbeddingModel:
        """The model by its name; `extra_body` is part of what it is."""
        extra = self.options.extra_body
        settings = (("extra_body", json.dumps(extra, sort_keys=True)),) if extra else ()
        return EmbeddingModel(
            self.options.model, self._dimensions, revision=self.options.revision, settings=settings
        )

    @property
    def host(self) -> str:
        """The base URL's host, with its port."""
        return urlsplit(self.options.base_url).netloc

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors, in one request."""
        return self._embed(texts, self.options.extra_body)

    def embed_query(self, text: str) -> Sequence[float]:
        """Return the vector to search with."""
        return self._embed([text], {**self.options.extra_body, **self.options.query_extra_body})[0]

    def tokens(self, text: str) -> int:
        """Return how many tokens the text has: exactly for OpenAI's models, for others about."""
        if self._known is None:
            return super().tokens(text)
        return _cl100k()(text)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _embed(self, texts: Sequence[str], extra: Mapping[str, Any]) -> Vectors:
        _check_unicode(texts)
        longest = 2**20 + len(texts) * (40 * self._dimensions + 200)
        body = {**extra, "model": self.options.model, "input": list(texts)}
        if self.options.user is not None:
            body["user"] = self.options.user
        if self._sends_dimensions:
            body["dimensions"] = self._dimensions
        said = parsed(self._post(body, len(texts), longest))
        vectors = placed(said.get("data"), len(texts), self._dimensions)
        used = used_tokens(said)
        if used is None:
            return vectors
        self._look_for_truncation(texts, used)
        return CountedVectors(vectors, used)

    def _post(self, body: dict[str, Any], texts: int, longest: int) -> bytes:
        """Ask for base64 until the server doesn't take it; then for numbers."""
        asked = self._format
        try:
            return self._client.post({**body, "encoding_format": asked}, texts, longest)
        except EncodingRefused:
            if asked == "float":
                raise WrongAnswer(f"{self.host} refuses encoding_format = float") from None
            self._format = "float"
        return self._post(body, texts, longest)

    @property
    def _sends_dimensions(self) -> bool:
        if self.options.send_dimensions is not None:
            return self.options.send_dimensions
        return self._known is not None and self._known.shortens and self._known.dimensions != self._dimensions

    def _look_for_truncation(self, texts: Sequence[str], used: int) -> None:
        """Warn, once, where the server counts fewer tokens than there are words: it cuts texts.

        Where tokens are counted exactly, the run itself compares.
        """
        if self._warned or self.counts_exactly:
            return
        words = sum(len(text.split()) for text in texts)
        if used < words:
            self._warned = True
            logger.warning(
                "%s counted %d tokens in %d words: it cuts long texts without a word; set tokens_a_text in "
                "[embedders.openai] to what the model takes",
                self.host,
                used,
                words,
            )


def _check_unicode(texts: Sequence[str]) -> None:
    """Refuse texts that have no UTF-8 form: servers refuse all texts of a request for one."""
    reasons = {}
    for position, text in enumerate(texts):
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            reasons[position] = f"character {error.start} is a lone surrogate, which no server takes"
    if reasons:
        raise BadRecords(reasons)


@cache
def _cl100k() -> Callable[[str], int]:
    """Return what counts tokens; its vocabulary is loaded when a text is counted."""
    from batchwright.documents import Tokenizer

    count = Tokenizer("cl100k_base").count
    return lambda text: count(text.encode("utf-8", "replace").decode())
