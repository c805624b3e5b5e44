"""The search column: its terms are those of other sinks, it is made anew; how frequent terms are."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from batchwright import SinkError
from batchwright.builtin.postgres import indexing, statistics
from batchwright.builtin.postgres.indexing import State
from batchwright.builtin.postgres.store import PostgresStore
from batchwright.builtin.sqlite import SqliteOptions, SqliteSink
from batchwright.contracts.receipts import Publication, Run
from batchwright.model import Batch
from batchwright.sinkkit.search.normal import normal
from batchwright.sinkkit.search.version import VERSION
from tests.integration.postgres.examples import chunks_of, publish, query, receipt, sink_at, store_at, version
from tests.integration.postgres.opening import role
from tests.support import search_table

TERMS = "SELECT _id::text, tsvector_to_array(_search) FROM knowledge_base_records ORDER BY _id"


def _odd(seed: int, count: int) -> Iterator[str]:
    """Texts of any characters that can be stored."""
    chance = random.Random(seed)
    blocks = [(32, 127), (0xA0, 0x250), (0x370, 0x780), (0x900, 0xE80), (0x1780, 0x17FF), (0x3040, 0x30FF)]
    blocks += [(0x4E00, 0x5000), (0xAC00, 0xAD00), (0xFF00, 0xFFEF), (0x1F300, 0x1F6FF), (1, 0xD7FF)]
    for _ in range(count):
        parts = []
        for _ in range(chance.randint(1, 12)):
            first, last = chance.choice(blocks)
            parts.append("".join(chr(chance.randint(first, last)) for _ in range(chance.randint(1, 9))))
            parts.append(
                chance.choice([" ", "-", ".", "/", "", "\n", "+", "4e7f", "1.5e-3", "a@b.c", "http://x/y"])
            )
        yield "".join(parts).replace("\0", " ")


def test_sqlite_and_postgres_have_the_same_terms(postgres_url: str, tmp_path: Path, seed: int) -> None:
    texts = [*search_table.TEXTS.values(), *_odd(seed, 300)]
    terms: dict[str, set[str]] = {}
    file = tmp_path / "kb.db"
    sqlite = SqliteSink(SqliteOptions.model_validate({"url": f"sqlite:///{file}"})).open()
    with store_at(postgres_url) as postgres, sqlite:
        for number, text in enumerate(texts):
            document = version(f"{number}.md", chunks=1)
            [chunk] = chunks_of(document, text, context_header=f"Über {text[:9]} > b.md")
            for store in (postgres, sqlite):
                store.write(Batch([chunk], 0), receipt([chunk], publications=(Publication(document),)))
            terms[chunk.id] = {*normal(chunk.context_header).split(), *normal(chunk.chunk_text).split()}
    assert {identity: {*found} for identity, found in query(postgres_url, TERMS)} == terms
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(
            "CREATE VIRTUAL TABLE temp.v USING fts5vocab('main', 'knowledge_base_fts', 'instance')"
        )
        rows = connection.execute(
            "SELECT DISTINCT _id, term FROM temp.v JOIN knowledge_base_records ON _seq = doc"
        ).fetchall()
    found = {identity: {term for one, term in rows if one == identity} for identity in terms}
    assert found == terms


def _set_back(url: str) -> None:
    """Make the search column one of an older version, with nothing in it."""
    query(url, "UPDATE knowledge_base_records SET _search = NULL")
    query(url, "UPDATE knowledge_base_meta SET value = '0' WHERE key = 'search_version'")


def test_an_older_version_is_made_anew_and_goes_on_where_it_broke_off(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "AT_ONCE", 2)
    with store_at(postgres_url) as store:
        for number in range(7):
            publish(store, version(f"{number}.md", chunks=1), f"penguin {number}")
    before = query(postgres_url, TERMS)
    _set_back(postgres_url)
    with store_at(postgres_url) as store:
        assert "of an older version" in store.notes("penguin")[0]
        assert len(store.search("PENGUIN")) == 7  # by letter
        publish(store, version("new.md", chunks=1), "penguin new")  # in between: with its terms
        steps = store.reindex()
        assert [next(steps) for _ in range(2)] == [2, 2]
        steps.close()  # type: ignore[attr-defined]
        assert "is not finished" in store.notes("penguin")[0]
    unmade = "SELECT count(*) FROM knowledge_base_records WHERE _search IS NULL"
    [(left,)] = query(postgres_url, unmade)
    assert 2 <= left <= 3
    with store_at(postgres_url) as store:
        assert sum(store.reindex()) == 4  # of the eight rows
        assert store.notes("penguin") == ()
        assert len(store.search("penguin")) == 8
        assert query(postgres_url, unmade) == [(0,)]
        assert sum(store.reindex()) == 8  # all of them once more
    after = dict(query(postgres_url, TERMS))
    assert {identity: after[identity] for identity, _ in before} == dict(before)


def test_another_version_than_the_one_broken_off_begins_anew(postgres_url: str) -> None:
    with store_at(postgres_url) as store:
        publish(store, version(chunks=3))
        _set_back(postgres_url)
        query(
            postgres_url,
            "UPDATE knowledge_base_meta SET value = %s WHERE key = 'search_indexed'",
            "aaaaaaaa-0000-0000-0000-000000000000",
        )
        assert sum(store.reindex()) == 3
        assert State.of(dict(query(postgres_url, "SELECT key, value FROM knowledge_base_meta"))) == State()
        assert State().version == VERSION


def test_tables_without_a_search_column_get_none(postgres_url: str) -> None:
    with store_at(postgres_url, full_text=False) as store, pytest.raises(SinkError, match="without a search"):
        next(store.reindex())


def _finish(store: PostgresStore) -> None:
    run = Run("run", "2026-01-01T00:00:00Z", "docs")
    store.ledger.start_run(run)
    store.ledger.finish_run(Run("run", "2026-01-01T00:00:00Z", "docs", state="done"))


SAMPLED = "SELECT term, records FROM knowledge_base_terms ORDER BY term"


def test_the_end_of_a_run_notes_how_frequent_terms_are(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store_at(postgres_url) as store:
        document = version(chunks=600)
        publish(store, document, "penguin")
        publish(store, version("b.md", chunks=100), "walrus")
        _finish(store)
        assert query(postgres_url, SAMPLED) == []  # counted when it is asked for
        before = [hit.id for hit in store.search("penguin walrus", limit=100)]
        monkeypatch.setattr(statistics, "SMALL", 0)
        publish(store, version("c.md", chunks=200), "seal")  # a tenth more
        _finish(store)
        sampled = dict(query(postgres_url, SAMPLED))
        assert (sampled["penguin"], sampled["seal"]) == (600, 200)
        assert "walrus" not in sampled
        assert [hit.id for hit in store.search("penguin walrus", limit=100)] == before
        publish(store, version("d.md", chunks=20), "seal")
        _finish(store)
        assert dict(query(postgres_url, SAMPLED)) == sampled  # too little that is new


@pytest.mark.parametrize("is_small", [True, False])
def test_all_records_say_how_long_they_are_on_average(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, is_small: bool
) -> None:
    monkeypatch.setattr(statistics, "SMALL", 2**20 if is_small else 0)
    text = " ".join(f"w{number}" for number in range(60))
    with store_at(postgres_url) as store:
        for key in ("a.md", "b.md", "c.md"):
            publish(store, version(key, chunks=150), "penguin")
        publish(store, version("long.md", chunks=150), text)
        _finish(store)
        statement = "SELECT value FROM knowledge_base_meta WHERE key = 'search_statistics'"
        [(kept,)] = query(postgres_url, statement)
        assert ("average" in json.loads(kept)) is not is_small  # it is found when it is asked for
        texts = query(postgres_url, "SELECT context_header, chunk_text FROM knowledge_base")
        terms = sum(len(normal(header).split()) + len(normal(text).split()) for header, text in texts)
        with store._database.transaction() as connection:
            known = statistics.frequencies(connection, store._names, {}, {})
        assert known.records == 600
        assert known.average == pytest.approx(terms / 600)


def test_a_large_table_is_sampled(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "SMALL", 0)
    monkeypatch.setattr(statistics, "SAMPLED", 300_000)
    with store_at(postgres_url) as store:
        for number in range(8):
            publish(store, version(f"{number}.md", chunks=1_000), "penguin and words " * 10)
        _finish(store)
        [(size,)] = query(postgres_url, "SELECT pg_relation_size('knowledge_base_records')")
        assert size > 1_000_000
        [(about,)] = query(postgres_url, "SELECT records FROM knowledge_base_terms WHERE term = 'penguin'")
        assert 4_000 < about < 16_000
        assert store.search("penguin")


def test_a_run_ends_well_where_the_role_may_not_note_anything(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "SMALL", 0)
    with store_at(postgres_url) as store:
        publish(store, version(chunks=300), "penguin")
    grants = [
        "GRANT USAGE ON SCHEMA public TO ROLE",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ROLE",
        "REVOKE DELETE ON knowledge_base_terms FROM ROLE",
    ]
    with role(postgres_url, *grants) as url, store_at(url) as store:
        publish(store, version("b.md", chunks=1), "walrus")
        _finish(store)
        assert [run.state for run in store.ledger.runs()] == ["done"]
        assert store.search("penguin")
        publish(store, version("c.md", chunks=1), "seal")


def test_a_role_that_may_only_read_searches(postgres_url: str) -> None:
    with store_at(postgres_url) as store:
        publish(store, version(chunks=1), "penguin")
    tables = ", ".join(f"knowledge_base_{suffix}" for suffix in ("records", "documents", "meta", "terms"))
    grants = ["GRANT USAGE ON SCHEMA public TO ROLE", f"GRANT SELECT ON {tables} TO ROLE"]
    with role(postgres_url, *grants) as url, sink_at(url).open(create=False) as store:
        for text in ("penguin", "pengu", "enguin"):
            assert [hit.key for hit in store.search(text)] == ["a.md"], text
