"""Vectors that are purged between their lookup and the publication of their document, on Postgres."""

from __future__ import annotations

import json
from typing import Any

import pytest

from batchwright import Target
from batchwright.contracts.vectors import packed
from batchwright.engine.delivery.deliverer import Deliverer
from batchwright.engine.delivery.parts import Ending, Part
from batchwright.engine.embedding.texts import embedded_text
from batchwright.testing.embeddings_server.vectors import vector_of
from tests.integration.postgres.examples import query
from tests.support.embedding import DIMENSIONS
from tests.support.loads import config_of, run
from tests.unit.embedding.conftest import Base, base

__all__ = ["base"]

_ROWS = (
    "SELECT k.context_header, k.chunk_text, k.source_file, v.vector::text FROM knowledge_base AS k "
    "JOIN knowledge_base_records AS r ON r._id = k.id "
    "LEFT JOIN knowledge_base_vectors AS v ON v.key = r._vector_key"
)


@pytest.mark.parametrize("paragraphs", [6, 60])
def test_they_are_made_again(
    base: Base, postgres_url: str, monkeypatch: pytest.MonkeyPatch, paragraphs: int
) -> None:
    base.write(3, paragraphs)
    base.script.delay = 0.01

    def load(collection: str) -> Any:
        settings = {"embedder": "scripted", "batch_size": 32, "collection": collection}
        return run(config_of(base.folder, postgres_url, **settings), [base.script.plugin()])

    load("old")
    deliver, batches = Deliverer.deliver, list[int]()

    def purge_first(self: Deliverer, part: Part, batch_index: int, *rest: Any) -> Ending:
        if not batches:
            with Target(postgres_url) as target:
                target.delete_collection("old", purge=True)
            assert query(postgres_url, "SELECT count(*) FROM knowledge_base_vectors") == [(0,)]
        batches.append(batch_index)
        return deliver(self, part, batch_index, *rest)

    monkeypatch.setattr(Deliverer, "deliver", purge_first)
    base.script.asked = []
    result = load("new")
    assert (result.state, result.exit_code) == ("done", 0), result
    vectors = result.account.vectors
    assert vectors is not None
    assert vectors.made + vectors.reused == result.account.records.written
    assert vectors.texts == sum(base.script.texts.values()) > 0
    assert max(base.script.texts.values()) == 1
    assert base.script.most <= base.script.limits.at_once
    rows = query(postgres_url, _ROWS)
    assert len(rows) == result.account.records.written
    for header, text, key, vector in rows:
        wanted = packed(vector_of(embedded_text(header, text, key), DIMENSIONS), DIMENSIONS)
        assert packed(json.loads(vector), DIMENSIONS) == wanted
