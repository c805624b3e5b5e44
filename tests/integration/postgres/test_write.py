"""Writing: all or nothing, once, and every value as it was."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from batchwright.builtin.postgres.store import PostgresStore
from batchwright.builtin.postgres.writing import COPY_FROM_ROWS
from batchwright.contracts.failure import Failure
from batchwright.contracts.receipts import Publication
from batchwright.contracts.records import CHUNK
from batchwright.errors import BadRecords, IncompleteDocument
from batchwright.model import Batch, ProcessedChunk
from tests.integration.postgres.examples import (
    chunks_of,
    odd_chunks,
    plain_store_at,
    publish,
    query,
    receipt,
    reject,
    rows_of,
    store_at,
    texts,
    version,
    write,
)

SMALL, LARGE = 7, COPY_FROM_ROWS + 5
WAITING = """
    SELECT pid FROM pg_locks JOIN pg_database AS d ON d.oid = database
    WHERE NOT granted AND d.datname = current_database()"""


@pytest.fixture(params=[store_at, plain_store_at], ids=["functions", "statements"])
def store(postgres_url: str, request: pytest.FixtureRequest) -> Iterator[PostgresStore]:
    with request.param(postgres_url) as store:
        yield store


def stored(url: str) -> list[tuple[Any, ...]]:
    columns = ", ".join(CHUNK.names)
    return query(url, f"SELECT _id, {columns}, _document_id::text FROM knowledge_base_records ORDER BY _id")


@pytest.mark.parametrize("count", [1, SMALL, LARGE])
def test_every_column_arrives_as_it_was(store: PostgresStore, postgres_url: str, count: int) -> None:
    chunks = odd_chunks(count)
    write(store, chunks)
    names = ["id", *CHUNK.names]
    found = [(str(row[0]), *row[1:]) for row in stored(postgres_url)]
    assert found == [(*(getattr(chunk, name) for name in names), chunk.document_id) for chunk in chunks]


@pytest.mark.parametrize("count", [SMALL, LARGE])
def test_the_same_batch_twice_is_stored_once(store: PostgresStore, postgres_url: str, count: int) -> None:
    batch = Batch(odd_chunks(count), 0)
    made = receipt(batch.documents)
    store.write(batch, made)
    store.write(batch, made)
    assert len(stored(postgres_url)) == count
    assert query(postgres_url, "SELECT batch_id, records FROM knowledge_base_receipts") == [
        (made.batch_id, count)
    ]


@pytest.mark.parametrize("count", [SMALL, LARGE])
def test_the_same_rows_in_another_batch_are_stored_once_and_updated_where_they_differ(
    store: PostgresStore, postgres_url: str, count: int
) -> None:
    chunks = odd_chunks(count)
    write(store, chunks[: count // 2])
    before = dict(query(postgres_url, "SELECT chunk_index, ctid::text FROM knowledge_base_records"))
    changed = dataclasses.replace(chunks[0], metadata={"corrected": True})
    write(store, [changed, *chunks[1:]])
    assert len(stored(postgres_url)) == count
    after = dict(query(postgres_url, "SELECT chunk_index, ctid::text FROM knowledge_base_records"))
    assert {index for index in before if before[index] != after[index]} == {0}
    assert query(postgres_url, "SELECT metadata FROM knowledge_base_records WHERE chunk_index = 0") == [
        ({"corrected": True},)
    ]


@pytest.mark.parametrize("count", [SMALL, LARGE])
def test_a_late_repetition_does_not_bring_back_what_was_replaced(
    store: PostgresStore, postgres_url: str, count: int
) -> None:
    old, new = version(content="1", chunks=count), version(content="2", chunks=1)
    made = receipt(publications=(Publication(old),))
    store.write(Batch(chunks_of(old), 0), made)
    write(store, chunks_of(new), publications=(Publication(new),))
    store.write(Batch(chunks_of(old), 0), made)
    assert rows_of(store, old.document_id) == 0
    assert texts(postgres_url) == ["some text 0"]


@pytest.mark.parametrize("count", [SMALL, LARGE])
def test_two_records_with_one_id_are_refused_before_anything_is_sent(
    store: PostgresStore, postgres_url: str, count: int
) -> None:
    chunks = odd_chunks(count)
    with pytest.raises(ValueError, match=f"the same id: {chunks[1].id}"):
        write(store, [*chunks, chunks[1]])
    assert stored(postgres_url) == []


@pytest.mark.parametrize("count", [SMALL, LARGE])
@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"chunk_text": "ab\0"}, "chunk_text holds NUL at character 2"),
        ({"context_header": "\0"}, "context_header holds NUL"),
        ({"chunk_text": "a\ud800"}, r"chunk_text holds a lone surrogate, U\+D800, at character 1"),
        ({"metadata": {"deep": [{"x": "\0"}]}}, "metadata holds NUL"),
        ({"metadata": {"key\0": 1}}, "metadata holds NUL"),
        ({"metadata": {"x": "\udfff"}}, "metadata holds a lone surrogate"),
        ({"metadata": {"x": object()}}, "metadata is not JSON: it holds a object"),
        ({"metadata": {"x": float("nan")}}, "metadata is not JSON"),
        ({"chunk_token_count": 2**63}, "chunk_token_count is outside of 64 bits"),
        ({"id": "no uuid"}, "id: "),
        ({"source_file": None}, "source_file is not text, but NoneType"),
    ],
)
def test_records_that_cannot_be_stored_are_named_and_nothing_is_stored(
    store: PostgresStore, postgres_url: str, count: int, fields: dict[str, Any], reason: str
) -> None:
    chunks = odd_chunks(count)
    for position in (2, count - 1):
        chunks[position] = (
            dataclasses.replace(chunks[position], **fields)
            if "id" not in fields
            else (dataclasses.replace(chunks[position], id=f"{fields['id']} {position}"))
        )
    with pytest.raises(BadRecords, match=reason) as caught:
        write(store, chunks)
    assert set(caught.value.reasons) == {2, count - 1}
    assert stored(postgres_url) == []
    good = [chunk for position, chunk in enumerate(chunks) if position not in caught.value.reasons]
    write(store, good)
    assert len(stored(postgres_url)) == count - 2


def test_a_document_appears_whole_with_its_last_batch(store: PostgresStore, postgres_url: str) -> None:
    old, new = version(content="1"), version(content="2", chunks=5)
    publish(store, old, "old")
    chunks = chunks_of(new, "new")
    for part, fields in ((chunks[:2], {"begun": (new,)}), (chunks[2:4], {"continued": (new.document_id,)})):
        write(store, part, **fields)
        assert texts(postgres_url) == ["old 0", "old 1", "old 2"]
    assert [pending.document_id for pending in store.ledger.pending("docs")] == [new.document_id]
    last = Publication(new)
    write(store, chunks[4:], publications=(last,))
    assert texts(postgres_url) == [f"new {index}" for index in range(5)]
    assert rows_of(store, old.document_id) == 0
    assert store.ledger.pending("docs") == []


@pytest.mark.parametrize("count", [2, LARGE])
def test_a_document_with_rows_missing_is_not_published(
    store: PostgresStore, postgres_url: str, count: int
) -> None:
    whole = version(chunks=count + 2)
    chunks = chunks_of(whole)
    write(store, chunks[:1], begun=(whole,))
    made = receipt(publications=(Publication(whole),))
    with pytest.raises(
        IncompleteDocument, match=f"a.md: {count + 2} rows belong to the version {whole.document_id}, and not"
    ) as raised:
        store.write(Batch(chunks[2:], 0), made)
    assert Failure(raised.value).sqlstate is None  # bad data it is not
    assert (rows_of(store, whole.document_id), texts(postgres_url)) == (1, [])
    assert not store.ledger.committed(made.batch_id)
    write(store, chunks[1:], publications=(Publication(whole),))
    assert len(texts(postgres_url)) == count + 2


def test_a_row_that_is_there_already_is_not_counted_twice(store: PostgresStore, postgres_url: str) -> None:
    whole = version(chunks=4)
    chunks = chunks_of(whole)
    write(store, chunks[:3], begun=(whole,))
    write(store, chunks[2:], publications=(Publication(whole),))
    assert len(texts(postgres_url)) == 4


def test_rejected_chunks_are_not_missed(store: PostgresStore, postgres_url: str) -> None:
    whole = version(chunks=4)
    chunks = chunks_of(whole)
    write(store, chunks[:1], begun=(whole,))
    write(store, chunks[3:], publications=(Publication(whole, rejected=2),))
    assert len(texts(postgres_url)) == 2


def test_an_empty_batch_publishes_deletes_and_discards(store: PostgresStore, postgres_url: str) -> None:
    kept, gone, begun = version("kept.md"), version("gone.md"), version("begun.md")
    publish(store, gone)
    write(store, chunks_of(kept), begun=(kept,))
    write(store, chunks_of(begun)[:1], begun=(begun,))
    write(
        store,
        publications=(Publication(kept),),
        deleted=((gone.key, gone.document_id),),
        discarded=(begun.document_id,),
    )
    assert len(texts(postgres_url)) == len(texts(postgres_url, "knowledge_base_records")) == 3
    assert [known.version for known in store.ledger.documents("docs")] == [kept]
    assert store.ledger.pending("docs") == []


@pytest.mark.parametrize("count", [SMALL, LARGE])
def test_a_killed_backend_leaves_nothing_half_and_another_store_goes_on(
    store: PostgresStore, postgres_url: str, count: int
) -> None:
    document = version(chunks=count)
    made = receipt(publications=(Publication(document),))
    with blocked_write(store, postgres_url, chunks_of(document), made) as (blocked, end):
        query(postgres_url, "SELECT pg_terminate_backend(%s)", blocked)
        assert isinstance(end(), ConnectionError)
    assert texts(postgres_url, "knowledge_base_records") == []
    with store_at(postgres_url) as another:
        assert not another.ledger.committed(made.batch_id)
        another.write(Batch(chunks_of(document), 0), made)
        assert len(texts(postgres_url)) == count
        assert another.ledger.committed(made.batch_id)


@pytest.mark.parametrize("count", [SMALL, LARGE])
def test_cancel_ends_a_blocked_write_soon(store: PostgresStore, postgres_url: str, count: int) -> None:
    document = version(chunks=count)
    made = receipt(publications=(Publication(document),))
    with blocked_write(store, postgres_url, chunks_of(document), made) as (_, end):
        start = time.monotonic()
        store.cancel()
        assert isinstance(end(), psycopg.errors.QueryCanceled)
        assert time.monotonic() - start < 3
    store.write(Batch(chunks_of(document), 0), made)
    assert len(texts(postgres_url)) == count


def test_a_cancel_when_nothing_is_under_way_harms_nothing(store: PostgresStore, postgres_url: str) -> None:
    store.cancel()
    publish(store, version())
    store.cancel()
    assert len(texts(postgres_url)) == 3
    store.close()
    store.cancel()


def test_two_writers_with_the_same_rows_store_them_once(postgres_url: str, store: PostgresStore) -> None:
    chunks = odd_chunks(LARGE)
    made = receipt(chunks)
    errors: list[Exception] = []

    def load(start: threading.Barrier, one: bool) -> None:
        with store_at(postgres_url) as other:
            start.wait(10)
            try:
                other.write(Batch(chunks, 0), made if one else receipt(chunks))
            except Exception as error:  # noqa: BLE001 - looked at below
                errors.append(error)

    for same_batch in (True, False):
        barrier = threading.Barrier(4)
        threads = [threading.Thread(target=load, args=(barrier, same_batch)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (errors, len(stored(postgres_url))) == ([], LARGE)
        query(postgres_url, "TRUNCATE knowledge_base_records, knowledge_base_receipts")


@contextlib.contextmanager
def blocked_write(store: PostgresStore, url: str, chunks: list[ProcessedChunk], made: Any) -> Iterator[Any]:
    """A write that waits for a lock; gives its backend's number, and what ends with its exception."""
    errors: list[Exception] = []

    def work() -> None:
        try:
            store.write(Batch(chunks, 0), made)
        except Exception as error:  # noqa: BLE001 - looked at below
            errors.append(error)

    def end() -> Exception | None:
        thread.join(10)
        assert not thread.is_alive()
        return errors[0] if errors else None

    thread = threading.Thread(target=work)
    with psycopg.connect(url) as other:
        # After the receipt: the write has begun when it comes to this.
        other.execute("LOCK TABLE knowledge_base_documents IN EXCLUSIVE MODE")
        thread.start()
        for _ in range(1000):
            waiting = query(url, WAITING)
            if waiting:
                break
            time.sleep(0.01)
        else:
            raise AssertionError("the write never came to wait")
        yield waiting[0][0], end
        other.rollback()
    thread.join(10)


