"""The kit's contract of an embedder."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from batchwright_model2vec import Model2VecEmbedder

from batchwright.testing import EmbedderContract

from .conftest import Make


class TestModel2VecEmbedder(EmbedderContract):
    @pytest.fixture
    def make_embedder(self, make: Make) -> Callable[[], Model2VecEmbedder]:
        return make

    @pytest.fixture
    def refused_text(self) -> str:
        return "\udfff"
