"""Searching the published chunks: by the full-text index, and where that finds nothing, by looking."""

# ruff: noqa: S608 - what goes into a statement besides parameters is a name, quoted by `schema.quoted`

from __future__ import annotations

import heapq
import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace

from batchwright.builtin.sqlite.schema import is_indexed
from batchwright.contracts.sink import SearchHit
from batchwright.sinkkit.excerpts import excerpt, marks_of
from batchwright.sinkkit.sqlite.schema import Names

_OPEN, _CLOSE = "\x02", "\x03"  # stand for « and », which a French text holds itself
_HEADER_WEIGHT = 2.0
_EXCERPT_WORDS = 24
_OWN = "(?5 IS NULL OR d.collection = ?5)"

# Scripts without spaces between words: Thai, Lao, Burmese, Khmer, kana, Han.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)


def search(
    connection: sqlite3.Connection, names: Names, text: str, limit: int, collection: str | None
) -> list[SearchHit]:
    """Return at most `limit` published chunks that match, best first; nothing for a text without words.

    Asked in turn until something is found: all words; all as beginnings of words; some of them. Without
    an index, and for what it can't know (parts of words, emoji, languages without spaces between words), the
    texts themselves are looked through, ignoring case; in such a language finally for pairs of characters.
    """
    words = list(dict.fromkeys(text.encode("utf-8", "replace").decode("utf-8").replace("\0", " ").split()))
    if not words or limit < 1:
        return []
    for hits in _attempts(connection, names, words, limit, collection):
        if hits:
            return hits
    return []


def _attempts(
    connection: sqlite3.Connection, names: Names, words: Sequence[str], limit: int, collection: str | None
) -> Iterator[list[SearchHit]]:
    unspaced = any(map(_UNSPACED.search, words))
    phrases = ['"' + word.replace('"', '""') + '"' for word in words if any(map(str.isalnum, word))]
    indexed = phrases and is_indexed(connection, names)
    if indexed:
        yield _match(connection, names, " AND ".join(phrases), limit, collection)
        yield _match(connection, names, " AND ".join(f"{phrase}*" for phrase in phrases), limit, collection)
        if not unspaced and len(phrases) > 1:
            yield _match(connection, names, " OR ".join(phrases), limit, collection)
    yield _look(connection, names, words, len(words), limit, collection)
    if unspaced or not indexed:
        pairs = dict.fromkeys(pair for word in words for pair in _pairs(word))
        yield _look(connection, names, list(pairs), 1, limit, collection)


def _match(
    connection: sqlite3.Connection, names: Names, query: str, limit: int, collection: str | None
) -> list[SearchHit]:
    fts = names.fts
    found = connection.execute(
        f"SELECT c.id, d.collection, c.source_file, c.context_header, "
        f"snippet({fts}, 1, ?1, ?2, '…', {_EXCERPT_WORDS}), "
        f"snippet({fts}, 0, ?1, ?2, '…', {_EXCERPT_WORDS}), "
        f"-bm25({fts}, {_HEADER_WEIGHT}, 1.0) AS score "
        f"FROM {fts} JOIN {names.chunks} AS c ON c.seq = {fts}.rowid "
        f"JOIN {names.documents} AS d ON d.document_id = c.document_id "
        f"WHERE {fts} MATCH ?3 AND {_OWN} "
        f"ORDER BY score DESC, c.seq LIMIT ?4",
        (_OPEN, _CLOSE, query, limit, collection),
    )
    return [
        SearchHit(chunk, own, key, header, _marked(text if _OPEN in text else title), score)
        for chunk, own, key, header, text, title, score in found
    ]


def _look(
    connection: sqlite3.Connection,
    names: Names,
    words: Sequence[str],
    needed: int,
    limit: int,
    collection: str | None,
) -> list[SearchHit]:
    """Look through all texts for chunks with at least `needed` of the words; those with most rank first."""
    needles = [word.casefold() for word in words]
    marks = marks_of(words)

    def found() -> Iterator[tuple[float, int, SearchHit]]:
        rows = connection.execute(
            f"SELECT id, collection, source_file, context_header, chunk_text FROM {names.view} AS d "
            f"WHERE {_OWN}",
            (*[None] * 4, collection),
        )
        for position, (chunk, own, key, header, text) in enumerate(rows):
            hay = f"{header}\n{text}".casefold()
            counts = [hay.count(needle) for needle in needles]
            kinds = len(counts) - counts.count(0)
            if kinds >= needed:
                score = kinds + sum(counts) / (sum(counts) + 10)
                yield score, -position, SearchHit(chunk, own, key, header, text, score)

    best = heapq.nlargest(limit, found(), key=lambda entry: entry[:2])
    return [replace(hit, excerpt=excerpt(hit.context_header, hit.excerpt, marks)) for _, _, hit in best]


def _pairs(word: str) -> list[str]:
    return (
        [word[i : i + 2] for i in range(len(word) - 1)]
        if len(word) > 2 and _UNSPACED.search(word)
        else [word]
    )


def _marked(excerpt: str) -> str:
    return excerpt.replace(_OPEN, "«").replace(_CLOSE, "»")
