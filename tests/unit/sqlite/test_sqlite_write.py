from __future__ import annotations

import pickle
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path
from types import MappingProxyType

import pytest

from batchwright.builtin.sqlite import SqliteSink
from batchwright.contracts.receipts import Publication
from batchwright.errors import BadRecords, IncompleteDocument, SinkError
from batchwright.model import Batch, ProcessedChunk
from tests.support.marks import marked
from tests.unit.sqlite.cases import (
    check_index,
    document,
    publish,
    published,
    receipt,
    reject,
    rows_of,
    select,
    sink_at,
    store_at,
)


def test_the_view_has_the_fields_in_order_behind_id_and_span(tmp_path: Path) -> None:
    file = tmp_path / "kb.db"
    version, (chunk,) = document(
        "a.md",
        ["Grüße"],
        source_category="guide",
        chunk_token_count=7,
        metadata={"tags": ["é"]},
        span_start=3,
        span_end=10,
        line=4,
        page=2,
    )
    with store_at(file) as store:
        store.write(Batch([chunk], 0), receipt(publications=(Publication(version),)))
    with closing(sqlite3.connect(file)) as connection:
        cursor = connection.execute("SELECT * FROM knowledge_base")
        row = dict(zip((column[0] for column in cursor.description), cursor.fetchone(), strict=True))
    assert list(row.items()) == [
        ("id", chunk.id),
        ("collection", "docs"),
        ("span_start", 3),
        ("span_end", 10),
        ("chunk_text", "Grüße"),
        ("chunk_hash", chunk.chunk_hash),
        ("context_header", "a.md > Part 0"),
        ("source_file", "a.md"),
        ("source_category", "guide"),
        ("document_date", "2026-01-31"),
        ("chunk_index", 0),
        ("total_chunks", 1),
        ("chunk_token_count", 7),
        ("metadata", '{"tags": ["é"]}'),
        ("line", 4),
        ("page", 2),
    ]


@pytest.mark.parametrize("full_text", [True, False])
def test_a_batch_written_twice_is_stored_once(tmp_path: Path, full_text: bool) -> None:
    file = tmp_path / "kb.db"
    version, chunks = document("a.md", ["one", "two"])
    first = receipt(publications=(Publication(version),), rejects=(reject(),))
    with store_at(file, full_text=full_text) as store:
        for again in (first, first, receipt(publications=(Publication(version),))):
            store.write(Batch(chunks, 0), again)
    assert published(file) == ["one", "two"]
    assert select(file, "SELECT count(*) FROM knowledge_base_records") == [(2,)]
    if full_text:
        check_index(file)


def test_a_batch_that_is_committed_is_not_applied_over_what_came_after_it(tmp_path: Path) -> None:
    file = tmp_path / "kb.db"
    old, old_chunks = document("a.md", ["old"])
    first = receipt(publications=(Publication(old),))
    with store_at(file) as store:
        store.write(Batch(old_chunks, 0), first)
        publish(store, "a.md", ["new"], content="v2")
        store.write(Batch(old_chunks, 0), first)
        assert rows_of(store, old.document_id) == 0
    assert published(file) == ["new"]


def test_a_row_changes_where_any_field_differs_and_the_index_follows(tmp_path: Path) -> None:
    file = tmp_path / "kb.db"
    with store_at(file) as store:
        publish(store, "a.md", ["apple", "stays"])
        publish(store, "a.md", ["banana", "stays"], metadata={"title": "other"})
        assert [marked(hit) for hit in store.search("banana")] == ["«banana»"]
        assert store.search("apple") == []
    assert published(file) == ["banana", "stays"]
    assert select(file, "SELECT DISTINCT metadata FROM knowledge_base") == [('{"title": "other"}',)]
    check_index(file)


def test_rows_that_are_there_as_they_are_are_not_written_again(tmp_path: Path) -> None:
    file = tmp_path / "kb.db"
    version, chunks = document("a.md", ["x" * 10_000] * 50)
    with store_at(file) as store:
        store.write(Batch(chunks, 0), receipt(publications=(Publication(version),)))
        with closing(sqlite3.connect(file)) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        store.write(Batch(chunks, 0), receipt(publications=(Publication(version),)))
        assert file.with_name("kb.db-wal").stat().st_size < 200_000


