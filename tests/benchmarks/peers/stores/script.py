"""What one would write by hand: LangChain's chunks, upserted by psycopg, 1,000 a transaction."""

from __future__ import annotations

import uuid
from pathlib import Path

import psycopg
from psycopg.types.json import Jsonb

from tests.benchmarks.peers.adapter import documents, load
from tests.benchmarks.peers.texts.langchain import by_tiktoken, by_toktok, splitter

TABLE = """
    CREATE TABLE IF NOT EXISTS chunks (
        id uuid PRIMARY KEY,
        source text NOT NULL,
        position integer NOT NULL,
        text text NOT NULL,
        metadata jsonb NOT NULL
    )"""
UPSERT = """
    INSERT INTO chunks VALUES (%s, %s, %s, %s, %s) ON CONFLICT (id) DO UPDATE
    SET source = excluded.source,
        position = excluded.position,
        text = excluded.text,
        metadata = excluded.metadata"""
BATCH = 1_000


def main(dsn: str, folder: str, state: str, case: str) -> None:
    split = splitter({"tiktoken": by_tiktoken, "toktok": by_toktok}[case]())
    rows = [
        (
            uuid.uuid5(uuid.NAMESPACE_URL, f"{source}#{position}"),
            source,
            position,
            piece.page_content,
            Jsonb(piece.metadata),
        )
        for source, text in documents(Path(folder))
        for position, piece in enumerate(split(text))
    ]
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(TABLE)
        for start in range(0, len(rows), BATCH):
            with connection.transaction(), connection.cursor() as cursor:
                cursor.executemany(UPSERT, rows[start : start + BATCH])


if __name__ == "__main__":
    load(main)
