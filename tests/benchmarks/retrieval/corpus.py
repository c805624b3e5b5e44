"""The documents that questions are asked of, and the passages that batchwright makes of them.

`corpus.jsonl` and `unspaced.jsonl` hold a document a line, written for this benchmark; nothing is copied from
elsewhere. A good half of the English ones was made from templates, ten of a kind, so that many documents
share most of their words.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from batchwright.documents import Chunker, MarkdownReader

HERE = Path(__file__).parent
MAX_TOKENS = 96
"""Tokens a passage: about a section of these documents."""

Place = tuple[str, int]
"""Where a passage stands: its document, and its position there."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk of a document.

    Attributes:
        key: The document.
        position: Its position there, from 0.
        headings: The headings above it, as in ``Install > Linux``; may be empty.
        text: The text.
    """

    key: str
    position: int
    headings: str
    text: str

    @property
    def place(self) -> Place:
        return self.key, self.position

    @property
    def embedded(self) -> str:
        """What an encoder is sent: the headings, without the file's name, then the text."""
        return f"{self.headings}\n{self.text}" if self.headings else self.text


@cache
def documents(name: str = "corpus") -> Mapping[str, str]:
    """Return the texts of the documents by their keys."""
    with (HERE / f"{name}.jsonl").open(encoding="utf-8") as lines:
        return {one["key"]: one["text"] for one in map(json.loads, lines)}


def write(folder: Path, texts: Mapping[str, str]) -> Path:
    """Write documents as files, and return the folder."""
    for key, text in texts.items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    return folder


@cache
def passages(name: str = "corpus") -> tuple[Passage, ...]:
    """Return the passages of all documents, as a run with `MAX_TOKENS` stores them."""
    reader, chunker = MarkdownReader(), Chunker(MAX_TOKENS)
    return tuple(
        Passage(key, chunk.chunk_index, _headings(chunk.context_header), chunk.chunk_text)
        for key, text in documents(name).items()
        for chunk in chunker.chunk(reader.parse(text.encode(), key), "")
    )


def in_order(places: Iterable[Place]) -> list[str]:
    """Return the documents of ranked passages, each at its best passage's rank."""
    return list(dict.fromkeys(key for key, _ in places))


def _headings(context_header: str) -> str:
    return context_header.partition(" > ")[2]