def test_the_old_version_is_read_until_the_last_batch_of_the_new_one_commits(tmp_path: Path) -> None:
    file = tmp_path / "kb.db"
    with store_at(file) as store:
        old = publish(store, "a.md", ["old one", "old two"])
        new, chunks = document("a.md", ["new one", "new two", "new three"], content="v2")
        store.write(Batch(chunks[:2], 0), receipt(begun=(new,)))
        assert published(file) == ["old one", "old two"]
        assert store.search("new") == []
        assert store.ledger.pending("docs") == [new]
        last = Publication(new)
        store.write(Batch(chunks[2:], 1), receipt(publications=(last,)))
        assert published(file) == ["new one", "new two", "new three"]
        assert (rows_of(store, old.document_id), rows_of(store, new.document_id)) == (0, 3)
        assert store.search("old") == []
        assert store.ledger.pending("docs") == []
    assert select(file, "SELECT count(*) FROM knowledge_base_records") == [(3,)]
    check_index(file)


def test_an_incomplete_document_is_not_published_and_nothing_of_the_batch_stays(tmp_path: Path) -> None:
    file = tmp_path / "kb.db"
    version, chunks = document("a.md", ["one", "two", "three"])
    with store_at(file) as store:
        store.write(Batch(chunks[:1], 0), receipt(begun=(version,)))
        with pytest.raises(IncompleteDocument, match=r"a\.md: .*3 rows"):
            store.write(Batch(chunks[2:], 1), receipt("last", publications=(Publication(version),)))
        assert not store.ledger.committed("last")
        assert rows_of(store, version.document_id) == 1
        rejected = Publication(version, rejected=1)
        store.write(Batch(chunks[2:], 1), receipt("last", publications=(rejected,)))
    assert published(file) == ["one", "three"]


def test_an_empty_batch_deletes_discards_and_publishes(tmp_path: Path) -> None:
    file = tmp_path / "kb.db"
    whole, chunks = document("whole.md", ["whole"])
    begun, begun_chunks = document("begun.md", ["begun", "never"])
    with store_at(file) as store:
        gone = publish(store, "gone.md", ["gone"])
        store.write(Batch([*chunks, begun_chunks[0]], 0), receipt(begun=(whole, begun)))
        store.write(
            Batch([], 1),
            receipt(
                publications=(Publication(whole),),
                deleted=(("gone.md", gone.document_id),),
                discarded=(begun.document_id,),
            ),
        )
        assert published(file) == ["whole"]
        assert store.ledger.pending("docs") == []
        assert [known.version for known in store.ledger.documents("docs")] == [whole]
    assert select(file, "SELECT count(*) FROM knowledge_base_records") == [(1,)]
    check_index(file)


def test_removing_a_version_leaves_its_neighbours(tmp_path: Path) -> None:
    file = tmp_path / "kb.db"
    with store_at(file) as store:
        versions = [publish(store, f"{n}.md", [f"text {n}"]) for n in range(20)]
        for version in versions[::2]:
            store.write(Batch([], 0), receipt(deleted=((version.key, version.document_id),)))
    assert sorted(published(file)) == sorted(f"text {n}" for n in range(1, 20, 2))
    check_index(file)


def test_bad_records_are_named_all_at_once_and_nothing_is_stored(tmp_path: Path) -> None:
    file = tmp_path / "kb.db"
    cycle: dict[str, object] = {}
    cycle["self"] = cycle
    deep: dict[str, object] = {}
    for _ in range(100_000):
        deep = {"d": deep}
    good = ProcessedChunk("good")
    bad = [
        (
            ProcessedChunk("a\ud800b", source_file="1"),
            "chunk_text holds a lone surrogate, U+D800, at character 1",
        ),
        (ProcessedChunk("x", source_file="2\udcff"), "source_file holds a lone surrogate"),
        (ProcessedChunk("x", source_file="3", metadata={"a": {1}}), "metadata is not JSON: it holds a set"),
        (ProcessedChunk("x", source_file="4", metadata={"a": float("nan")}), "metadata is not JSON"),
        (ProcessedChunk("x", source_file="5", metadata={"a": "\udc00"}), "metadata holds a lone surrogate"),
        (ProcessedChunk("x", source_file="6", metadata=cycle), "metadata is not JSON"),
        (ProcessedChunk("x", source_file="7", span_end=2**63), "span_end is outside of 64 bits"),
        (ProcessedChunk("x", id="ABC"), "id is not a UUID"),
        (ProcessedChunk("x", source_file="9", metadata=deep), "metadata is nested too deeply"),
    ]
    with store_at(file) as store:
        for culprits in (bad, [(chunk, why) for chunk, why in bad if "UUID" not in why]):
            with pytest.raises(BadRecords) as caught:
                store.write(Batch([good, *(chunk for chunk, _ in culprits)], 0), receipt("b"))
            assert sorted(caught.value.reasons) == list(range(1, len(culprits) + 1))
            for position, (_, why) in enumerate(culprits, 1):
                assert why in caught.value.reasons[position]
        assert not store.ledger.committed("b")
        store.write(Batch([good], 0), receipt("b"))
        assert rows_of(store, good.document_id) == 1
    while deep:
        deep = deep.pop("d", {})  # type: ignore[assignment]