@pytest.mark.parametrize("count", [SMALL, LARGE])
def test_what_was_announced_is_stored_by_its_own_write_only(
    store: PostgresStore, postgres_url: str, count: int
) -> None:
    first, second, third, other = (
        chunks_of(version(f"{key}.md", chunks=count), f"text of {key}") for key in "abcd"
    )
    store.announce(second)
    write(store, first)
    assert len(stored(postgres_url)) == count
    store.announce(third)
    write(store, second)
    write(store, other)
    write(store, third)
    found = [text for (text,) in query(postgres_url, "SELECT chunk_text FROM knowledge_base_records")]
    assert sorted(found) == sorted(chunk.chunk_text for chunk in [*first, *second, *third, *other])


@pytest.mark.parametrize("count", [SMALL, LARGE])
def test_an_announced_record_that_cannot_be_stored_harms_its_own_write_only(
    store: PostgresStore, postgres_url: str, count: int
) -> None:
    good, bad = (chunks_of(version(key, chunks=count)) for key in ("a.md", "b.md"))
    bad[-1] = dataclasses.replace(bad[-1], chunk_text="a NUL\0", chunk_hash="")
    store.announce(bad)
    write(store, good)
    with pytest.raises(BadRecords) as refused:
        write(store, bad)
    assert [*refused.value.reasons] == [count - 1]
    assert len(stored(postgres_url)) == count


