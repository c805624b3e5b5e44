"""Workers give records their vectors, and share what the embedder allows."""

from __future__ import annotations

from pathlib import Path

from batchwright import BatchProcessor
from batchwright.contracts.events import EmbeddingStarted
from batchwright.engine.embedding.canary import CANARY
from batchwright.engine.embedding.texts import embedded_text, key_of
from batchwright.testing.embeddings_server import EmbeddingsServer, ServerSettings

from tests.cluster import Cluster
from tests.loading import Listener, config_of
from tests.support import http_embedder
from tests.support.tables import rows


def test_workers_embed_within_the_limits_and_no_text_twice(
    cluster: Cluster, tmp_path: Path, corpus: Path, url: str
) -> None:
    with EmbeddingsServer((), ServerSettings(dimensions=8, delay=0.01)) as server:
        config = config_of(
            corpus,
            url,
            cluster.address,
            embedder="http",
            embedders={"http": {"url": server.url, "dimensions": 8, "texts": 32, "at_once": 4}},
            plugins=(http_embedder.__file__,),
        )
        listener = Listener()
        result = BatchProcessor(config, reporters=[listener]).run()
        asked = server.requests
    result.account.check()
    vectors = result.account.vectors
    assert result.state == "done", result
    assert vectors is not None
    assert vectors.made + vectors.reused == result.account.records.written
    assert max(one.in_flight for one in asked) <= 4
    canaries = [one for one in asked if CANARY in one.texts]
    assert len(canaries) == 1
    assert len(listener.of(EmbeddingStarted)) == 1
    kept = {bytes.fromhex(str(row["key"])[2:]) for row in rows(url, "knowledge_base_vectors")}
    published = rows(url, "knowledge_base")
    assert len(published) == result.account.records.written
    for row in published:
        text = embedded_text(row["context_header"], row["chunk_text"], row["source_file"])
        assert key_of(text) in kept
