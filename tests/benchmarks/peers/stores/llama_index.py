"""LlamaIndex: an IngestionPipeline with a docstore, into PGVectorStore."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from llama_index.core import Document
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.ingestion import DocstoreStrategy, IngestionPipeline
from llama_index.storage.docstore.postgres import PostgresDocumentStore
from llama_index.storage.kvstore.postgres import PostgresKVStore
from llama_index.vector_stores.postgres import PGVectorStore

from tests.benchmarks.peers.adapter import DIMENSIONS, documents, load, toktok
from tests.benchmarks.peers.texts.llama_index import transformations


def main(dsn: str, folder: str, state: str) -> None:
    url = urlsplit(dsn)
    store = PGVectorStore.from_params(
        host=url.hostname,
        port=str(url.port),
        database=url.path.lstrip("/"),
        user=url.username,
        password=url.password,
        table_name="chunks",
        embed_dim=DIMENSIONS,
        use_jsonb=True,
    )
    # PostgresDocumentStore.from_uri() passes on an argument that the released PostgresKVStore doesn't know.
    known = PostgresDocumentStore(PostgresKVStore.from_uri(dsn, use_jsonb=True))
    pipeline = IngestionPipeline(
        transformations=[*transformations(toktok().encode_ordinary), MockEmbedding(DIMENSIONS)],
        docstore=known,
        vector_store=store,
        docstore_strategy=DocstoreStrategy.UPSERTS,
    )
    found = documents(Path(folder))
    pipeline.run(
        documents=[Document(text=text, id_=source, metadata={"source": source}) for source, text in found]
    )


if __name__ == "__main__":
    load(main)
