"""What chunks are worth: how many break the limit, what of the text they lost, which fences they broke.

Every chunk is looked up in its document with all white space left out, where the one before it ended or
behind that; of a chunk that isn't there as a whole, the longest pieces that are. Counted are

    over the limit   chunks of more than `limit` tokens
    lost             characters of the documents, white space and front matter aside, that no chunk covers
    altered          chunks that aren't, character for character, a part of their document
    fences cut       fenced code blocks that fit into the limit, but not as a whole into any one chunk
    fences altered   those that are whole in a chunk, but with other white space: their code is another one
    miscounted       chunks whose maker says another number of tokens than they have

Front matter may go into metadata, so nobody has to cover it.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from operator import ne
from pathlib import Path
from typing import Any, NamedTuple

import pyromark

from batchwright.documents import MarkdownReader, Tokenizer
from tests.benchmarks.peers.adapter import LIMIT, Piece, documents

SHORTEST = 4
"""Characters of an altered chunk that count as found: fewer are found anywhere."""


@dataclass(frozen=True)
class Verdict:
    """What was counted; `miscounted` is None if the maker says no counts."""

    chunks: int = 0
    over: int = 0
    characters: int = 0
    lost: int = 0
    altered: int = 0
    fences: int = 0
    fences_cut: int = 0
    fences_altered: int = 0
    miscounted: int | None = None

    def __add__(self, other: Verdict) -> Verdict:
        sums: dict[str, Any] = {}
        for name in (field.name for field in fields(self)):
            one, two = getattr(self, name), getattr(other, name)
            sums[name] = None if one is two is None else (one or 0) + (two or 0)
        return Verdict(**sums)


class Place(NamedTuple):
    """Where a chunk lies in its document without white space; in parts if it isn't there as a whole."""

    parts: Sequence[tuple[int, int]]

    def holds(self, start: int, end: int) -> bool:
        """Whether all of that lies within."""
        covered = start
        for first, last in self.parts:
            if first <= covered:
                covered = max(covered, last)
        return covered >= end


def judge(folder: Path, chunks: Path, limit: int = LIMIT) -> Verdict:
    """Judge the chunks that an adapter wrote for the documents of a folder."""
    made: dict[str, list[Piece]] = {source: [] for source, _ in documents(folder)}
    for line in chunks.read_text(encoding="utf-8").splitlines():
        source, text, tokens = json.loads(line)
        made[source].append((text, tokens))
    count, reader = Tokenizer().count, MarkdownReader()
    whole = Verdict()
    for source, text in documents(folder):
        body = len(reader.read(folder / source).front_matter)
        whole += verdict(text, body, made[source], limit, count)
    return whole


def verdict(
    text: str, body: int, chunks: Sequence[Piece], limit: int, count: Callable[[str], int]
) -> Verdict:
    """Judge the chunks of one text.

    Args:
        text: The document.
        body: Where its text begins, behind the front matter, in characters.
        chunks: What was made of it.
        limit: Tokens a chunk, at most.
        count: Counts tokens.
    """
    bare = _Bare(text)
    places = list(_places(bare.text, [content for content, _ in chunks]))
    covered = bytearray(len(bare.text))
    for place in places:
        for start, end in place.parts:
            covered[start:end] = b"\1" * (end - start)
    first = bare.position(body)
    counts = [count(content) for content, _ in chunks]
    told = [tokens for _, tokens in chunks if tokens is not None]  # all or none
    fences = [(start, end) for start, end in _fences(text) if count(text[start:end]) <= limit]
    whole = [_holder(bare, places, start, end) for start, end in fences]
    return Verdict(
        chunks=len(chunks),
        over=sum(found > limit for found in counts),
        characters=len(bare.text) - first,
        lost=covered.count(0, first),
        altered=sum(content not in text for content, _ in chunks),
        fences=len(fences),
        fences_cut=whole.count(None),
        fences_altered=sum(
            index is not None and text[start:end] not in chunks[index][0]
            for index, (start, end) in zip(whole, fences, strict=True)
        ),
        miscounted=sum(map(ne, told, counts)) if told else None,
    )


class _Bare:
    """A text without its white space."""

    def __init__(self, text: str) -> None:
        self.text = _squeezed(text)
        self._kept = [index for index, character in enumerate(text) if not character.isspace()]

    def position(self, index: int) -> int:
        """Return where a character of the full text is, or the next one that is left."""
        return bisect_left(self._kept, index)


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _places(text: str, chunks: Iterable[str]) -> Iterator[Place]:
    behind = 0
    for chunk in chunks:
        parts = []
        for start, end in _parts(text, _squeezed(chunk), behind):
            parts.append((start, end))
            behind = end
        yield Place(parts)


def _parts(text: str, wanted: str, behind: int) -> Iterator[tuple[int, int]]:
    """Yield where the chunk is: as a whole, or, where it was altered, the longest pieces that are there."""
    while wanted:
        start = text.find(wanted, behind)
        length = len(wanted)
        if start < 0:
            start = text.find(wanted)
        if start < 0:
            length = (
                bisect_left(range(len(wanted)), 1, key=lambda end: text.find(wanted[:end], behind) < 0) - 1
            )
            start = text.find(wanted[:length], behind)
        if length >= SHORTEST:
            yield start, start + length
            behind = start + length
        wanted = wanted[max(length, 1) :]


def _longest(text: str, wanted: str, behind: int) -> int:
    """Return the length of the longest beginning that is there; where one is, so are all shorter ones."""
    return bisect_left(range(len(wanted)), 1, key=lambda end: text.find(wanted[:end], behind) < 0) - 1


def _holder(bare: _Bare, places: Sequence[Place], start: int, end: int) -> int | None:
    """Return which chunk holds all of a fence."""
    first, last = bare.position(start), bare.position(end)
    return next((index for index, place in enumerate(places) if place.holds(first, last)), None)


def _fences(text: str) -> Iterator[tuple[int, int]]:
    """Yield where fenced code blocks begin and end, in characters, by the word of an independent parser."""
    data = text.encode()
    events: Iterable[tuple[Any, Any]] = pyromark.events_with_range(text)
    for event, where in events:
        started = event.get("Start") if isinstance(event, dict) else None
        if isinstance(started, dict) and started.get("CodeBlock", "Indented") != "Indented":
            yield len(data[: where["start"]].decode()), len(data[: where["end"]].decode().rstrip())
