"""What the adapters have in common. It runs in the peers' environments: standard library and toktok only.

An adapter of `texts` is run as ``python -m tests.benchmarks.peers.texts.NAME CASE WARM FOLDER CHUNKS``:
it chunks the documents of one folder to warm up, then those of the other, prints what these cost, and
writes their chunks to a file for the judge. One of `stores` is run as
``python -m tests.benchmarks.peers.stores.NAME DSN FOLDER STATE [CASE]``; it loads the folder, and prints how
long that took without start and imports.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

LIMIT = 512
"""Tokens a chunk, at most."""

DIMENSIONS = 8
"""Of the embeddings that some stores insist on; they are all the same, and cost next to nothing."""

EMBEDDING = [0.5] * DIMENSIONS

Piece = tuple[str, int | None]
"""A chunk's text, and the tokens that its maker says it has, if it does."""

Work = Callable[[Path], Iterable[tuple[str, str, int | None]]]
"""Reads and chunks a folder: document, text, tokens."""


def documents(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each document, in the order of their names."""
    for path in sorted(folder.rglob("*.md")):
        yield path.relative_to(folder).as_posix(), path.read_text(encoding="utf-8")


def each(split: Callable[[str], Iterable[Piece]]) -> Work:
    """Make what chunks a folder of what chunks a text."""

    def work(folder: Path) -> Iterator[tuple[str, str, int | None]]:
        for source, text in documents(folder):
            for content, tokens in split(text):
                yield source, content, tokens

    return work


def untold(texts: Iterable[str]) -> Iterator[Piece]:
    """Yield texts as the pieces of someone who counts no tokens."""
    return ((text, None) for text in texts)


def toktok() -> Any:
    """Return the encoding that batchwright counts with."""
    import toktok

    return toktok._encoding("cl100k_base")


def tiktoken() -> Any:
    """Return the same encoding as most peers bring it; its vocabulary has to be in TIKTOKEN_CACHE_DIR."""
    import tiktoken

    return tiktoken.get_encoding("cl100k_base")


def measure(cases: Mapping[str, Callable[[], Work]]) -> None:
    """Run the case that the command line asks for.

    Before the clock starts, everything is imported and loaded and has worked for a while, but on other
    documents: tokenizers remember words, and nobody chunks the same text twice in a row.
    """
    case, warm, folder, chunks = sys.argv[1], *map(Path, sys.argv[2:5])
    work = cases[case]()
    list(work(warm))
    wall, cpu = time.perf_counter(), time.process_time()
    found = list(work(folder))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    with chunks.open("w", encoding="utf-8") as file:
        for piece in found:
            file.write(json.dumps(piece) + "\n")
    print(json.dumps({"wall": wall, "cpu": cpu, "rows": len(found)}))


def load(work: Callable[..., None]) -> None:
    """Load what the command line says."""
    began = time.perf_counter()
    work(*sys.argv[1:])
    print(json.dumps({"work": time.perf_counter() - began}))
