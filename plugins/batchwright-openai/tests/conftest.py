"""A server of embeddings that follows a script, and embedders for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from batchwright_openai import OpenAIEmbedder, OpenAIOptions

from batchwright.testing import EmbeddingsServer


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and proxies are those of the test."""
    for name in ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def server() -> Iterator[EmbeddingsServer]:
    """A server."""
    with EmbeddingsServer() as server:
        yield server


Make = Callable[..., OpenAIEmbedder]


@pytest.fixture
def make(server: EmbeddingsServer) -> Iterator[Make]:
    """Makes embedders for the server, which are closed at the end."""
    made: list[OpenAIEmbedder] = []

    def make(**options: Any) -> OpenAIEmbedder:
        usual = {"base_url": server.url, "model": "tiny", "dimensions": 8}
        made.append(OpenAIEmbedder(OpenAIOptions(**{**usual, **options})))
        return made[-1]

    yield make
    for embedder in made:
        embedder.close()
