"""Searching the published records: by the full-text index, and where that finds nothing, by looking."""

# ruff: noqa: S608 - what goes into a statement besides parameters is a name, quoted by `schema.quoted`

from __future__ import annotations

import heapq
import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from batchwright.builtin.sqlite.schema import is_indexed
from batchwright.contracts.sink import SearchHit
from batchwright.sinkkit.excerpts import excerpt, marks_of
from batchwright.sinkkit.searched import Searched
from batchwright.sinkkit.sqlite.schema import Names

_OPEN, _CLOSE = "\x02", "\x03"  # stand for « and », which a French text holds itself
_HEADER_WEIGHT = 2.0
_EXCERPT_WORDS = 24

Among = tuple[str, Sequence[Any]]
"""A condition on the row `c` of the records, and its values."""

ANY: Among = ("1", ())

# Scripts without spaces between words: Thai, Lao, Burmese, Khmer, kana, Han.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)


def search(
    connection: sqlite3.Connection,
    names: Names,
    searched: Searched,
    text: str,
    limit: int,
    collection: str | None,
    among: Among = ANY,
) -> list[SearchHit]:
    """Return at most `limit` published records that match, best first; nothing for a text without words.

    Asked in turn until something is found: all words; all as beginnings of words; some of them. Without
    an index, and for what it can't know (parts of words, emoji, languages without spaces between words), the
    texts themselves are looked through, ignoring case; in such a language finally for pairs of characters.
    """
    words = list(dict.fromkeys(text.encode("utf-8", "replace").decode("utf-8").replace("\0", " ").split()))
    if not words or limit < 1:
        return []
    for hits in _attempts(connection, names, searched, words, limit, collection, among):
        if hits:
            return hits
    return []


def _attempts(
    connection: sqlite3.Connection,
    names: Names,
    searched: Searched,
    words: Sequence[str],
    limit: int,
    collection: str | None,
    among: Among = ANY,
) -> Iterator[list[SearchHit]]:
    unspaced = any(map(_UNSPACED.search, words))
    phrases = ['"' + word.replace('"', '""') + '"' for word in words if any(map(str.isalnum, word))]
    indexed = phrases and is_indexed(connection, names)
    if indexed:
        for query in _queries(phrases, some=not unspaced and len(phrases) > 1):
            yield _match(connection, names, searched, query, limit, collection, among)
    yield _look(connection, names, searched, words, len(words), limit, collection, among)
    if unspaced or not indexed:
        pairs = dict.fromkeys(pair for word in words for pair in _pairs(word))
        yield _look(connection, names, searched, list(pairs), 1, limit, collection, among)


def _queries(phrases: Sequence[str], *, some: bool) -> Iterator[str]:
    """Yield what FTS5 is asked in turn: all words, all as beginnings of words, some of them."""
    yield " AND ".join(phrases)
    yield " AND ".join(f"{phrase}*" for phrase in phrases)
    if some:
        yield " OR ".join(phrases)


def _match(
    connection: sqlite3.Connection,
    names: Names,
    searched: Searched,
    query: str,
    limit: int,
    collection: str | None,
    among: Among = ANY,
) -> list[SearchHit]:
    # qualified, since a field may be called like the index
    fts, (key, heading, _) = f"{names.fts}.{names.fts_column}", searched.columns("c.")
    marks = f"?1, ?2, '…', {_EXCERPT_WORDS}"
    last = 0 if searched.heading is None else 1
    weights = "1.0" if searched.heading is None else f"{_HEADER_WEIGHT}, 1.0"
    found = connection.execute(
        f"SELECT c._id, d.collection, {key}, {heading}, "
        f"snippet({fts}, {last}, {marks}), snippet({fts}, 0, {marks}), "
        f"-bm25({fts}, {weights}) AS score "
        f"FROM {names.fts} JOIN {names.records} AS c ON c._seq = {names.fts}.rowid "
        f"JOIN {names.documents} AS d ON d.document_id = c._document_id "
        f"WHERE {fts} MATCH ?3 AND (?5 IS NULL OR d.collection = ?5) AND {among[0]} "
        f"ORDER BY score DESC, c._seq LIMIT ?4",
        (_OPEN, _CLOSE, query, limit, collection, *among[1]),
    )
    return [
        SearchHit(identity, own, str(of), header, _marked(text if _OPEN in text else title), score)
        for identity, own, of, header, text, title, score in found
    ]


def _look(
    connection: sqlite3.Connection,
    names: Names,
    searched: Searched,
    words: Sequence[str],
    needed: int,
    limit: int,
    collection: str | None,
    among: Among = ANY,
) -> list[SearchHit]:
    """Look through all texts for records with at least `needed` of the words; those with most rank first."""
    needles = [word.casefold() for word in words]
    marks = marks_of(words)
    columns = ", ".join([searched.id, searched.collection, *searched.columns()])

    def found() -> Iterator[tuple[float, int, SearchHit]]:
        rows = connection.execute(
            f"SELECT {columns} FROM {names.view} WHERE (?1 IS NULL OR {searched.collection} = ?1) "
            f"AND {searched.id} IN (SELECT c._id FROM {names.records} AS c WHERE {among[0]})",
            (collection, *among[1]),
        )
        for position, (identity, own, key, header, text) in enumerate(rows):
            hay = f"{header}\n{text}".casefold()
            counts = [hay.count(needle) for needle in needles]
            kinds = len(counts) - counts.count(0)
            if kinds >= needed:
                score = kinds + sum(counts) / (sum(counts) + 10)
                yield score, -position, SearchHit(identity, own, str(key), header, text, score)

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
