"""Opening: what is created, and what is said when it can't be."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from batchwright.builtin.postgres import schema
from batchwright.contracts.receipts import Publication
from batchwright.errors import SinkError
from tests.integration.postgres.examples import (
    chunks_of,
    publish,
    query,
    rows_of,
    sink_at,
    store_at,
    texts,
    version,
    write,
)
from tests.integration.postgres.opening import SECRET, failure, role
from tests.support.marks import marked


def test_the_view_has_the_columns_in_order(postgres_url: str) -> None:
    with store_at(postgres_url):
        columns = query(
            postgres_url,
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_name = 'knowledge_base' ORDER BY ordinal_position",
        )
    assert columns == [
        ("id", "uuid"),
        ("collection", "text"),
        ("span_start", "bigint"),
        ("span_end", "bigint"),
        ("chunk_text", "text"),
        ("chunk_hash", "text"),
        ("context_header", "text"),
        ("source_file", "text"),
        ("source_category", "text"),
        ("document_date", "date"),
        ("chunk_index", "bigint"),
        ("total_chunks", "bigint"),
        ("chunk_token_count", "bigint"),
        ("metadata", "jsonb"),
        ("line", "bigint"),
        ("page", "bigint"),
    ]


def test_without_create_nothing_is_created(postgres_url: str) -> None:
    sink = sink_at(postgres_url)
    with pytest.raises(SinkError, match="; load something into it first"):
        sink.open(create=False)
    assert query(postgres_url, "SELECT to_regclass('knowledge_base_meta')") == [(None,)]
    assert not sink.exists()
    with sink.open(), sink.open(create=False) as store:
        publish(store, version())
    assert sink.exists()


def test_the_identity_has_no_password_and_is_the_same_however_it_is_written(postgres_url: str) -> None:
    parts = urlsplit(postgres_url)
    identity = sink_at(postgres_url, table="a b").identity()
    host, port, name = parts.hostname, parts.port, parts.path[1:]
    assert identity == f"postgresql://{host}:{port}/{name}?schema=public&table=a+b"
    other = f"postgresql:///{name}?host={host}&port={port}&user=somebody&password={SECRET}"
    assert sink_at(other, table="a b").identity() == identity


def test_tables_stay_as_they_were_made(postgres_url: str) -> None:
    with store_at(postgres_url, full_text=False):
        pass
    assert "made without a search column" in str(failure(postgres_url, full_text=True))
    with store_at(postgres_url) as store:
        publish(store, version())
        assert marked(store.search("TEXT 1")[0]) == "some «text» «1»"


def test_a_dropped_view_is_made_again(postgres_url: str) -> None:
    with store_at(postgres_url) as store:
        publish(store, version())
    query(postgres_url, "DROP VIEW knowledge_base")
    with store_at(postgres_url):
        assert len(texts(postgres_url)) == 3


def test_many_open_an_empty_database_at_once(postgres_url: str) -> None:
    for number in range(8):
        start, errors = threading.Barrier(6), list[Exception]()

        def work(table: str, start: threading.Barrier, errors: list[Exception]) -> None:
            try:
                start.wait(10)
                with store_at(postgres_url, table=table):
                    pass
            except Exception as error:  # noqa: BLE001 - looked at below
                errors.append(error)

        threads = [threading.Thread(target=work, args=(f"t{number}", start, errors)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []


def test_who_finds_that_another_made_the_tables_meanwhile_waits_for_no_writer(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store_at(postgres_url):
        pass
    first_looks: list[dict[str, Any]] = [{}]
    look = schema._present

    def looks(*arguments: Any) -> dict[str, Any]:
        return first_looks.pop() if first_looks else look(*arguments)

    monkeypatch.setattr(schema, "_present", looks)
    with psycopg.connect(postgres_url) as writer:
        writer.execute("LOCK TABLE knowledge_base_documents IN ROW EXCLUSIVE MODE")
        with store_at(postgres_url, lock_timeout=1):
            assert not first_looks


def test_a_role_that_may_only_read_and_write_rows_is_enough(postgres_url: str) -> None:
    with store_at(postgres_url):
        pass
    grant = "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ROLE"
    with (
        role(
            postgres_url,
            "REVOKE TEMP ON DATABASE {} FROM PUBLIC".replace("{}", urlsplit(postgres_url).path[1:]),
            grant,
        ) as url,
        store_at(url) as store,
    ):
        first = version(content="1", chunks=500)
        publish(store, first)
        publish(store, version("b.md"))
        second = version(content="2")
        write(store, chunks_of(second), publications=(Publication(second),))
        assert len(store.ledger.documents("docs")) == 2
        assert store.search("text")
    assert len(texts(postgres_url)) == 6


@pytest.mark.parametrize(
    ("schema", "table"),
    [
        ('weird"Schema', 'weird"Name with space'),
        ("per%cent %s", "{per}%s cent%"),
        ("Ünï", "é" * 21),
        ("s" * 63, "t" * 43),
    ],
)
def test_odd_names_are_quoted(postgres_url: str, schema: str, table: str) -> None:
    query(postgres_url, "CREATE SCHEMA {}", names=[schema])
    for _ in range(2):
        with store_at(postgres_url, schema=schema, table=table) as store:
            publish(store, version())
            publish(store, version("b.md", chunks=500))
            assert len(store.search("text", limit=100)) == 100
            assert len(store.ledger.documents("docs")) == 2
            assert rows_of(store, version().document_id) == 3


def test_session_settings_are_applied(postgres_url: str) -> None:
    options = {
        "statement_timeout": 7.5,
        "lock_timeout": "2",
        "synchronous_commit": "off",
        "application_name": "me",
    }
    with store_at(postgres_url, **options) as store:
        activity = "SELECT application_name FROM pg_stat_activity WHERE application_name = 'me'"
        assert query(postgres_url, activity) == [("me",)]
        shown = [
            store._ledger._read(f"SHOW {name}")
            for name in ("statement_timeout", "lock_timeout", "synchronous_commit")
        ]
        assert shown == [[("7500ms",)], [("2s",)], [("off",)]]


def test_a_sink_is_picklable(postgres_url: str) -> None:
    with pickle.loads(pickle.dumps(sink_at(postgres_url, table="copied"))).open() as store:
        store.probe()
    with pytest.raises(SinkError, match="the store is closed"):
        store.probe()
    store.close()


def test_listing_sinks_does_not_import_the_driver() -> None:
    code = """if True:
        import sys
        from batchwright.builtin import postgres
        postgres.register_sinks()
        assert "psycopg" not in sys.modules"""
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


@pytest.mark.parametrize("table", ["records", "documents", "receipts"])
def test_a_table_that_was_dropped_is_not_made_again_in_silence(postgres_url: str, table: str) -> None:
    with store_at(postgres_url) as store:
        publish(store, version())
    query(postgres_url, f"DROP TABLE knowledge_base_{table} CASCADE")
    with pytest.raises(SinkError, match=f"lacks knowledge_base_{table}.* dropped, and their rows are lost"):
        store_at(postgres_url)
