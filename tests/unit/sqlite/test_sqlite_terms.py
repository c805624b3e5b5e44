"""The table of queries on SQLite, and the index: its version, and making it anew."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest

from batchwright.builtin.sqlite import index
from batchwright.builtin.sqlite.store import SqliteStore
from batchwright.contracts.receipts import Publication, Receipt
from batchwright.errors import SinkError
from batchwright.model import Batch
from batchwright.sinkkit.search import candidates
from batchwright.sinkkit.search.normal import normal
from batchwright.sinkkit.search.version import VERSION
from tests.support.search_table import (
    TABLE,
    TEXTS,
    Asked,
    check,
    check_many,
    check_nonsense,
    load,
    load_many,
)
from tests.unit.sqlite.cases import check_index, document, publish, receipt, select, sink_at, store_at


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStore]:
    with store_at(tmp_path_factory.mktemp("table") / "kb.db") as store:
        load(store)
        yield store


@pytest.mark.parametrize("asked", TABLE, ids=lambda asked: asked.query[:30])
def test_queries_find_what_the_table_says(loaded: SqliteStore, asked: Asked) -> None:
    check(loaded, asked)


def test_as_many_hits_come_as_are_asked_for(tmp_path: Path) -> None:
    with store_at(tmp_path / "kb.db") as store:
        load_many(store)
        check_many(store)


def test_nonsense_is_answered(loaded: SqliteStore) -> None:
    check_nonsense(loaded)


def test_the_index_has_exactly_the_terms_of_the_texts(loaded: SqliteStore) -> None:
    path = loaded._file.path
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE VIRTUAL TABLE temp.found USING fts5vocab(main, knowledge_base_fts, instance)"
        )
        found = connection.execute("SELECT doc, term FROM temp.found WHERE col = 'body'").fetchall()
        rows = connection.execute("SELECT _seq, source_file FROM knowledge_base_records").fetchall()
    for number, key in rows:
        terms = sorted(term for of, term in found if of == number)
        assert terms == sorted(normal(TEXTS[key]).split()), key


def test_the_same_text_in_several_documents_is_one_hit_with_its_places(tmp_path: Path) -> None:
    with store_at(tmp_path / "kb.db") as store:
        for name in ("b.md", "a.md", "c.md"):
            publish(store, name, ["Licensed under the walrus licence."], line=3, page=2)
        publish(store, "d.md", ["The walrus swims."])
        hits = store.search("walrus licence")
    assert [hit.key for hit in hits] == ["a.md", "d.md"]
    assert [(place.key, place.line, place.page) for place in hits[0].places] == [
        ("b.md", 3, 2),
        ("c.md", 3, 2),
    ]
    assert (hits[0].line, hits[0].page, hits[1].places) == (3, 2, ())


def test_many_copies_of_a_text_do_not_hide_others(tmp_path: Path) -> None:
    with store_at(tmp_path / "kb.db") as store:
        for number in range(300):
            publish(store, f"{number:03}.md", ["walrus walrus walrus"])
        publish(store, "other.md", ["a walrus among other animals of the sea"])
        hits = store.search("walrus")
    assert {hit.key for hit in hits} == {"000.md", "other.md"}


def test_a_collection_is_searched_alone(tmp_path: Path) -> None:
    with store_at(tmp_path / "kb.db") as store:
        for name in ("one", "two"):
            version, chunks = document(f"{name}.md", ["walrus"], name)
            store.write(Batch(chunks, 0), Receipt(name, "run", name, publications=(Publication(version),)))
        assert [hit.key for hit in store.search("walrus", collection="two")] == ["two.md"]
        assert len(store.search("walrus")) == 1, "the same text is one hit"
        assert list(store.search("walrus", collection="three")) == []


# --- the version --------------------------------------------------------------------------------------


def of_another_version(path: Path, version: int) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "UPDATE knowledge_base_meta SET value = ? WHERE key = 'search_version'", (version,)
        )
        connection.commit()


def state(path: Path) -> dict[str, str]:
    return dict(select(path, "SELECT key, value FROM knowledge_base_meta WHERE key LIKE 'search%'"))


def test_an_index_of_an_older_version_is_not_used_and_reindex_makes_it_anew(tmp_path: Path) -> None:
    path = tmp_path / "kb.db"
    with store_at(path) as store:
        publish(store, "a.md", ["Café"])
    of_another_version(path, 0)
    with sink_at(path).open(create=False) as store:
        assert "batchwright reindex" in store.notes("x")[0]
        assert [hit.key for hit in store.search("CAFÉ")] == ["a.md"]
        assert list(store.search("cafe")) == []
        assert sum(store.reindex()) == 1
        assert [hit.key for hit in store.search("cafe")] == ["a.md"]
        assert list(store.notes("x")) == []
    check_index(path)


def test_a_run_goes_on_beside_an_index_of_an_older_version(tmp_path: Path) -> None:
    path = tmp_path / "kb.db"
    with store_at(path) as store:
        publish(store, "a.md", ["apple"])
    of_another_version(path, 0)
    with store_at(path) as store:
        publish(store, "b.md", ["Bañana"])
        publish(store, "a.md", ["apricot"], content="2")
        assert state(path) == {"search_version": str(VERSION), "search_indexed": "0"}
        assert "is not finished" in store.notes("x")[0]
        assert [hit.key for hit in store.search("bañana")] == ["b.md"]
        assert sum(store.reindex()) == 2
        assert [hit.key for hit in store.search("banana")] == ["b.md"]
        assert list(store.search("apple")) == []
    check_index(path)


def test_an_index_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "kb.db"
    with store_at(path) as store:
        publish(store, "a.md", ["apple"])
    of_another_version(path, VERSION + 1)
    with pytest.raises(SinkError, match="newer batchwright"):
        store_at(path)
    with sink_at(path).open(create=False) as store:
        assert "newer batchwright" in store.notes("x")[0]
        assert [hit.key for hit in store.search("apple")] == ["a.md"]


def test_reindexing_goes_on_where_it_broke_off_and_writers_may_come_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "_AT_ONCE", 3)
    path = tmp_path / "kb.db"
    with store_at(path) as store, store_at(path) as writer:
        for number in range(10):
            publish(store, f"{number}.md", [f"apple {number}"])
        assert list(islice(store.reindex(), 2)) == [3, 3]
        publish(writer, "0.md", ["banana 0"], content="2")  # it was indexed
        publish(writer, "9.md", ["banana 9"], content="2")  # it is not yet
        publish(writer, "new.md", ["banana new"])
        version, chunks = document("half.md", ["banana half"])
        writer.write(Batch(chunks, 0), receipt(begun=(version,)))
        rest = list(store.reindex())
        assert sum(rest) < 10, "it began anew"
        assert {hit.key for hit in store.search("banana")} == {"0.md", "9.md", "new.md"}
        assert len(store.search("apple", 50)) == 8
    check_index(path)


def test_reindexing_an_index_that_was_turned_off_needs_it_turned_on(tmp_path: Path) -> None:
    path = tmp_path / "kb.db"
    with store_at(path, full_text=False) as store:
        publish(store, "a.md", ["Café"])
        assert list(store.notes("x")) == []
        with pytest.raises(SinkError, match="full_text is off"):
            list(store.reindex())
    with sink_at(path).open(create=False) as store:
        assert sum(store.reindex()) == 1
        assert [hit.key for hit in store.search("cafe")] == ["a.md"]
    check_index(path)


# --- other programs -----------------------------------------------------------------------------------


def test_another_program_may_change_the_rows_and_the_index_follows(tmp_path: Path) -> None:
    path = tmp_path / "kb.db"
    with store_at(path) as store:
        publish(store, "a.md", ["apple", "cherry", "plum"])
        with closing(sqlite3.connect(path)) as other:
            for text in ("banana", "damson"):
                other.execute(
                    "UPDATE knowledge_base_records SET chunk_text = ? WHERE chunk_index = 0", (text,)
                )
            other.execute("DELETE FROM knowledge_base_records WHERE chunk_index = 2")
            other.commit()
        assert list(store.search('"plum"')) == []
        publish(store, "b.md", ["walrus"])  # gets the number of the record that went
        assert [hit.excerpt for hit in store.search("damson")] == ["damson"]
        assert (
            list(store.search("apple")) == list(store.search("banana")) == list(store.search('"plum"')) == []
        )
        assert [hit.key for hit in store.search("walrus")] == ["b.md"]
    check_index(path)


def test_words_that_are_not_looked_for_count_for_the_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "ENOUGH", 1)
    monkeypatch.setattr(candidates, "TEXTS", 3)
    with store_at(tmp_path / "kb.db") as store:
        publish(store, "a.md", [f"a walrus {number} with its own way" for number in range(20)])
        publish(store, "b.md", ["a walrus 20 with its own tea"])
        publish(store, "c.md", [f"tea number {number}" for number in range(30)])
        assert store.search("walrus tea")[0].key == "b.md"
