"""Functions in the database that carry out what most receipts ask for.

A statement that is sent as text is parsed and planned each time, which for a small batch costs more than
carrying it out, and behind a pooler nothing can be prepared in a session. What stands in a function is
planned once a server process, whoever calls it. The functions consist of the very steps of a receipt; one
that has other steps is sent as statements, and so are all by a role that can't call the functions.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import date
from itertools import chain
from typing import Any

import psycopg
from psycopg import sql

from batchwright.builtin.postgres.dialect import PostgresDialect, encoded
from batchwright.builtin.postgres.encoding import BinaryArray
from batchwright.builtin.postgres.names import Names
from batchwright.builtin.postgres.opening import Opening
from batchwright.builtin.postgres.rows import Rows
from batchwright.builtin.postgres.statements import Statements
from batchwright.contracts.receipts import DocumentVersion, Publication, Receipt
from batchwright.model import document_id
from batchwright.sinkkit.sql_ledger.steps.receipt import after_rows, before_rows
from batchwright.sinkkit.sql_ledger.steps.step import Step

_PARAMETER = re.compile(r"\$(\d+)")
_QUERY = re.compile(r"\A\s*SELECT\b")
_TYPES = {"text": "text", "id": "uuid", "integer": "bigint"}
_FOUND = {"documents": 1, "pending": 2}
_ALL = sum(_FOUND.values())

MOST_PARAMETERS = 100
"""Of a function, as Postgres is built (FUNC_MAX_ARGS)."""

_INSTALLED = """
    SELECT f.proname::text FROM pg_catalog.pg_proc AS f
    JOIN pg_catalog.pg_class AS meta ON meta.oid = $1::regclass AND meta.relnamespace = f.pronamespace
    WHERE f.proname = ANY ($2::text[]) AND NOT f.prosecdef
    AND f.prosrc = ANY ($3::text[]) AND has_function_privilege(f.oid, 'EXECUTE')
    AND (f.proowner = meta.relowner OR pg_has_role(f.proowner, 'USAGE'))"""
_OLD = r"""
    SELECT f.oid::regprocedure::text FROM pg_catalog.pg_proc AS f
    JOIN pg_catalog.pg_class AS meta ON meta.oid = $1::regclass AND meta.relnamespace = f.pronamespace
    WHERE starts_with(f.proname, $2) AND f.proname <> ALL ($3::text[]) AND pg_has_role(f.proowner, 'USAGE')
    AND substr(f.proname, length($2) + 1) ~ '^_(before|rows|after)_[0-9a-f]{8}$'
    AND substring(obj_description(f.oid, 'pg_proc') FROM '^batchwright, (\d{4}-\d\d-\d\d)$')::date
        < current_date - 30"""
_MAY_CREATE = "SELECT has_schema_privilege($1, 'CREATE')"


class Parameters:
    """The parameters of one statement; columns with the same values are one."""

    def __init__(self) -> None:
        self.values: list[BinaryArray] = []
        self._known: dict[tuple[str, tuple[Any, ...]], str] = {}

    def of(self, kind: str, values: tuple[Any, ...]) -> str:
        """Return what stands in the statement for a column of the ledger.

        Raises:
            ValueError: A value is none that Postgres can store.
        """
        known = self._known.get((kind, values))
        if known is None:
            known = self._known[kind, values] = self.add(encoded(kind, values))
        return known

    def add(self, value: BinaryArray) -> str:
        """Return what stands in the statement for an array."""
        self.values.append(value)
        return f"${len(self.values)}"


class Functions:
    """The functions of one relation: what comes before the rows, new rows, and what comes after them.

    The first tells in which tables there were rows before that it locked, as a sum of `_FOUND`; the others
    are given that, and leave out what has nothing to do.

    Args:
        names: The relations.
        dialect: How the steps are said.
        rows: What the rows are.
    """

    def __init__(self, names: Names, dialect: PostgresDialect, rows: Rows) -> None:
        usual = _usual()
        self._before = _Steps(list(before_rows(usual, "")), dialect)
        held = {usual.publications[0].version.document_id: 1}
        self._after = _Steps(list(after_rows(usual, "", held=held)), dialect)
        # its first parameter is what was found before
        template = Statements(rows.record_type, rows.columns).new_rows(first=2)
        new_rows = names.statement(template).as_string(None)
        types = ", ".join(("integer", *(f"{column.type.name}[]" for column in rows.columns)))
        self._made = {
            "before": (self._before.types, self._before.body("0")),
            "after": (f"integer, {self._after.types}", self._after.body("$1")),
        }
        if len(rows.columns) < MOST_PARAMETERS:
            self._made["rows"] = (types, _body([f"{new_rows};"], "$1"))
        self._names = {
            part: sql.Identifier(names.schema, _name(names, part, *made)).as_string(None)
            for part, made in self._made.items()
        }
        self._plain_names = [_name(names, part, *made) for part, made in self._made.items()]
        self._table = names.table
        self._meta = names.qualified("meta")
        self._schema = names.schema

    def installed(self, connection: psycopg.Connection[Any], opening: Opening, *, create: bool) -> bool:
        """Tell whether the functions are there, are ours, and may be called.

        Making some drops those that another version of batchwright, or of the record type, made more than a
        month ago. Who still uses one sends its statements as text until it makes it anew.

        Args:
            connection: An idle connection, or one in a transaction.
            opening: How transactions are opened.
            create: Whether to make them where they are missing, if the role may.
        """
        if not self._missing(connection):
            return True
        if not create or not connection.execute(_MAY_CREATE, [self._schema]).fetchall()[0][0]:
            return False
        with connection.transaction():
            connection.execute(opening.settings)
            connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [self._meta])
            for part in self._missing(connection):  # those of another record type have the others already
                types, body = self._made[part]
                text = f"CREATE FUNCTION {self._names[part]} ({types}) RETURNS integer LANGUAGE plpgsql"
                connection.execute(f"{text} AS {sql.Literal(body).as_string(None)}".encode())
                made = sql.Literal(f"batchwright, {date.today().isoformat()}").as_string(None)
                connection.execute(f"COMMENT ON FUNCTION {self._names[part]} ({types}) IS {made}".encode())
            old = [self._meta, self._table, self._plain_names]
            for (name,) in connection.execute(_OLD, old).fetchall():
                connection.execute(f"DROP FUNCTION {name}".encode())
        return not self._missing(connection)

    def before(self, steps: Sequence[Step], parameters: Parameters) -> str | None:
        """Return the call for what comes before the rows; None where the function lacks a step."""
        return self._before.call(self._names["before"], [], steps, parameters)

    def rows(self, found: str, values: Sequence[BinaryArray], parameters: Parameters) -> str | None:
        """Return the call that stores new rows once another, whose value it hands on, was carried out.

        None where a row has too many columns for a function.
        """
        if "rows" not in self._names:
            return None
        return f"{self._names['rows']}({', '.join([found, *map(parameters.add, values)])})"

    def after(self, found: str | None, steps: Sequence[Step], parameters: Parameters) -> str | None:
        """Return the call for what comes after the rows; None where the function lacks a step.

        Args:
            found: The call to be carried out before, or its value; None where that is not known.
            steps: The steps.
            parameters: Those of the statement.
        """
        return self._after.call(self._names["after"], [found or str(_ALL)], steps, parameters)

    def _missing(self, connection: psycopg.Connection[Any]) -> list[str]:
        bodies = [body for _, body in self._made.values()]
        found = connection.execute(_INSTALLED, [self._meta, self._plain_names, bodies]).fetchall()
        there = {name for (name,) in found}
        return [part for part, name in zip(self._made, self._plain_names, strict=True) if name not in there]


class _Steps:
    """Steps in a function, of which a receipt may need only some."""

    def __init__(self, steps: Sequence[Step], dialect: PostgresDialect) -> None:
        self._places = {_key(step): number for number, step in enumerate(steps)}
        self._nothing = [["'{}'"] * len(step.columns) for step in steps]
        self._steps = steps
        self._dialect = dialect
        kinds = (kind for step in steps for _, kind in step.columns)
        self.types = ", ".join(f"{_TYPES[kind]}[]" for kind in kinds)

    def body(self, found: str) -> str:
        """Return the body of the function; `found` is the expression of what was found before."""
        lines: list[str] = []
        offset = int(found != "0")  # the parameters before ours
        for step in self._steps:
            given = f"cardinality(${offset + 1})"
            needed = [f"{given} > 0"]
            if step.needs in _FOUND:
                needed.append(f"met & {_FOUND[step.needs]} <> 0")
            text = _shifted(self._dialect.statement(step), offset)
            lines += [f"IF {' AND '.join(needed)} THEN", _QUERY.sub("PERFORM", text, count=1) + ";"]
            if step.kind == "lock" and step.table == "pending":
                lines.append(f"IF FOUND THEN met := met | {_FOUND['pending']}; END IF;")
            if step.kind == "claim" and step.table == "documents":
                lines.append("GET DIAGNOSTICS new = ROW_COUNT;")
                lines.append(f"IF new < {given} THEN met := met | {_FOUND['documents']}; END IF;")
            lines.append("END IF;")
            offset += len(step.columns)
        return _body(lines, found)

    def call(self, name: str, first: list[str], steps: Sequence[Step], parameters: Parameters) -> str | None:
        places = [self._places.get(_key(step), -1) for step in steps]
        if -1 in places or places != sorted(places):
            return None
        given = list(self._nothing)
        for place, step in zip(places, steps, strict=True):
            columns = zip(*step.rows, strict=True)
            given[place] = [
                parameters.of(kind, values) for (_, kind), values in zip(step.columns, columns, strict=True)
            ]
        return f"{name}({', '.join(chain(first, chain.from_iterable(given)))})"


def _body(lines: Sequence[str], found: str) -> str:
    return "\n".join([f"DECLARE met integer := {found}; new bigint;", "BEGIN", *lines, "RETURN met;", "END"])


def _shifted(text: str, offset: int) -> str:
    return _PARAMETER.sub(lambda parameter: f"${int(parameter[1]) + offset}", text)


def _key(step: Step) -> tuple[str, ...]:
    return step.kind, step.table, step.text, step.needs


def _name(names: Names, part: str, types: str, body: str) -> str:
    """Return a function's name; one with another body has another, so that versions stand side by side."""
    return f"{names.table}_{part}_{hashlib.sha256(f'{types} {body}'.encode()).hexdigest()[:8]}"


def _usual() -> Receipt:
    """Return a receipt with all that the functions know: versions begun, continued and published."""
    begun, continued, both, published = (
        DocumentVersion(key, document_id(key, "", ""), "", "", 0, 1) for key in ("a", "b", "c", "d")
    )
    return Receipt(
        "",
        "",
        "usual",
        begun=(begun,),
        continued=(continued.document_id, both.document_id),
        publications=(Publication(both), Publication(published)),
    )
