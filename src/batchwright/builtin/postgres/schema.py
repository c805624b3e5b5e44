"""Creating what is missing in the database, and understanding what is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from batchwright.builtin.postgres import layout
from batchwright.builtin.postgres.dialect import PostgresDialect
from batchwright.builtin.postgres.indexing import State
from batchwright.builtin.postgres.names import Names
from batchwright.builtin.postgres.narrow import ServerEncoding
from batchwright.builtin.postgres.opening import Opening
from batchwright.builtin.postgres.options import PostgresOptions
from batchwright.builtin.postgres.rows import Rows, rows_of
from batchwright.contracts.fields import Field
from batchwright.contracts.records import CHUNK, RecordType
from batchwright.errors import SinkError
from batchwright.sinkkit.record_changes import META_KEY, added_fields, extended, widened_fields
from batchwright.sinkkit.refused_tables import dropped
from batchwright.sinkkit.relations import SUFFIXES, relations_among
from batchwright.sinkkit.search.version import VERSION
from batchwright.sinkkit.sql_ledger.tables import LAYOUT

_LOCK_TIMEOUT = "60s"


Connection = psycopg.Connection[Any]


class _Found(NamedTuple):
    """A relation: its kind, and whether triggers or rules may leave out rows that are written to it."""

    kind: str
    meddles: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """What the tables that are there were made for.

    Attributes:
        searched: Whether there is a search column.
        record_type: What the store writes and reads.
        rows: How that is stored.
        counts: Whether rows are to be counted once they are written: triggers or rules may leave some out.
    """

    searched: bool
    record_type: RecordType
    rows: Rows
    counts: bool


def prepare(
    connection: Connection,
    names: Names,
    options: PostgresOptions,
    opening: Opening,
    record_type: RecordType | None = None,
    *,
    create: bool = True,
) -> Layout:
    """Create what is missing, and return what is there.

    Where nothing is missing, no privilege to create anything is needed. Without `create`, what is missing
    is an error.

    Args:
        connection: An idle connection.
        names: The relations.
        options: How new ones are made.
        opening: How transactions are opened.
        record_type: What they are to hold; None for what they hold.
        create: Whether to create anything.

    Raises:
        ConfigError: The tables were made for another record type.
        SinkError: The schema is missing, a name is taken, or a newer batchwright made the tables.
    """
    present = _present(connection, names)
    missing = [name for name in names.relations if name not in present]
    if missing and not create:
        lacking = sql.Identifier(names.schema, missing[0]).as_string(None)
        raise SinkError(f"the target lacks {lacking}; load something into it first")
    if missing:
        with _changing(connection, names, options, opening):
            _create(connection, names, options, record_type or CHUNK, _present(connection, names))
    elif present[names.table].kind != "v":
        raise _taken(names, [names.table])
    meta = _meta(connection, names)
    state = _searched(meta, names, options)
    if state is not None and state.version > VERSION and create:
        raise SinkError(
            f"the search column of {names.qualified()} was made by a newer batchwright; upgrade batchwright"
        )
    stored = _stored_type(meta)
    wanted = record_type or stored
    if any(_changes(stored, wanted, names)):
        if not create:
            raise SinkError(f"{names.qualified()} lacks fields of {wanted.name}; load into it first")
        with _changing(connection, names, options, opening):
            _add(connection, names, wanted)
    encoding = ServerEncoding.of(connection.info.parameter_status("server_encoding"))
    rows = rows_of(wanted, None if state is None else encoding)
    records = present.get(names.suffixed["records"])
    return Layout(state is not None, wanted, rows, records is not None and records.meddles)


def exists(connection: Connection, names: Names) -> bool:
    """Tell whether our tables are there.

    Raises:
        SinkError: The schema is missing.
    """
    return names.suffixed["meta"] in _present(connection, names)


def relations(connection: Connection, schema: str) -> list[str]:
    """Return the published relations of the schema that have a ledger, whoever may read them.

    Raises:
        SinkError: The schema is missing.
    """
    pattern = f"_({'|'.join(SUFFIXES)})$"
    return relations_among(_there(connection, schema, "c.relkind IN ('r', 'p') AND c.relname ~ $2", pattern))


def _present(connection: Connection, names: Names) -> dict[str, _Found]:
    """Return which of our names are taken in the schema, and by what."""
    return _there(connection, names.schema, "c.relname = ANY($2::text[])", names.relations)


def _there(connection: Connection, schema: str, which: str, value: str | list[str]) -> dict[str, _Found]:
    """Return the relations of a schema that meet a condition about `$2`."""
    query = (
        "SELECT c.relname::text, c.relkind::text, c.relhastriggers OR c.relhasrules"  # noqa: S608 - ours
        " FROM pg_catalog.pg_namespace AS n"
        f" LEFT JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND {which}"
        " WHERE n.nspname = $1"
    )
    rows = connection.execute(query.encode(), [schema, value]).fetchall()
    if not rows:
        quoted = sql.Identifier(schema).as_string(None)
        raise SinkError(
            f"the schema {quoted} does not exist: run CREATE SCHEMA {quoted}; or choose another with schema="
        )
    return {name: _Found(*found) for name, *found in rows if name is not None}


@contextmanager
def _changing(
    connection: Connection, names: Names, options: PostgresOptions, opening: Opening
) -> Iterator[None]:
    """Be in a transaction, and the only one that changes these tables."""
    with connection.transaction():
        connection.execute(opening.settings)
        if options.lock_timeout is None:
            connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(_LOCK_TIMEOUT))
        # IF NOT EXISTS does not protect from others who create the same at the same time.
        identity = f"batchwright {names.schema!r} {names.table!r}"
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [identity])
        yield


def _meta(connection: Connection, names: Names) -> dict[str, str]:
    return dict(connection.execute(names.statement("SELECT key, value FROM {meta}")).fetchall())


def _stored_type(meta: Mapping[str, str]) -> RecordType:
    return RecordType.from_json(meta[META_KEY]) if META_KEY in meta else CHUNK


def _add(connection: Connection, names: Names, wanted: RecordType) -> None:
    """Add the fields that the tables lack, and widen others; another process may have just done that."""
    from batchwright.builtin.postgres import langchain_view  # most runs add none
    from batchwright.builtin.postgres.changing_view import changing_view

    stored = _stored_type(_meta(connection, names))
    added, widened = _changes(stored, wanted, names)
    if added or widened:
        record_type = extended(stored, (*added, *widened))
        views = {"view": layout.view(record_type)}
        if langchain_view.is_shown(connection, names):
            views[langchain_view.LANGCHAIN] = langchain_view.definition(record_type)
        with ExitStack() as changing:
            for view in views:
                changing.enter_context(changing_view(connection, names, view, [one.name for one in widened]))
            for statement in (*layout.additions(added), *layout.widenings(widened), *views.values()):
                connection.execute(names.statement(statement))
        update = names.statement("UPDATE {meta} SET value = $2 WHERE key = $1")
        connection.execute(update, [META_KEY, record_type.as_json()])


def _changes(
    stored: RecordType, wanted: RecordType, names: Names
) -> tuple[tuple[Field, ...], tuple[Field, ...]]:
    """Return the fields that the tables lack, and those that they have in a narrower type."""
    return added_fields(stored, wanted, names.qualified(), widens=True), widened_fields(stored, wanted)


def _create(
    connection: Connection,
    names: Names,
    options: PostgresOptions,
    record_type: RecordType,
    present: dict[str, _Found],
) -> None:
    ours = names.suffixed["meta"] in present
    if foreign := [
        name for name in present if not ours or (name == names.table and present[name].kind != "v")
    ]:
        raise _taken(names, foreign)
    if ours:  # the view was dropped by hand: make it again for what the tables are made for
        gone = [name for name in names.relations if name not in present and name != names.table]
        if gone:
            raise dropped(names.qualified(), gone)
        meta = _meta(connection, names)
        searched = _searched(meta, names, options) is not None
        record_type = _stored_type(meta)
    else:
        searched = options.full_text and record_type.text is not None
    for statement in PostgresDialect(names.tables).definitions().values():
        connection.execute(statement)
    if not ours:
        insert = names.statement("INSERT INTO {meta} (key, value) VALUES ($1, $2)")
        kept = {"layout": str(LAYOUT), META_KEY: record_type.as_json()}
        kept.update(State().as_meta() if searched else {})
        for entry in kept.items():
            connection.execute(insert, entry)
    connection.execute(names.statement(layout.records(record_type, searched=searched)))
    connection.execute(names.statement(layout.TERMS))
    if searched and not ours:
        connection.execute(names.statement(layout.UNCOMPRESSED))
    if searched:
        connection.execute(names.statement(layout.SEARCH_INDEX))
    if names.table not in present:
        connection.execute(names.statement(layout.view(record_type)))


def _searched(meta: Mapping[str, str], names: Names, options: PostgresOptions) -> State | None:
    """Return how far the search column is made, or None where there is none."""
    if not meta:
        raise SinkError(
            f"{names.qualified('meta')} shows this role no row: it was emptied, or row-level security hides "
            "them; let the owner give the role a policy, as in CREATE POLICY reader ON … TO … USING (true), "
            "or choose another table with table= or schema="
        )
    found = meta.get("layout") or meta.get("schema_version", "")
    if found != str(LAYOUT):
        newer = found.isdigit() and int(found) > LAYOUT
        advice = "upgrade batchwright" if newer else "load the documents anew into another table"
        raise SinkError(
            f"{names.qualified('meta')} says layout {found!r}; this batchwright knows layout {LAYOUT}: "
            f"{advice}, and choose another with table= or schema="
        )
    state = State.of(meta)
    given = options.model_fields_set
    searchable = _stored_type(meta).text is not None
    if searchable and "full_text" in given and options.full_text != (state is not None):
        made = "with" if state else "without"
        raise SinkError(
            f"the tables of {names.qualified()} were made {made} a search column: leave full_text= out, "
            "or choose another table="
        )
    return state


def _taken(names: Names, foreign: list[str]) -> SinkError:
    taken = ", ".join(sql.Identifier(names.schema, name).as_string(None) for name in sorted(foreign))
    return SinkError(
        f"there is already a relation {taken} that batchwright did not make, and does not touch: "
        "choose another name with table= (or another schema with schema=)"
    )