def test_rows_that_go_by_copy_may_come_with_a_receipt_of_any_kind(
    store: PostgresStore, postgres_url: str
) -> None:
    whole, other = version("a.md", chunks=LARGE), version("b.md")
    publish(store, other)
    set_aside = reject(chunks_of(version("c.md"))[0])
    publications = (Publication(whole),)
    write(
        store,
        chunks_of(whole),
        publications=publications,
        rejects=(set_aside,),
        deleted=((other.key, other.document_id),),
    )
    assert rows_of(store, whole.document_id) == LARGE
    assert query(postgres_url, "SELECT count(*) FROM knowledge_base") == [(LARGE,)]
    assert store.ledger.rejects() == [set_aside]


@pytest.mark.parametrize("count", [1, SMALL, LARGE])
def test_rows_that_a_trigger_leaves_out_are_missed_when_they_are_published(
    postgres_url: str, count: int
) -> None:
    with store_at(postgres_url):
        pass
    query(
        postgres_url,
        """
        CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RETURN CASE WHEN new.source_file = 'bad.md' THEN NULL ELSE new END; END $$;
        CREATE TRIGGER swallow BEFORE INSERT ON knowledge_base_records FOR EACH ROW EXECUTE FUNCTION swallow()
        """,
    )
    with store_at(postgres_url) as store:
        publish(store, version("good.md"))
        with pytest.raises(IncompleteDocument, match=r"bad\.md: .*a trigger on the table"):
            publish(store, version("bad.md", chunks=count))
    assert query(postgres_url, "SELECT DISTINCT source_file FROM knowledge_base") == [("good.md",)]
