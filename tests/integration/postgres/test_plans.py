"""No statement of a write or of the ledger reads a whole table, however little the server knows of it.

The tables hold a million rows each. Their statistics are those of tables with one row, which is what a first
load leaves behind while it fills them: the planner then takes every value for a common one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from batchwright.builtin.postgres.dialect import PostgresDialect
from batchwright.builtin.postgres.encoding import BinaryArray
from batchwright.builtin.postgres.ledger import BY_INDEX
from batchwright.builtin.postgres.names import Names
from batchwright.builtin.postgres.pipeline import Statement
from batchwright.builtin.postgres.rows import rows_of
from batchwright.builtin.postgres.statements import Statements
from batchwright.contracts.embedder import EmbeddingModel
from batchwright.contracts.receipts import ItemVersion, Receipt
from batchwright.contracts.records import CHUNK
from batchwright.contracts.vectors import Embedded, packed
from batchwright.sinkkit.sql_ledger.ledger import SqlLedger
from batchwright.sinkkit.sql_ledger.steps.receipt import ReceiptSteps
from batchwright.sinkkit.sql_ledger.tables import TABLES
from batchwright.testing.records import reject, sample
from tests.integration.postgres.examples import store_at
from tests.support.postgres import Databases

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROWS = 1_000_000
NAMES = Names("public", "kb")
DIALECT = PostgresDialect(NAMES.tables)
ROWS_OF_CHUNKS = rows_of(CHUNK)
STATEMENTS = Statements(CHUNK, ROWS_OF_CHUNKS.columns)
_VALUES = {"text": "{name} || n", "id": "md5('{name}' || n)::uuid", "integer": "n"}
_KEY = "sha256(n::text::bytea)"
_VECTORS = {
    "vectors": "INSERT INTO kb_vectors SELECT 1, {key}, '[1,0]' FROM {numbers}",
    "refused": "INSERT INTO kb_refused SELECT 1, sha256({key}) FROM {numbers}",
    "unused": "INSERT INTO kb_unused SELECT 1, {key}, '2026' FROM {numbers}",
}
_MODEL = EmbeddingModel("kit", 2)
_SMALL = ("kb_models", "kb_purged")
"""What has few rows: models, and the index of what a write has marked."""


@pytest.fixture(scope="module")
def connection(postgres_server: Databases) -> Iterator[psycopg.Connection[Any]]:
    url = postgres_server.create_database("plans")
    with store_at(url, table="kb", full_text=False) as store:
        assert store.vectors
        store.vectors.prepare(_MODEL, packed([1.0, 0.0], 2))
    tables = ["records", *(suffix for suffix in TABLES if suffix != "meta"), *_VECTORS]
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.RawCursor) as connection:
        for table in tables:
            connection.execute(f"ALTER TABLE kb_{table} SET (autovacuum_enabled = false)".encode())
            connection.execute(f"ALTER TABLE kb_{table} SET UNLOGGED".encode())  # in half the time
            fill(connection, table, 1, 1)
            connection.execute(f"ANALYZE kb_{table}".encode())
            fill(connection, table, 2, ROWS)
        yield connection
    postgres_server.drop_database("plans")


def fill(connection: psycopg.Connection[Any], table: str, first: int, last: int) -> None:
    """Add rows."""
    numbers = f"generate_series({first}, {last}) AS n"
    if table in _VECTORS:
        connection.execute(_VECTORS[table].format(key=_KEY, numbers=numbers).encode())
        return
    if table == "records":
        columns = [(column.name, column.type.name) for column in ROWS_OF_CHUNKS.columns]
        values = [_chunk_value(name, kind) for name, kind in columns]
        columns, values = [*columns, ("_vector_key", "bytea")], [*values, _KEY]
    else:
        columns = list(TABLES[table].columns)
        values = [
            _VALUES[kind].format(name=f"'{name} '" if kind == "text" else name) for name, kind in columns
        ]
    names = ", ".join(name for name, _ in columns)
    source = f"SELECT {', '.join(values)} FROM {numbers}"
    connection.execute(f"INSERT INTO kb_{table} ({names}) {source}".encode())


def _chunk_value(name: str, kind: str) -> str:
    given = {"uuid": f"md5('{name}' || n)::uuid", "text": "'text'", "date": "NULL", "jsonb": "'{}'"}
    return given.get(kind, "0")


def receipt() -> Receipt:
    """A receipt with something of everything, for a hundred documents."""
    made = [sample(f"{number}.md", 3) for number in range(100)]
    published, begun, patched, others = made[:40], made[40:60], made[60:70], made[70:]
    ids = [one.id for one in others]
    return Receipt(
        "batch",
        "run",
        "kit",
        0,
        100,
        begun=tuple(one.version for one in begun),
        continued=tuple(ids[:5]),
        publications=tuple(one.publication() for one in published),
        patched=tuple(one.version for one in patched),
        deleted=tuple((one.version.key, one.id) for one in others[5:15]),
        discarded=tuple(ids[15:20]),
        orphaned=tuple(ids[20:]),
        rejects=tuple(reject(one.chunks[0]) for one in made[:30]),
        resolved=tuple(f"reject {number}" for number in range(30)),
        noted=tuple(one.version for one in others[:10]),
        items=tuple(ItemVersion(f"{number}.csv", "etag", "csv1", 7) for number in range(30)),
        items_gone=tuple(f"gone {number}.csv" for number in range(30)),
        cursor="7",
        embedded=Embedded(_MODEL.identity, ()),
        purge=True,
    )


def of_a_write(made: Receipt) -> list[Statement]:
    """The statements of a write."""
    steps = ReceiptSteps(made, "now", vectors=True)
    chunks = [chunk for number in range(30) for chunk in sample(f"{number}.md", 3).chunks]
    stored = ROWS_OF_CHUNKS.arrays(ROWS_OF_CHUNKS.encode(chunks))
    return [
        *DIALECT.statements([*steps.before_rows(), *steps.after_rows()]),
        (NAMES.statement(STATEMENTS.new_rows()).as_bytes(None), stored),
        (NAMES.statement(STATEMENTS.rows).as_bytes(None), stored),
    ]


def test_a_write_looks_up_what_it_touches_by_plans_for_all_values(
    connection: psycopg.Connection[Any],
) -> None:
    wrong = []
    connection.adapters.register_dumper(BinaryArray, _dumper())
    with connection.transaction(force_rollback=True):
        for made in (receipt(), replace(receipt(), orphaned=())):
            first, *others = of_a_write(made)
            connection.execute(*first)  # which says how the others are planned
            # Nobody's rows are removed under the locks of all collections.
            for text, values in others if made.orphaned else [first, *others]:
                whole = whole_tables(kept_plan(connection, text, values))
                wrong += [
                    f"{node}\n{text.decode()}" for node in whole if not any(map(node.__contains__, _SMALL))
                ]
    assert not wrong, "\n\n".join(wrong)


def test_the_ledger_looks_up_what_it_is_asked_for(connection: psycopg.Connection[Any]) -> None:
    asked: list[tuple[str | bytes, Sequence[Any]]] = []

    class Recording:
        @contextmanager
        def reading(self) -> Iterator[Any]:
            yield self

        transaction = reading

        def execute(self, text: str | bytes, values: Sequence[Any]) -> Any:
            asked.append((text, values))
            return self

        def fetchall(self) -> list[Any]:
            text = str(asked[-1][0])
            return [("error 7",)] if "RECURSIVE" in text else [(0,)] if "count(*)" in text else []

    ledger = SqlLedger(Recording(), DIALECT)
    ledger.runs()
    ledger.committed("batch")
    ledger.documents("docs", "key 5")
    ledger.document("docs", "key 5")
    ledger.items("docs", "key 5")
    ledger.find("docs", ["key 5", "key 6"])
    ledger.refused("docs", ["key 5", "key 6"])
    ledger.refused("docs", after="key 5")
    ledger.cursor("docs")
    ledger.pending("docs")
    ledger.runs("docs")
    ledger.reject_count("docs")
    ledger.drop_collection("docs")
    ledger.drop_rejects(["id 1", "id 2"])
    for fields in (
        {"run_id": "run"},
        {"key": "k"},
        {"error": "error"},
        {"unreadable": True},
        {"ids": ["1"]},
        {},
    ):
        ledger.rejects(**fields)
        ledger.rejects("docs", **fields)
    connection.adapters.register_dumper(BinaryArray, _dumper())
    wrong = []
    with connection.transaction():
        connection.execute(f"SELECT {BY_INDEX}".encode())
        for text, values in asked:
            plan = explained(connection, text if isinstance(text, bytes) else text.encode(), values)
            read = [node for node in whole_tables(plan) if node.startswith("Seq Scan")]
            wrong += [f"{node}\n{text!r}" for node in read if "kb_collections" not in node]  # there are few
    assert len(asked) > 10
    assert not wrong, "\n\n".join(wrong)


def _dumper() -> Any:
    from batchwright.builtin.postgres.connection import ArrayDumper

    return ArrayDumper


def explained(connection: psycopg.Connection[Any], text: bytes, values: Sequence[Any]) -> dict[str, Any]:
    """Return the plan of a statement."""
    row = connection.execute(b"EXPLAIN (FORMAT json) " + text, values).fetchone()
    assert row is not None
    return dict(row[0][0]["Plan"])


def kept_plan(connection: psycopg.Connection[Any], text: bytes, values: Sequence[Any]) -> dict[str, Any]:
    """Return the plan that a function keeps of a statement."""
    types = f"({', '.join(f'{value.type.name}[]' for value in values)})" if values else ""
    given = f"({', '.join(['NULL'] * len(values))})" if values else ""
    connection.execute(f"PREPARE kept {types} AS {text.decode()}".encode())
    row = connection.execute(f"EXPLAIN (FORMAT json) EXECUTE kept {given}".encode()).fetchone()
    (made,) = connection.execute(
        b"SELECT custom_plans FROM pg_prepared_statements WHERE name = 'kept'"
    ).fetchall()
    connection.execute(b"DEALLOCATE kept")
    assert row is not None
    assert made == (0,)
    return dict(row[0][0]["Plan"])


def whole_tables(plan: dict[str, Any]) -> Iterator[str]:
    """Yield the nodes that read a table, or an index, from end to end."""
    kind, relation = plan["Node Type"], plan.get("Relation Name", "")
    unbounded = kind in ("Index Scan", "Index Only Scan", "Bitmap Index Scan") and "Index Cond" not in plan
    if kind == "Seq Scan" or unbounded:
        yield f"{kind} {relation} {plan.get('Index Name', '')} {plan.get('Filter', '')}"
    for part in plan.get("Plans", ()):
        yield from whole_tables(part)
