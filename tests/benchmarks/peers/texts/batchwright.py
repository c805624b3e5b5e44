"""Ours: the reader and the chunker, front matter, hashes, ids and all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from batchwright.documents import Chunker, MarkdownReader, discover
from batchwright.model import document_id
from tests.benchmarks.peers.adapter import LIMIT, Work, measure


def chunker() -> Work:
    reader, chunker = MarkdownReader(), Chunker(LIMIT)

    def work(folder: Path) -> Iterator[tuple[str, str, int | None]]:
        for found in discover(folder):
            document = reader.read(found.handle, folder)
            version = document_id(document.source_file, document.content_hash)
            for chunk in chunker.chunk(document, version):
                yield chunk.source_file, chunk.chunk_text, chunk.chunk_token_count

    return work


if __name__ == "__main__":
    measure({"chunker": chunker})
