"""Vectors in SQLite: what only SQLite has. What all sinks promise is in the kit."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batchwright import SinkError
from batchwright.builtin.sqlite import SqliteOptions, SqliteSink
from batchwright.builtin.sqlite.nearest import numpy
from batchwright.builtin.sqlite.store import SqliteStore
from batchwright.contracts.fields import Field
from batchwright.contracts.records import RecordType
from batchwright.contracts.rows import Row
from batchwright.model import record_id
from batchwright.testing.embedded import MODEL, embedded, key_of, put, searched, vector_of, vectors_of
from batchwright.testing.records import batch, receipt, sample

_ONE = sample("a.md", ["one", "two", "three"])
_NEVER_YET = "2999-01-01T00:00:00+00:00"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kb.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    with _sink(path).open() as store:
        yield store


def _sink(path: Path, **options: Any) -> SqliteSink:
    return SqliteSink(SqliteOptions.model_validate({"url": f"sqlite:///{path}", **options}))


def _load(store: SqliteStore) -> None:
    vectors = vectors_of(store)
    put(vectors, ["one", "two", "three"])
    store.write(batch(_ONE.chunks), receipt(3, publications=(_ONE.publication(),), embedded=embedded(_ONE)))
    assert vectors.use(MODEL) == []


def test_who_embeds_nothing_has_no_table_of_vectors(store: SqliteStore, path: Path) -> None:
    store.write(batch(_ONE.chunks), receipt(3, publications=(_ONE.publication(),)))
    store.write(batch([]), receipt(deleted=(("a.md", _ONE.id),), purge=True))
    assert store.vectors is not None
    assert (store.vectors.models(), store.vectors.orphans(), store.vectors.sweep(_NEVER_YET)) == ([], 0, 0)
    assert store.vectors.missing(MODEL, [key_of("one")]) == {key_of("one")}
    with _sink(path).open() as other, other._file.reading() as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master")]
    assert not [name for name in tables if "vectors" in name]


def test_without_numpy_a_search_says_how_to_get_it(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    _load(store)
    monkeypatch.setitem(sys.modules, "numpy", None)
    numpy.cache_clear()
    try:
        with pytest.raises(SinkError, match=r"pip install 'batchwright\[vectors\]'"):
            searched(store, vector_of("one"))
        assert searched(store, None, text="one", mode="text"), "words need none"
    finally:
        numpy.cache_clear()


def test_a_file_that_can_only_be_read_is_searched(store: SqliteStore, path: Path) -> None:
    _load(store)
    put(vectors_of(store), ["nobody's"])
    vectors_of(store).sweep(_NEVER_YET)
    store.close()
    path.chmod(0o444)
    path.parent.chmod(0o555)
    try:
        with _sink(path).open(create=False) as reader:
            assert [hit.excerpt for hit in searched(reader, vector_of("two"), 1)] == ["two"]
            assert reader.vectors is not None
            assert reader.vectors.missing(MODEL, [key_of("nobody's"), key_of("x")]) == {key_of("x")}
            assert reader.vectors.counts(MODEL).embedded == 3
    finally:
        path.parent.chmod(0o755)


def test_numbers_too_large_to_square_and_vectors_without_length_are_compared(store: SqliteStore) -> None:
    from batchwright.contracts.vectors import packed

    vectors = vectors_of(store)
    rows = {"one": 1e30, "two": 1e-30, "three": 0.0}
    vectors.put(MODEL, {key_of(text): packed([0.5 * n, n] + [0.0] * 14, 16) for text, n in rows.items()})
    store.write(batch(_ONE.chunks), receipt(3, publications=(_ONE.publication(),), embedded=embedded(_ONE)))
    vectors.use(MODEL)
    hits = searched(store, packed([0.5, 1.0] + [0.0] * 14, 16))
    assert [round(hit.score, 3) for hit in hits] == [1.0, 1.0, 0.0]
    assert hits[2].excerpt == "three"


def test_any_record_type_with_a_text_has_vectors(tmp_path: Path) -> None:
    fields = (Field("na{m}e", "text"), Field("te{x}t", "text"), Field("price", "decimal", nullable=True))
    kind = RecordType("odd", fields, key="na{m}e", text="te{x}t")
    with _sink(tmp_path / "odd.db", table='o"d{d}').open(kind) as store:
        vectors = vectors_of(store)
        put(vectors, ["one", "two"])
        one = sample("a", ["one"]), sample("b", ["two"])
        rows = [
            Row(record_id(each.id, 0), (name, text, None), 10)
            for each, name, text in zip(one, "ab", ("one", "two"), strict=True)
        ]
        published = tuple(each.publication() for each in one)
        store.write(batch(rows), receipt(2, publications=published, embedded=embedded(*one)))
        assert [row.text for row in vectors.lacking(MODEL, "kit")] == []
        assert vectors.use(MODEL) == []
        assert [hit.key for hit in searched(store, vector_of("two"), 1)] == ["b"]
        assert [hit.key for hit in searched(store, vector_of("two"), where={"na{m}e": "a"})] == ["a"]
        assert searched(store, vector_of("two"), where={"price": "1.50"}) == []


def test_records_without_a_text_have_none(tmp_path: Path) -> None:
    kind = RecordType("plain", (Field("name", "text"),), key="name")
    with _sink(tmp_path / "plain.db").open(kind) as store:
        assert store.vectors is None
        store.write(batch([]), receipt(purge=True, deleted=(("a", _ONE.id),)))
