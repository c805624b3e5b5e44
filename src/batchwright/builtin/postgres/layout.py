"""What lies in the database.

{table}             the published relation: a view of the records whose document version is published
{table}_records     every record, published or not yet; those of a document version are a range of ids
{table}_terms       how many records hold each of the more frequent terms, see `statistics`
{table}_vectors     and three more, once there are vectors: see `batchwright.sinkkit.vectors.tables`
{table}_langchain   the published records with their vectors, as LangChain reads them

and the ledger's tables, as `batchwright.sinkkit.sql_ledger.tables` has them; {table}_meta holds the state of
the search column as well. {table}_before_…, _after_… and _write_… are functions, see `functions`.
"""

from __future__ import annotations

from collections.abc import Iterator

from batchwright.builtin.postgres.columns import kept, shown
from batchwright.builtin.postgres.encoding import definition
from batchwright.builtin.postgres.search_column import SEARCH_COLUMN
from batchwright.contracts.fields import Field
from batchwright.contracts.records import RecordType
from batchwright.sinkkit.sql_tables import for_format
from batchwright.sinkkit.vectors.keys import COLUMN

UNCOMPRESSED = "ALTER TABLE {records} ALTER COLUMN _search SET STORAGE EXTERNAL"
"""A tsvector is no smaller when it is compressed, and trying that takes as long as storing it."""

SEARCH_INDEX = "CREATE INDEX IF NOT EXISTS {index} ON {records} USING gin (_search)"

TERMS = 'CREATE TABLE IF NOT EXISTS {terms} (term text COLLATE "C" PRIMARY KEY, records bigint NOT NULL)'

# ruff: noqa: S608 - what is put together here are names of columns, quoted


def records(record_type: RecordType, *, searched: bool) -> str:
    """Return the statement that creates the table of the records, as a template.

    Args:
        record_type: What they are.
        searched: Whether there shall be a search column.
    """
    columns = ["_id uuid PRIMARY KEY", "_document_id uuid NOT NULL", *map(_column, record_type.fields)]
    if record_type.text is not None:
        columns.append(f"{COLUMN} bytea")
    if searched:
        columns.append(f"{SEARCH_COLUMN} tsvector")
    return f"CREATE TABLE IF NOT EXISTS {{records}} ({', '.join(columns)})"


def view(record_type: RecordType) -> str:
    """Return the statement that creates the published relation, or adds columns at its end, as a template."""
    names = (for_format(f"c.{kept(name)} AS {shown(name)}") for name in record_type.names)
    own = (f"c._id AS {record_type.id_column}", f"d.collection AS {record_type.collection_column}")
    return (
        f"CREATE OR REPLACE VIEW {{view}} AS SELECT {', '.join([*own, *names])} FROM {{records}} AS c "
        "JOIN {documents} AS d ON d.document_id = c._document_id"
    )


def additions(added: tuple[Field, ...]) -> Iterator[str]:
    """Yield the statements that add columns, as templates."""
    for field in added:
        yield f"ALTER TABLE {{records}} ADD COLUMN {_column(field)}"


def widenings(widened: tuple[Field, ...]) -> Iterator[str]:
    """Yield the statements that widen columns, as templates. No view may name these meanwhile."""
    for field in widened:
        name = for_format(kept(field.name))
        yield f"ALTER TABLE {{records}} ALTER COLUMN {name} TYPE {definition(field)}"


def _column(field: Field) -> str:
    name = for_format(kept(field.name))
    return f"{name} {definition(field)}{'' if field.nullable else ' NOT NULL'}"
