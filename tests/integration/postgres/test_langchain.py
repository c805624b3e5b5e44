"""LangChain's PGVectorStore reads the view of what was loaded, as it is."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from batchwright.testing.embedded import MODEL, embedded, numbers_of, put, vectors_of
from batchwright.testing.records import batch, receipt, sample
from tests.integration.postgres.examples import sink_at

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


def test_langchain_reads_the_view_and_filters_it(postgres_url: str) -> None:
    reason = "needs 60 packages more: pip install langchain-postgres"
    pg = pytest.importorskip("langchain_postgres", reason=reason)
    base = pytest.importorskip("langchain_core.embeddings", reason=reason)
    one = sample("a.md", ["about walruses", "about penguins"], source_category="animals")
    two = sample("b.md", ["about pears", "about plums"], source_category="fruit")
    begun = sample("c.md", ["about quinces", "about figs"], source_category="fruit")
    with sink_at(postgres_url).open() as store:
        vectors = vectors_of(store)
        put(vectors, [chunk.chunk_text for each in (one, two, begun) for chunk in each.chunks])
        published = (one.publication(), two.publication())
        chunks = [*one.chunks, *two.chunks]
        store.write(batch(chunks), receipt(4, publications=published, embedded=embedded(one, two)))
        store.write(batch(begun.chunks[:1]), receipt(1, begun=(begun.version,)))
        assert vectors.use(MODEL) == []

    class Kit(base.Embeddings):  # type: ignore[misc,name-defined]
        def embed_documents(self, texts: Sequence[str]) -> list[list[float]]:
            return [numbers_of(text) for text in texts]

        def embed_query(self, text: str) -> list[float]:
            return numbers_of(text)

    engine = pg.PGEngine.from_connection_string(
        url=postgres_url.replace("postgresql:", "postgresql+psycopg:")
    )
    try:
        found = pg.PGVectorStore.create_sync(
            engine=engine,
            table_name="knowledge_base_langchain",
            embedding_service=Kit(),
            metadata_columns=["collection", "source_file", "source_category", "context_header"],
        )
        hits = found.similarity_search_with_score("about pears", k=4)
        assert hits[0][0].page_content == "about pears"
        assert {hit.page_content for hit, _ in hits} == {chunk.chunk_text for chunk in chunks}
        assert hits[0][0].metadata["source_file"] == "b.md"
        assert hits[0][0].metadata["title"] == "b.md", "the front matter's fields are metadata, too"
        animals = found.similarity_search("about pears", k=4, filter={"source_category": "animals"})
        assert {hit.metadata["source_file"] for hit in animals} == {"a.md"}
        assert (
            len(found.similarity_search("about pears", k=4, filter={"source_file": {"$in": ["b.md"]}})) == 2
        )
    finally:
        engine._run_as_sync(engine.close())
