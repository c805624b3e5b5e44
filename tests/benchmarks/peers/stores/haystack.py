"""Haystack: DocumentSplitter and DocumentWriter, into PgvectorDocumentStore."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from haystack import Document
from haystack.components.writers import DocumentWriter
from haystack.document_stores.types import DuplicatePolicy
from haystack.utils import Secret
from haystack_integrations.document_stores.pgvector import PgvectorDocumentStore

from tests.benchmarks.peers.adapter import DIMENSIONS, EMBEDDING, documents, load
from tests.benchmarks.peers.texts.haystack import splitter


def main(dsn: str, folder: str, state: str) -> None:
    store = PgvectorDocumentStore(
        connection_string=Secret.from_token(dsn), table_name="chunks", embedding_dimension=DIMENSIONS
    )
    found = [Document(content=text, meta={"source": source}) for source, text in documents(Path(folder))]
    pieces = splitter().run(found)["documents"]
    embedded = [replace(piece, embedding=EMBEDDING) for piece in pieces]
    DocumentWriter(store, policy=DuplicatePolicy.SKIP).run(embedded)


if __name__ == "__main__":
    load(main)
