"""Everybody who loads a directory into Postgres: how they are run, and where their rows are."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from batchwright.builtin.postgres import PostgresOptions, PostgresSink
from tests.benchmarks.bare import SCHEMA
from tests.benchmarks.peers import environments
from tests.benchmarks.peers.environments import Environment

OURS = "batchwright"
BARE = "bare chunker + one binary COPY"


@dataclass(frozen=True)
class Loader:
    """Someone who loads a directory.

    Attributes:
        name: What the table calls it.
        table: Where its rows are.
        content: What is equal in two equal rows: source and text, as SQL.
        adapter: Its module in `stores`, with arguments; empty for ours.
        environment: Where that is installed; None for ours.
        full_text: Whether ours keeps a full-text index.
    """

    name: str
    table: LiteralString
    content: LiteralString
    adapter: tuple[str, ...] = ()
    environment: Environment | None = None
    full_text: bool = False

    def command(self, dsn: str, folder: Path, state: Path) -> list[str]:
        """Return the command that loads a folder; `state` is its to keep from one run to the next."""
        if self.environment is not None:
            module = f"tests.benchmarks.peers.stores.{self.adapter[0]}"
            return [self.environment.python, "-m", module, dsn, str(folder), str(state), *self.adapter[1:]]
        if self.name == BARE:
            return [sys.executable, "-m", "tests.benchmarks.bare", dsn, str(folder)]
        target = f"{dsn}?schema={SCHEMA}&full_text={str(self.full_text).lower()}"
        return [sys.executable, "-m", "batchwright", "run", str(folder), "--quiet", "--json", "--to", target]

    def prepare(self, dsn: str) -> None:
        """Make what has to be there before the first run."""
        with psycopg.connect(dsn, autocommit=True) as connection:
            if self.environment is not None:
                connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
                return
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}".encode())
        if self.name == BARE:
            options = {"url": dsn, "schema": SCHEMA, "full_text": False}
            PostgresSink(PostgresOptions.model_validate(options)).open().close()

    def prepare_again(self, dsn: str) -> None:
        """Make what has to be done before each further run."""
        if self.name == BARE:
            with psycopg.connect(dsn, autocommit=True) as connection:
                connection.execute(f"TRUNCATE {self.table}".encode())

    def seconds(self, said: str) -> float | None:
        """Return how long it worked, start and imports aside, by its own word, if it says so."""
        if self.name == BARE:
            return None
        found = json.loads(said.splitlines()[-1] if self.environment else said)
        return float(found["work"] if self.environment else found["account"]["seconds"])


@dataclass(frozen=True)
class Rows:
    """What a loader's table holds.

    Attributes:
        versions: Place and transaction of each row: a row that is written again changes both or one.
        contents: Source and text of each row, with how often they are there.
    """

    versions: frozenset[tuple[str, str]] = frozenset()
    contents: Counter[tuple[str, str]] = field(default_factory=Counter)

    @classmethod
    def of(cls, connection: psycopg.Connection[Any], loader: Loader) -> Rows:
        """Return what is there now."""
        query = f"SELECT ctid::text, xmin::text, {loader.content} FROM {loader.table}"
        found = connection.execute(query.encode()).fetchall()
        return cls(
            frozenset((place, transaction) for place, transaction, _, _ in found),
            Counter((source, text) for _, _, source, text in found),
        )


_CHUNKS: LiteralString = f"{SCHEMA}.knowledge_base_records"

LOADERS = (
    Loader(OURS, _CHUNKS, "source_file, chunk_text"),
    Loader(f"{OURS}, with its full-text index", _CHUNKS, "source_file, chunk_text", full_text=True),
    Loader(BARE, _CHUNKS, "source_file, chunk_text"),
    Loader(
        "psycopg script, LangChain's chunks, 1,000-row upserts",
        "chunks",
        "source, text",
        ("script", "toktok"),
        environments.LANGCHAIN,
    ),
    Loader(
        "the same script, tokens counted by tiktoken",
        "chunks",
        "source, text",
        ("script", "tiktoken"),
        environments.LANGCHAIN,
    ),
    Loader(
        "Haystack DocumentWriter, PgvectorDocumentStore",
        "chunks",
        "meta->>'source', content",
        ("haystack",),
        environments.HAYSTACK,
    ),
    Loader(
        "LangChain index(), PGVector",
        "langchain_pg_embedding",
        "cmetadata->>'source', document",
        ("langchain", "pgvector"),
        environments.LANGCHAIN,
    ),
    Loader(
        "LlamaIndex IngestionPipeline, PGVectorStore",
        "data_chunks",
        "metadata_->>'source', text",
        ("llama_index",),
        environments.LLAMA_INDEX,
    ),
    Loader("dlt filesystem, merge", "kb.chunks", "source, text", ("dlt",), environments.DLT),
    Loader(
        "LangChain index(), PGVectorStore",
        "chunks",
        "langchain_metadata->>'source', content",
        ("langchain", "pgvectorstore"),
        environments.LANGCHAIN,
    ),
)
