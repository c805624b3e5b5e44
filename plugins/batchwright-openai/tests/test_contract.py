"""The kit's contract of an embedder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from batchwright_openai import OpenAIEmbedder, OpenAIOptions

from batchwright.testing import SECRET, EmbedderContract, EmbeddingsServer, ServerFault

from .conftest import Make


class TestOpenAIEmbedder(EmbedderContract):
    @pytest.fixture
    def make_embedder(self, make: Make) -> Callable[[], OpenAIEmbedder]:
        return make

    @pytest.fixture
    def refused_text(self, server: EmbeddingsServer) -> str:
        server.set_faults(ServerFault(text="a word that is refused", status=422))
        return "this has a word that is refused in it"

    @pytest.fixture
    def cut_off(self, server: EmbeddingsServer) -> Callable[[], AbstractContextManager[object]]:
        @contextmanager
        def away() -> Iterator[None]:
            server.set_faults(ServerFault(text="", at=tuple(range(1, 1000)), reset=True))
            yield
            server.set_faults()

        return away

    @pytest.fixture
    def wrong_embedder(self) -> OpenAIEmbedder:
        options = {"base_url": "http://127.0.0.1:9/v1", "model": "tiny", "dimensions": 8, "api_key": SECRET}
        return OpenAIEmbedder(OpenAIOptions.model_validate(options))


class TestExactlyCounted(TestOpenAIEmbedder):
    """A model whose tokens are counted exactly."""

    @pytest.fixture
    def make_embedder(self, make: Make) -> Callable[[], OpenAIEmbedder]:
        return lambda: make(model="text-embedding-3-small", encoding_format="float")
