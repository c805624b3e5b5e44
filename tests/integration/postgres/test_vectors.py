"""Vectors in Postgres, where the database is not as one would like it; what all sinks do is in the kit."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from batchwright import IncompleteDocument, Receipt, SinkError
from batchwright.builtin.postgres import PostgresSink, vector_index
from batchwright.builtin.postgres.names import Names
from batchwright.builtin.postgres.store import PostgresStore
from batchwright.builtin.postgres.vector_tables import Extension
from batchwright.contracts.embedder import EmbeddingModel
from batchwright.contracts.vectors import Embedded, packed
from batchwright.testing.embedded import (
    CANARY,
    MODEL,
    OTHER,
    OTHER_CANARY,
    embedded,
    key_of,
    put,
    searched,
    vector_of,
    vectors_of,
)
from batchwright.testing.records import batch, receipt, sample
from tests.integration.postgres.examples import query, sink_at
from tests.integration.postgres.opening import role
from tests.support.databases import Databases
from tests.support.pooler import Pooler, find_pgbouncer

_ONE = sample("a.md", ["one", "two", "three"])
_NEVER_YET = "2999-01-01T00:00:00+00:00"


@pytest.fixture
def sink(postgres_url: str) -> PostgresSink:
    return sink_at(postgres_url)


@pytest.fixture
def store(sink: PostgresSink) -> Iterator[PostgresStore]:
    with sink.open() as store:
        yield store


def _load(store: PostgresStore) -> None:
    vectors = vectors_of(store)
    put(vectors, ["one", "two", "three"])
    _publish(store)
    assert vectors.use(MODEL) == []


def _publish(store: PostgresStore) -> Receipt:
    written = receipt(3, publications=(_ONE.publication(),), embedded=embedded(_ONE))
    store.write(batch(_ONE.chunks), written)
    return written


def _indexes(url: str) -> list[str]:
    found = query(url, "SELECT indexdef FROM pg_indexes WHERE indexdef LIKE '%hnsw%' ORDER BY 1")
    return [text for (text,) in found]


def test_who_embeds_nothing_needs_no_pgvector(store: PostgresStore, postgres_url: str) -> None:
    store.write(batch(_ONE.chunks), receipt(3, publications=(_ONE.publication(),)))
    store.write(batch([]), receipt(deleted=(("a.md", _ONE.id),), purge=True))
    assert store.vectors is not None
    assert store.vectors.models() == []
    assert store.vectors.missing(MODEL, [key_of("one")]) == {key_of("one")}
    assert store.vectors.sweep(_NEVER_YET) == store.vectors.orphans() == 0
    assert query(postgres_url, "SELECT extname FROM pg_extension WHERE extname = 'vector'") == []
    assert query(postgres_url, "SELECT relname FROM pg_class WHERE relname LIKE '%vectors%'") == []


def test_a_role_that_may_not_create_pgvector_is_told_who_may(postgres_url: str) -> None:
    with role(postgres_url, "GRANT CREATE, USAGE ON SCHEMA public TO ROLE") as url:
        with sink_at(url).open() as store, pytest.raises(SinkError, match="CREATE EXTENSION vector"):
            vectors_of(store)
        query(postgres_url, "CREATE EXTENSION vector")
        with sink_at(url).open() as store:
            _load(store)
            assert [hit.excerpt for hit in searched(store, vector_of("two"), 1)] == ["two"]


def test_pgvector_may_be_in_any_schema(postgres_url: str) -> None:
    query(postgres_url, 'CREATE SCHEMA "the {{extensions}}"')
    query(postgres_url, 'CREATE EXTENSION vector SCHEMA "the {{extensions}}"')
    with sink_at(postgres_url).open() as store:
        _load(store)
        assert [hit.excerpt for hit in searched(store, vector_of("two"), 1)] == ["two"]
    assert len(_indexes(postgres_url)) == 1


def test_targets_of_one_database_may_be_the_first_to_need_it_at_once(postgres_url: str) -> None:
    with ExitStack() as opened, ThreadPoolExecutor(4) as threads:
        stores = [
            opened.enter_context(sink_at(postgres_url, table=f"kept_{number}").open()) for number in range(4)
        ]
        assert len(list(threads.map(vectors_of, stores))) == 4


def test_a_role_that_only_reads_searches(store: PostgresStore, postgres_url: str) -> None:
    _load(store)
    vectors = store.vectors
    assert vectors is not None
    put(vectors, ["nobody's"])
    vectors.sweep(_NEVER_YET)
    grants = "GRANT SELECT ON ALL TABLES IN SCHEMA public TO ROLE"
    usage = "GRANT USAGE ON SCHEMA public TO ROLE"
    with role(postgres_url, usage, grants) as url, sink_at(url).open(create=False) as reader:
        assert [hit.excerpt for hit in searched(reader, vector_of("two"), 1)] == ["two"]
        assert [hit.excerpt for hit in searched(reader, vector_of("two"), 1, mode="hybrid", text="x")]
        assert reader.vectors is not None
        assert reader.vectors.missing(MODEL, [key_of("nobody's"), key_of("x")]) == {key_of("x")}
        with pytest.raises(SinkError, match="GRANT SELECT, INSERT"):
            reader.vectors.put(MODEL, {key_of("x"): vector_of("x")})
    grants = "GRANT SELECT ON knowledge_base, knowledge_base_meta, knowledge_base_records TO ROLE"
    with (
        role(postgres_url, usage, grants) as url,
        sink_at(url).open(create=False) as reader,
        pytest.raises(SinkError, match="GRANT SELECT"),
    ):
        searched(reader, vector_of("two"))


def test_the_index_is_built_last_and_goes_with_its_model(store: PostgresStore, postgres_url: str) -> None:
    vectors = vectors_of(store)
    put(vectors, ["one", "two"])
    store.write(batch(_ONE.chunks), receipt(3, publications=(_ONE.publication(),)))
    assert vectors.use(MODEL) == ["kit"]
    assert _indexes(postgres_url) == [], "while rows lack vectors, it would be built for nothing"
    put(vectors, ["three"])
    keys = {chunk.id: key_of(chunk.chunk_text) for chunk in _ONE.chunks}
    vectors.attach(MODEL, "kit", dict(keys), None)
    assert vectors.use(MODEL) == []
    [first] = _indexes(postgres_url)
    assert f"halfvec({MODEL.dimensions})" in first
    vectors.prepare(OTHER, OTHER_CANARY)
    put(vectors, ["one", "two", "three"], OTHER)
    assert vectors.use(OTHER) == []
    assert len(_indexes(postgres_url)) == 2
    vectors.sweep("2000-01-01")
    [left] = _indexes(postgres_url)
    assert f"halfvec({OTHER.dimensions})" in left


def test_numbers_too_large_and_too_small_for_a_half_are_indexed(
    store: PostgresStore, postgres_url: str
) -> None:
    vectors = vectors_of(store)
    rows = {"one": 1e30, "two": 1e-30, "three": 0.0}
    vectors.put(MODEL, {key_of(text): packed([0.5 * n, n] + [0.0] * 14, 16) for text, n in rows.items()})
    _publish(store)
    assert vectors.use(MODEL) == []
    assert len(_indexes(postgres_url)) == 1
    hits = searched(store, packed([0.5, 1.0] + [0.0] * 14, 16))
    assert [(hit.excerpt, round(hit.score, 3)) for hit in hits][2] == ("three", 0.0)
    assert [round(hit.score, 3) for hit in hits[:2]] == [1.0, 1.0]


@pytest.mark.parametrize("dimensions", [100, 800], ids=["in the table", "beside it"])
def test_an_index_is_built_by_more_than_one_process_once_that_pays(
    store: PostgresStore, postgres_url: str, dimensions: int
) -> None:
    model, vectors = EmbeddingModel("some", dimensions), store.vectors
    assert vectors is not None
    vectors.prepare(model, vector_of("canary", model))

    def built() -> set[str]:
        """Return how the index was built, as the server says it."""
        found: list[str] = []
        options = "-cclient_min_messages=debug1"
        with psycopg.connect(postgres_url, options=options, cursor_factory=psycopg.RawCursor) as connection:
            connection.add_notice_handler(lambda notice: found.append(notice.message_primary or ""))
            before = connection.execute("SHOW maintenance_work_mem").fetchone()
            names = Names("public", "knowledge_base")
            vector_index.build(connection, names, Extension.of(connection), 1, model)
            connection.commit()
            assert connection.execute("SHOW maintenance_work_mem").fetchone() == before
        assert len(_indexes(postgres_url)) == 1
        query(postgres_url, "DROP INDEX knowledge_base_vectors_1")
        return {how for how in ("serially", "with request for 1 parallel worker") if how in " ".join(found)}

    put(vectors, [str(number) for number in range(20)], model)
    assert built() == {"serially"}
    put(vectors, [str(number) for number in range(120_000 // dimensions)], model)
    assert built() == {"with request for 1 parallel worker"}


def test_vectors_too_long_for_an_index_are_searched_one_by_one(
    store: PostgresStore, postgres_url: str
) -> None:
    long = EmbeddingModel("long", 4_001)
    vectors = store.vectors
    assert vectors is not None
    vectors.prepare(long, vector_of("canary", long))
    put(vectors, ["one", "two", "three"], long)
    written = receipt(3, publications=(_ONE.publication(),), embedded=embedded(_ONE, model=long))
    store.write(batch(_ONE.chunks), written)
    assert vectors.use(long) == []
    assert _indexes(postgres_url) == []
    assert [hit.excerpt for hit in searched(store, vector_of("two", long), 1)] == ["two"]


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_lacks_characters_keeps_vectors(postgres_server: Databases, encoding: str) -> None:
    name = f"narrow_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server.dsn(), autocommit=True) as session:
        session.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE 'C' LC_CTYPE 'C'").format(
                sql.Identifier(name), sql.Literal(encoding)
            )
        )
    foreign = EmbeddingModel("日本語モデル", 16, settings=(("document_prefix", "文: "),))
    try:
        with sink_at(postgres_server.dsn(name)).open() as store:
            vectors = store.vectors
            assert vectors is not None
            vectors.prepare(foreign, CANARY)
            put(vectors, ["one", "two", "three"], foreign)
            given = Embedded(foreign.identity, embedded(_ONE).keys)
            written = receipt(3, publications=(_ONE.publication(),), embedded=given)
            store.write(batch(_ONE.chunks), written)
            assert vectors.use(foreign) == []
            assert [there.model for there in vectors.models()] == [foreign]
            assert [hit.excerpt for hit in searched(store, vector_of("two", foreign), 1)] == ["two"]
            assert searched(store, vector_of("two", foreign), where={"source_file": "本.md"}) == []
    finally:
        postgres_server.drop_database(name)


@pytest.mark.skipif(not find_pgbouncer(), reason="needs pgbouncer: apt-get install pgbouncer")
def test_behind_a_pooler_nothing_is_left_in_a_session(postgres_server: Databases, postgres_url: str) -> None:
    settings = ("search_path", "standard_conforming_strings", "bytea_output")
    name = urlsplit(postgres_url).path.removeprefix("/")
    for setting, value in zip(settings, ("nowhere", "off", "escape"), strict=True):
        query(postgres_url, f"ALTER DATABASE {name} SET {setting} = {value}")
    with Pooler(postgres_server, 1) as pooler:
        url = pooler.dsn(name)
        with sink_at(url).open() as store:
            _load(store)
            assert [hit.excerpt for hit in searched(store, vector_of("two"), 1)] == ["two"]
        with psycopg.connect(url, autocommit=True) as client:
            shown = client.execute("SELECT name FROM pg_settings WHERE source = 'session'").fetchall()
            left = {name for (name,) in shown} & {
                "enable_seqscan",
                "enable_hashjoin",
                "jit",
                "hnsw.ef_search",
            }
    assert not left


def test_a_vector_that_is_swept_meanwhile_keeps_its_row_back(
    store: PostgresStore, sink: PostgresSink, postgres_url: str
) -> None:
    """Who removes vectors has their model for itself: a publication comes before that, or finds them gone."""
    put(vectors_of(store), ["one", "two", "three"])
    failures: list[Exception] = []

    def publish() -> None:
        with sink.open() as other:
            try:
                _publish(other)
            except IncompleteDocument as error:
                failures.append(error)

    with psycopg.connect(postgres_url) as sweeper:
        sweeper.execute("SELECT id FROM knowledge_base_models FOR UPDATE")
        thread = threading.Thread(target=publish)
        thread.start()
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        for _ in range(500):
            if query(postgres_url, waiting) != [(0,)]:
                break
            threading.Event().wait(0.02)
        sweeper.execute("DELETE FROM knowledge_base_vectors WHERE key = %s", [key_of("two")])
    thread.join(20)
    assert not thread.is_alive()
    assert [str(error).partition(":")[0] for error in failures] == ["a.md"]
    assert query(postgres_url, "SELECT count(*) FROM knowledge_base") == [(0,)]


@pytest.mark.parametrize("rows", [3, 300])
def test_small_and_large_batches_bring_their_keys(store: PostgresStore, rows: int) -> None:
    """Small batches go as arrays, large ones by COPY; again, when some rows are there already, as updates."""
    many = sample("many.md", [f"text {number}" for number in range(rows)])
    vectors = vectors_of(store)
    put(vectors, [chunk.chunk_text for chunk in many.chunks])
    begun = receipt(2, begun=(many.version,))
    store.write(batch(many.chunks[:2]), begun)
    written = receipt(rows, publications=(many.publication(),), embedded=embedded(many))
    store.write(batch(many.chunks), written)
    assert vectors.counts(MODEL).embedded == rows
