"""LangChain: index() with a record manager, into PGVector or PGVectorStore."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from langchain_classic.indexes import SQLRecordManager
from langchain_core.embeddings import Embeddings
from langchain_core.indexing import index
from langchain_postgres import Column, PGEngine, PGVector, PGVectorStore
from sqlalchemy.exc import ProgrammingError

from tests.benchmarks.peers.adapter import DIMENSIONS, EMBEDDING, documents, load
from tests.benchmarks.peers.texts.langchain import by_toktok, splitter

TABLE = "chunks"


class Same(Embeddings):  # type: ignore[misc]  # LangChain isn't in the environment that mypy runs in
    """Embeddings that are all the same."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [EMBEDDING] * len(texts)

    def embed_query(self, text: str) -> list[float]:
        return EMBEDDING


def pgvector(url: str) -> Any:
    return PGVector(Same(), connection=url, collection_name=TABLE, embedding_length=DIMENSIONS)


def pgvectorstore(url: str) -> Any:
    engine = PGEngine.from_connection_string(url)
    with suppress(ProgrammingError):  # made by an earlier run
        engine.init_vectorstore_table(TABLE, DIMENSIONS, id_column=Column("langchain_id", "TEXT"))
    return PGVectorStore.create_sync(engine, Same(), TABLE)


def chunks(folder: Path) -> Iterator[Any]:
    """Yield the chunks of all documents with their source and position."""
    split = splitter(by_toktok())
    for source, text in documents(folder):
        for position, piece in enumerate(split(text)):
            piece.metadata |= {"source": source, "position": position}
            yield piece


def main(dsn: str, folder: str, state: str, case: str) -> None:
    url = dsn.replace("postgresql://", "postgresql+psycopg://")
    store = {"pgvector": pgvector, "pgvectorstore": pgvectorstore}[case](url)
    manager = SQLRecordManager(TABLE, db_url=url)
    manager.create_schema()
    index(
        chunks(Path(folder)),
        manager,
        store,
        batch_size=1_000,
        cleanup="scoped_full",
        source_id_key="source",
        key_encoder="sha256",
    )


if __name__ == "__main__":
    load(main)
