"""The functions that carry out receipts: when they are there, when they are used, and what goes without."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from pathlib import Path

import psycopg
import pytest

from batchwright.builtin.postgres.functions import MOST_PARAMETERS
from batchwright.builtin.postgres.store import PostgresStore
from batchwright.builtin.postgres.writing import COPY_FROM_ROWS
from batchwright.contracts.fields import Field
from batchwright.contracts.receipts import Publication, Receipt
from batchwright.contracts.records import RecordType
from batchwright.contracts.rows import Row
from batchwright.errors import IncompleteDocument
from batchwright.model import Batch, record_id
from batchwright.secrets import describe
from tests.integration.postgres.examples import (
    chunks_of,
    plain_store_at,
    publish,
    query,
    rows_of,
    sink_at,
    store_at,
    texts,
    version,
    write,
)
from tests.support.command import imported_by_runs

SMALL, LARGE = 3, COPY_FROM_ROWS + 5
PARTS = ["after", "before", "write"]


def functions(url: str) -> list[str]:
    """The functions there are, by the part that they are for."""
    found = query(url, "SELECT proname FROM pg_proc WHERE proname LIKE 'knowledge_base%' ORDER BY proname")
    return [name.split("_")[2] for (name,) in found]


def uses_functions(store: PostgresStore) -> bool:
    """Whether it called functions in the writes so far."""
    return any(store._writing._functions.values())


def test_they_are_made_by_the_first_write_and_once(postgres_url: str) -> None:
    for number in range(2):
        with store_at(postgres_url) as store:
            assert functions(postgres_url) == PARTS * number
            for part in "ab":
                publish(store, version(f"{number}{part}.md"))
                assert uses_functions(store)
                assert functions(postgres_url) == PARTS


def test_an_unchanged_run_imports_nothing_that_writes(postgres_url: str, tmp_path: Path) -> None:
    (tmp_path / "one.md").write_text("# One\n\nWords.\n", "utf-8")
    arguments = ["run", str(tmp_path), "--to", postgres_url, "--collection", "c", "--quiet"]
    modules = {
        *("batchwright.builtin.postgres.writing", "batchwright.builtin.postgres.functions"),
        *("batchwright.builtin.postgres.vector_tables", "batchwright.sinkkit.sql_ledger.steps.receipt"),
    }
    first, again = imported_by_runs(arguments, modules)
    assert "postgres.functions" in first  # else the probe sees nothing
    assert again.splitlines()[-1] == "[0]"


def test_many_at_once_make_them_once(postgres_url: str) -> None:
    with plain_store_at(postgres_url):
        pass
    used: list[bool] = []

    def work(number: int) -> None:
        with store_at(postgres_url) as store:
            publish(store, version(f"{number}.md"))
            used.append(uses_functions(store))

    threads = [threading.Thread(target=work, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert used == [True] * 6
    assert functions(postgres_url) == PARTS


def test_a_reading_store_makes_none(postgres_url: str) -> None:
    with plain_store_at(postgres_url) as store:
        publish(store, version("a.md"))
        assert not uses_functions(store)
    assert functions(postgres_url) == []
    assert len(texts(postgres_url)) == 3


@pytest.mark.parametrize("rows", [SMALL, LARGE])
def test_an_error_in_one_is_told_without_its_statement(postgres_url: str, rows: int) -> None:
    with store_at(postgres_url) as store:
        query(postgres_url, "ALTER TABLE knowledge_base_records RENAME TO gone")
        with pytest.raises(psycopg.errors.UndefinedTable) as raised:
            publish(store, version("a.md", chunks=rows))
    assert describe(raised.value) == 'relation "public.knowledge_base_records" does not exist'


def test_what_another_put_in_their_place_is_not_called(postgres_url: str) -> None:
    with store_at(postgres_url) as store:
        publish(store, version("b.md"))
    (name, arguments), *_ = query(
        postgres_url,
        "SELECT proname, pg_get_function_arguments(oid) FROM pg_proc WHERE proname LIKE '%base_before%'",
    )
    body = "BEGIN RAISE EXCEPTION 'called'; END"
    query(
        postgres_url,
        f"CREATE OR REPLACE FUNCTION {name}({arguments}) RETURNS boolean LANGUAGE plpgsql AS $${body}$$",
    )
    with sink_at(postgres_url).open(create=False) as store:
        publish(store, version("a.md"))
        assert not uses_functions(store)
    assert len(texts(postgres_url)) == 6


@pytest.mark.parametrize("count", [SMALL, LARGE])
def test_nothing_is_prepared_in_the_session(postgres_url: str, count: int) -> None:
    with store_at(postgres_url) as store:
        for number in range(8):
            publish(store, version(f"{number}.md", chunks=count))
        with store._database.reading() as connection:
            assert connection.execute("SELECT * FROM pg_prepared_statements").fetchall() == []


@pytest.mark.parametrize("count", [SMALL, LARGE])
def test_a_write_that_is_refused_spoils_none_that_comes_after(postgres_url: str, count: int) -> None:
    with store_at(postgres_url) as store:
        for number in range(8):  # more often than it takes the server to make a plan for all values
            whole = version(f"{number}.md", chunks=count)
            with pytest.raises(IncompleteDocument):
                write(store, chunks_of(whole)[1:], publications=(Publication(whole),))
            publish(store, whole)
            assert rows_of(store, whole.document_id) == count


def test_replacing_and_loading_again_work_from_kept_plans(postgres_url: str) -> None:
    with store_at(postgres_url) as store:
        for content in range(12):
            publish(store, version("a.md", str(content)), f"text {content}")
            publish(store, version("b.md", "same"), f"text {content}")  # rows that are there already
    found = query(postgres_url, "SELECT chunk_text FROM knowledge_base ORDER BY source_file, chunk_index")
    assert found == [(f"text 11 {index}",) for index in range(3)] * 2


def test_rows_beyond_those_of_the_version_are_noticed_although_it_is_published(postgres_url: str) -> None:
    with store_at(postgres_url) as store:
        whole = version("a.md")
        publish(store, whole)
        stray = chunks_of(version("a.md", chunks=4))[3:]
        assert stray[0].document_id == whole.document_id
        query(
            postgres_url,
            "INSERT INTO knowledge_base_records (_id, _document_id, chunk_text, chunk_hash, context_header, "
            "source_file, chunk_index, total_chunks, chunk_token_count, metadata) "
            "SELECT %s, _document_id, '', '', '', '', 3, 3, 0, '{{}}' FROM knowledge_base_records LIMIT 1",
            stray[0].id,
        )
        with pytest.raises(IncompleteDocument):
            publish(store, whole)


def test_a_row_may_have_more_columns_than_a_function_has_parameters(postgres_url: str) -> None:
    names = ["key", *(f"column_{number}" for number in range(MOST_PARAMETERS))]
    wide = RecordType("wide", tuple(Field(name, "text") for name in names), key="key")
    with sink_at(postgres_url).open(wide) as store:
        assert isinstance(store, PostgresStore)
        for index in range(2):
            batch = Batch([Row(record_id(version().document_id, index), tuple(names), 10)], index)
            store.write(batch, Receipt(f"batch {index}", "run", "c", index, 1, begun=(version(),)))
        assert uses_functions(store)
    assert query(postgres_url, "SELECT count(*) FROM wide_records") == [(2,)]


def _age(url: str, days: int) -> None:
    """Let the functions that are there have been made so many days ago."""
    found = query(url, "SELECT oid::regprocedure::text FROM pg_proc WHERE proname LIKE 'knowledge_base%'")
    for (name,) in found:
        query(url, f"COMMENT ON FUNCTION {name} IS 'batchwright, {date.today() - timedelta(days)}'")


def _leave_an_older_version(url: str, days: int) -> str:
    query(url, "CREATE FUNCTION knowledge_base_after_0123abcd() RETURNS integer LANGUAGE sql AS 'SELECT 1'")
    _age(url, days)
    return "knowledge_base_after_0123abcd"


def _drop_ours(url: str) -> None:
    names = "SELECT oid::regprocedure::text FROM pg_proc WHERE proname LIKE 'knowledge_base%'"
    for (name,) in query(url, f"{names} AND proname !~ '0123abcd'"):
        query(url, f"DROP FUNCTION {name}")


@pytest.mark.parametrize(("days", "stays"), [(31, False), (29, True)])
def test_making_new_ones_drops_those_of_another_version_that_are_old(
    postgres_url: str, days: int, stays: bool
) -> None:
    with store_at(postgres_url) as store:
        publish(store, version("a.md"))
    older = _leave_an_older_version(postgres_url, days)
    _drop_ours(postgres_url)
    query(postgres_url, "CREATE FUNCTION knowledge_base_mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'")
    query(postgres_url, f"COMMENT ON FUNCTION knowledge_base_mine() IS 'batchwright, {date(2020, 1, 1)}'")
    with store_at(postgres_url) as store:
        publish(store, version("b.md"))
        assert uses_functions(store)
    there = {
        name for (name,) in query(postgres_url, "SELECT proname FROM pg_proc WHERE proname LIKE 'knowledge%'")
    }
    assert (older in there) is stays
    assert "knowledge_base_mine" in there


def test_old_ones_that_are_in_use_stay_where_nothing_is_new(postgres_url: str) -> None:
    with store_at(postgres_url) as store:
        publish(store, version("a.md"))
    _age(postgres_url, 400)
    with store_at(postgres_url) as store:
        publish(store, version("b.md"))
        assert uses_functions(store)
    assert functions(postgres_url) == PARTS


@pytest.mark.parametrize("count", [SMALL, LARGE])
def test_a_store_whose_functions_are_dropped_goes_on_without(postgres_url: str, count: int) -> None:
    with store_at(postgres_url) as store:
        publish(store, version("a.md", chunks=count))
        _drop_ours(postgres_url)
        publish(store, version("b.md", chunks=count))
        assert not uses_functions(store)
        publish(store, version("c.md", chunks=count))
    assert len(texts(postgres_url)) == 3 * count
