"""Two folders named alike in Postgres."""

from __future__ import annotations

import pytest

from tests.integration.postgres.examples import query
from tests.support.alike import AlikeChecks, Shown, shown_of


class TestAlike(AlikeChecks):
    @pytest.fixture
    def to(self, postgres_url: str) -> str:
        return postgres_url

    @pytest.fixture
    def shown(self, postgres_url: str) -> Shown:
        columns = "SELECT collection, source_file, chunk_text FROM knowledge_base"
        return lambda: shown_of([(one, key, text) for one, key, text in query(postgres_url, columns)])
