"""What is particular to DuckDB: one process, a shared handle, names, errors in words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
from batchwright_duckdb import DuckdbOptions, DuckdbSink, classify_error
from batchwright_duckdb.options import database_path
from batchwright_duckdb.store import DuckdbStore
from pydantic import SecretStr

from batchwright import (
    Batch,
    ConfigError,
    ErrorRecoveryAction,
    Failure,
    Receipt,
    SinkError,
)
from batchwright.testing.scenario import A1, B1, FINAL, load
from tests.support.search_checks import check_search

COLUMNS = [
    *("id", "collection", "span_start", "span_end", "chunk_text", "chunk_hash", "context_header"),
    *("source_file", "source_category", "document_date", "chunk_index", "total_chunks"),
    *("chunk_token_count", "metadata", "line", "page"),
]


def sink_of(path: Path, **values: Any) -> DuckdbSink:
    return DuckdbSink(DuckdbOptions(url=SecretStr(f"duckdb:///{path}"), **values))


def test_stores_of_one_process_share_the_file(tmp_path: Path) -> None:
    path = tmp_path / "kb.duckdb"
    with sink_of(path).open() as one, sink_of(path).open() as other:
        load(one)
        assert other.ledger.committed("6")
        assert [known.version.key for known in other.ledger.documents("kit")] == [
            "a.md",
            "b.md",
            "c.md",
            "e.md",
        ]
    path.rename(tmp_path / "moved.duckdb")  # nothing holds it


def test_the_view_has_the_columns_of_the_other_sinks_and_real_types(tmp_path: Path) -> None:
    path = tmp_path / "kb.duckdb"
    with sink_of(path).open() as store:
        load(store)
    with duckdb.connect(str(path)) as connection:
        described = connection.execute("DESCRIBE knowledge_base").fetchall()
        assert [row[0] for row in described] == COLUMNS
        types = {row[0]: row[1] for row in described}
        assert (types["id"], types["document_date"], types["metadata"]) == ("UUID", "DATE", "JSON")
        title = connection.execute(
            "SELECT DISTINCT metadata->>'title' FROM knowledge_base ORDER BY 1"
        ).fetchall()
        assert title == [("a.md",), ("b.md",), ("c.md",), ("e.md",)]


def test_names_are_quoted(tmp_path: Path) -> None:
    path = tmp_path / "kb.duckdb"
    sink = sink_of(path, table='odd "name"; --', schema="my schema")
    with sink.open() as store:
        load(store)
        assert sink.exists()
    with duckdb.connect(str(path)) as connection:
        count = connection.execute('SELECT count(*) FROM "my schema"."odd ""name""; --"').fetchall()
        assert count == [(len(FINAL),)]


def test_a_file_that_another_process_has_is_named_with_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "kb.duckdb"
    code = (
        f"import duckdb, sys; c = duckdb.connect({str(path)!r}); print('open', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    try:
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(SinkError, match=rf"in use by process {holder.pid};"):
            sink_of(path, busy_timeout=0.1).open()
    finally:
        holder.communicate("\n", 10)
    sink_of(path).open().close()


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"hello" * 5000, "not a DuckDB database"), (b"SQLite format 3\0" * 99, "choose another")],
)
def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "kb.duckdb"
    path.write_bytes(content)
    with pytest.raises(SinkError, match=reason):
        sink_of(path).open()
    with pytest.raises(SinkError):
        sink_of(path).exists()
    assert path.read_bytes() == content


def test_a_table_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "kb.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE knowledge_base (mine INTEGER)")
    with pytest.raises(SinkError, match="did not make"):
        sink_of(path).open()


def test_a_file_removed_while_open_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "kb.duckdb"
    with sink_of(path).open() as store:
        path.unlink()
        with pytest.raises(SinkError, match="removed or replaced"):
            store.write(
                Batch(list(A1.chunks), 0), Receipt("1", "run", "kit", publications=(A1.publication(),))
            )


def test_stores_are_lost_when_duckdb_gives_the_database_up_and_new_ones_work(tmp_path: Path) -> None:
    path = tmp_path / "kb.duckdb"
    sink = sink_of(path)
    with sink.open() as store, sink.open() as other:
        store.write(Batch(list(A1.chunks), 0), Receipt("1", "run", "kit", publications=(A1.publication(),)))
        with pytest.raises(ConnectionError, match="gave"):
            invalidate(store)
        for lost in (store, other, store):
            with pytest.raises(ConnectionError, match="opened anew"):
                lost.probe()
        with sink.open() as new:
            new.write(Batch(list(B1.chunks), 1), Receipt("2", "run", "kit", publications=(B1.publication(),)))
            with pytest.raises(ConnectionError, match="opened anew"):
                other.ledger.documents("kit")
            other.close()
            store.close()
            assert another_process_is_locked_out(path), "closing what was lost released the new handle's lock"
            assert [known.version.key for known in new.ledger.documents("kit")] == ["a.md", "b.md"]


def invalidate(store: DuckdbStore) -> None:
    """Let a checkpoint fail halfway, after which DuckDB refuses every statement."""
    with store._session.reading() as connection:
        connection.execute("SET debug_checkpoint_abort = 'before_header'")
        connection.execute("CHECKPOINT")


def another_process_is_locked_out(path: Path) -> bool:
    code = f"import duckdb; duckdb.connect({str(path)!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    return "lock on file" in done.stderr


def test_a_store_that_may_create_nothing_creates_nothing(tmp_path: Path) -> None:
    path = tmp_path / "new" / "kb.duckdb"
    with pytest.raises(SinkError, match="load something into it first"):
        sink_of(path).open(create=False)
    assert not path.parent.exists()
    sink_of(path).open().close()
    with pytest.raises(SinkError, match="lacks tables"):
        sink_of(path, table="other").open(create=False)
    with sink_of(path).open(create=False) as store:
        assert store.ledger.documents("kit") == []


def test_tables_of_another_layout_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "kb.duckdb"
    sink_of(path).open().close()
    for layout, advice in (("1", "load the documents anew"), ("99", "update batchwright")):
        with duckdb.connect(str(path)) as connection:
            connection.execute("UPDATE knowledge_base_meta SET value = ?", [layout])
        with pytest.raises(SinkError, match=advice):
            sink_of(path).open()


def test_exists_makes_no_file(tmp_path: Path) -> None:
    path = tmp_path / "kb.duckdb"
    assert not sink_of(path).exists()
    assert not path.exists()
    sink_of(path).open().close()
    assert sink_of(path).exists()
    assert not sink_of(path, table="other").exists()


def test_search_ranks_headings_and_ignores_case(tmp_path: Path) -> None:
    with sink_of(tmp_path / "kb.duckdb").open() as store:
        check_search(store)


@pytest.mark.parametrize(
    "url", ["duckdb://host/kb.duckdb", "duckdb:///", "duckdb:///:memory:", "duckdb:///a?b=1", "duckdb:///a#b"]
)
def test_urls_that_name_no_file_are_refused(url: str) -> None:
    with pytest.raises(ConfigError, match=r"names (no|a) f|unknown parameters|'#'|must be a file"):
        database_path(DuckdbOptions(url=SecretStr(url)))


def test_options_are_checked() -> None:
    for wrong in ({"table": " "}, {"schema": "\0"}, {"memory_limit": "lots"}, {"threads": 0}, {"tabel": "x"}):
        with pytest.raises(ConfigError):
            DuckdbOptions.model_validate({"url": "duckdb:///kb", **wrong})


def test_errors_of_duckdb_are_classified_and_others_are_not() -> None:
    def action(error: Exception) -> ErrorRecoveryAction | None:
        verdict = classify_error(Failure(error))
        return None if verdict is None else verdict.action

    assert action(duckdb.InterruptException("x")) is ErrorRecoveryAction.RETRY
    assert action(duckdb.TransactionException("x")) is ErrorRecoveryAction.RETRY
    assert action(duckdb.ConversionException("x")) is ErrorRecoveryAction.SKIP
    assert action(duckdb.ConstraintException("x")) is ErrorRecoveryAction.FAIL
    assert action(duckdb.ParserException("x")) is None
    assert action(ValueError("x")) is None


def test_starting_batchwright_does_not_load_duckdb() -> None:
    code = "import batchwright_duckdb, sys; print({'duckdb', 'pyarrow'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "set()\n"