def test_a_chunk_of_the_wrong_type_raises_what_sqlite_says(tmp_path: Path) -> None:
    with store_at(tmp_path / "kb.db") as store:
        for wrong in (None, ["list"]):
            chunk = ProcessedChunk(wrong, chunk_hash="x")  # type: ignore[arg-type]
            with pytest.raises(sqlite3.Error):
                store.write(Batch([chunk], 0), receipt())
        publish(store, "a.md", ["usable"])


def test_the_same_id_twice_in_a_batch_is_refused(tmp_path: Path) -> None:
    chunk = ProcessedChunk("x")
    with store_at(tmp_path / "kb.db") as store:
        with pytest.raises(ValueError, match="same id twice"):
            store.write(Batch([chunk, chunk], 0), receipt())
        assert rows_of(store, chunk.document_id) == 0


def test_every_plane_of_unicode_and_nul_come_back_as_they_went_in(tmp_path: Path) -> None:
    file = tmp_path / "kb.db"
    planes = ["".join(map(chr, range(start, start + 0x10000))) for start in range(0, 0x110000, 0x10000)]
    planes[0] = "".join(char for char in planes[0] if not "\ud800" <= char <= "\udfff")
    texts = [*planes, "before\0behind the NUL", "", "\0"]
    with store_at(file) as store:
        publish(
            store,
            "a\0\U0010ffff.md",
            texts,
            metadata=MappingProxyType({"k\0": texts[-3], "m": MappingProxyType({})}),
        )
        assert [marked(hit) for hit in store.search("behind")] == ["before\0«behind» the NUL"]
    assert published(file) == texts
    check_index(file)


def test_dates_are_iso_text_and_absent_fields_null(tmp_path: Path) -> None:
    file = tmp_path / "kb.db"
    with store_at(file) as store:
        publish(store, "a.md", ["x"], document_date=date(1999, 12, 31))
        publish(store, "b.md", ["x"], document_date=None)
    rows = select(
        file, "SELECT document_date, source_category, span_end FROM knowledge_base ORDER BY source_file"
    )
    assert rows == [("1999-12-31", None, None), (None, None, None)]


def test_a_full_disk_raises_what_sqlite_says_and_the_sink_is_usable_again(tmp_path: Path) -> None:
    with store_at(tmp_path / "kb.db") as store:
        version, chunks = document("a.md", ["x" * 10_000] * 200)
        connection = store._file._opened()
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 20}")
        with pytest.raises(sqlite3.OperationalError) as caught:
            store.write(Batch(chunks, 0), receipt())
        assert caught.value.sqlite_errorcode == sqlite3.SQLITE_FULL
        assert rows_of(store, version.document_id) == 0
        connection.execute("PRAGMA max_page_count = 1000000")
        store.write(Batch(chunks, 0), receipt())
        assert rows_of(store, version.document_id) == 200


def test_a_removed_file_is_not_written_to(tmp_path: Path) -> None:
    file = tmp_path / "kb.db"
    with store_at(file) as store:
        publish(store, "a.md", ["text"])
        file.rename(tmp_path / "moved.db")
        with pytest.raises(SinkError, match="removed or replaced"):
            publish(store, "b.md", ["text"])
        (tmp_path / "moved.db").rename(file)
        publish(store, "b.md", ["text"])


def test_close_may_come_twice_and_nothing_after_it(tmp_path: Path) -> None:
    store = store_at(tmp_path / "kb.db")
    publish(store, "a.md", ["text"])
    for _ in range(2):
        store.close()
        store.cancel()
    for use in (store.probe, lambda: store.sound("x"), lambda: store.search("x"), store.ledger.runs):
        with pytest.raises(SinkError, match="not open"):
            use()


def test_a_sink_travels_by_pickle_and_opens_the_same_file(tmp_path: Path) -> None:
    sink = sink_at(tmp_path / "kb.db", table="t")
    with sink.open() as store:
        publish(store, "a.md", ["text"])
    copy: SqliteSink = pickle.loads(pickle.dumps(sink))
    with copy.open() as store:
        assert [hit.key for hit in store.search("text")] == ["a.md"]
    assert repr(copy) == "<SqliteSink sqlite>"
