"""What lies in the database.

{table}             the published relation: a view of the records whose document version is published
{table}_records     every record, published or not yet; those of a document version are a range of ids
{table}_vectors     and three more, once there are vectors: see `batchwright.sinkkit.vectors.tables`
{table}_langchain   the published records with their vectors, as LangChain reads them

and the ledger's tables, as `batchwright.sinkkit.sql_ledger.tables` has them; {table}_meta holds the text
search configuration as well. {table}_before_…, _rows_… and _after_… are functions, see `functions`.
"""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from batchwright.builtin.postgres.columns import kept, shown
from batchwright.builtin.postgres.encoding import definition
from batchwright.contracts.fields import Field
from batchwright.contracts.records import RecordType
from batchwright.sinkkit.sql_tables import for_format
from batchwright.sinkkit.vectors.keys import COLUMN

SEARCHED_TEXT = 100_000
"""Characters of a text that are searched; a tsvector holds 1 MB, which no text of this length fills."""

SEARCHED_HEADER = 5_000
"""Characters of a header that are searched."""

SEARCH_INDEX = "CREATE INDEX IF NOT EXISTS {index} ON {records} USING gin (_search)"

# ruff: noqa: S608 - what is put together here are names of columns, quoted


def records(record_type: RecordType, text_search: str | None) -> str:
    """Return the statement that creates the table of the records, as a template.

    Args:
        record_type: What they are.
        text_search: The configuration of the full-text column, or None where there shall be none.
    """
    columns = ["_id uuid PRIMARY KEY", "_document_id uuid NOT NULL", *map(_column, record_type.fields)]
    if record_type.text is not None:
        columns.append(f"{COLUMN} bytea")
    if text_search and record_type.text is not None:
        columns.append(_search_column(record_type.heading, record_type.text, text_search))
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


def _search_column(heading: str | None, text: str, text_search: str) -> str:
    # The heading weighs more than the text. `left` keeps a long text from exceeding what a tsvector holds.
    configuration = for_format(sql.Literal(text_search).as_string(None))
    parts = [] if heading is None else [(heading, SEARCHED_HEADER, "A")]
    vectors = [
        f"setweight(to_tsvector({configuration}::regconfig, "
        f"left(coalesce({for_format(kept(name))}, ''), {characters})), '{weight}')"
        for name, characters, weight in [*parts, (text, SEARCHED_TEXT, "D")]
    ]
    return f"_search tsvector NOT NULL GENERATED ALWAYS AS ({' || '.join(vectors)}) STORED"
