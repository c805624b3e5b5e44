"""A plugin: an embedder that asks a server over HTTP, with nothing but the standard library."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from batchwright import Embedder, EmbedderLimits, EmbedderOptions, EmbeddingModel, hookimpl
from batchwright.errors import PluginError


class HttpOptions(EmbedderOptions):
    """Where the server is, and whether each thread keeps its connection."""

    url: str
    model: str = "kept"
    dimensions: int = 8
    texts: int = 8
    at_once: int = 3
    keeps: bool = False


class Refused(Exception):
    """An answer that says no."""

    def __init__(self, status: int, retry_after: str | None) -> None:
        super().__init__(f"HTTP {status}")
        self.status_code = status
        self.retry_after = None if retry_after is None else float(retry_after)


class HttpEmbedder(Embedder[HttpOptions]):
    """Asks the server."""

    name = "http"
    options_type = HttpOptions

    def __init__(self, options: HttpOptions) -> None:
        super().__init__(options)
        self.limits = EmbedderLimits(texts=options.texts, at_once=options.at_once)
        self._own = threading.local()

    @property
    def model(self) -> EmbeddingModel:
        return EmbeddingModel(self.options.model, self.options.dimensions)

    def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        place = urlsplit(self.options.url)
        body = json.dumps({"model": self.options.model, "input": list(texts)}).encode()
        kept: http.client.HTTPConnection | None = self._own.__dict__.pop("kept", None)
        connection = kept or http.client.HTTPConnection(place.hostname or "", place.port, timeout=5)
        try:
            connection.request("POST", f"{place.path}/embeddings", body)
            answer = connection.getresponse()
            read = answer.read()
        except http.client.HTTPException as error:
            raise ConnectionError(repr(error)) from error
        finally:
            if self.options.keeps:
                self._own.kept = connection
            else:
                connection.close()
        if answer.status != 200:
            raise Refused(answer.status, answer.headers.get("Retry-After"))
        data = json.loads(read)["data"]
        vectors = {one["index"]: one["embedding"] for one in data}
        if sorted(vectors) != list(range(len(texts))):
            raise PluginError("the server answers other texts than it was asked about")
        return [vectors[place] for place in range(len(texts))]


@hookimpl
def register_embedders() -> Iterable[type[Embedder[HttpOptions]]]:
    """Offer it."""
    return [HttpEmbedder]
