"""Functions in the database that carry out what most receipts ask for.

A statement that is sent as text is parsed and planned each time, which for a small batch costs more than
carrying it out, and behind a pooler nothing can be prepared in a session. What stands in a function is
planned once a server process, whoever calls it. The functions consist of the very steps of a receipt; one
that has other steps is sent as statements, and so are all by a role that can't call the functions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import psycopg
from psycopg import sql

from batchwright.builtin.postgres.compiled_steps import VARIABLES, Arguments, CompiledSteps
from batchwright.builtin.postgres.dialect import PostgresDialect
from batchwright.builtin.postgres.encoding import BinaryArray
from batchwright.builtin.postgres.keyed_rows import KEY
from batchwright.builtin.postgres.names import Names
from batchwright.builtin.postgres.opening import Opening
from batchwright.builtin.postgres.pipeline import Statement
from batchwright.builtin.postgres.rows import Rows
from batchwright.builtin.postgres.statements import Statements
from batchwright.contracts.receipts import DocumentVersion, Publication, Receipt
from batchwright.contracts.vectors import Embedded
from batchwright.model import document_id
from batchwright.sinkkit.sql_ledger.steps.receipt import ReceiptSteps
from batchwright.sinkkit.sql_ledger.steps.step import Step

REST = b"FETCH ALL FROM batchwright_rest"
"""Carries out what comes after the rows, as the function for what comes before them left it.

A COPY takes no parameters, nor does what is sent together with it. So the values of both come with what
is before the rows, and those of the rest wait in a cursor, which ends with the transaction.
"""

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
    AND substr(f.proname, length($2) + 1) ~ $4
    AND substring(obj_description(f.oid, 'pg_proc') FROM '^batchwright, (\d{4}-\d\d-\d\d)$')::date
        < current_date - 30"""
_VARIABLES = (
    "DECLARE met boolean := false; pending uuid[] := '{}'; "
    f"rest refcursor := 'batchwright_rest'; {VARIABLES}"
)
_MAY_CREATE = "SELECT has_schema_privilege($1, 'CREATE')"


@dataclass(frozen=True, slots=True)
class _Function:
    """A function, and the texts of calls to it by what they have.

    Attributes:
        name: Its quoted name.
        plain_name: Its name.
        types: The types of its parameters.
        body: Its body.
        columns: How many columns of rows it takes.
    """

    name: str
    plain_name: str
    types: str
    body: str
    columns: int = 0
    calls: dict[tuple[bool, ...], bytes] = field(default_factory=dict)

    def call(self, arguments: Arguments, rows: Sequence[BinaryArray] = ()) -> Statement:
        """Return the call.

        Args:
            arguments: Those of the steps.
            rows: Those of the rows, where it takes rows and there are some.
        """
        given = [*(value for value in arguments if value is not None), *rows]
        key = (*(value is None for value in arguments), bool(rows))
        text = self.calls.get(key)
        if text is None:
            numbers = iter(range(1, len(given) + 1))
            columns: Sequence[BinaryArray | None] = rows or [None] * self.columns
            every = [*arguments, *columns]
            said = ["NULL" if value is None else f"${next(numbers)}" for value in every]
            text = f"SELECT {self.name}({', '.join(said)})".encode()
            self.calls[key] = text
        return text, given


class Functions:
    """The functions of one relation: a whole write of new rows, what comes before rows, and what after them.

    Args:
        names: The relations.
        dialect: How the steps are said.
        rows: What the rows are.
        embedded: Whether the rows come with the keys of their vectors.
    """

    def __init__(self, names: Names, dialect: PostgresDialect, rows: Rows, *, embedded: bool = False) -> None:
        usual = _usual(embedded=embedded)
        held = {usual.publications[0].version.document_id: 1}
        steps = ReceiptSteps(usual, "", vectors=embedded)
        columns = (*rows.columns, KEY) if embedded else rows.columns
        before_rows, after_rows, whole = (
            f"{'e' if embedded else ''}{part}" for part in ("before", "after", "write")
        )
        self._replaced = f"^_({before_rows}|{after_rows}|{whole})_[0-9a-f]{{8}}$"
        before, after = list(steps.before_rows()), list(steps.after_rows(held))
        self._names = names
        self._all, rest = CompiledSteps([*before, *after], dialect), CompiledSteps(after, dialect)
        found = f"met := ${len(rest.types) + 1}; pending := ${len(rest.types) + 2};"
        made = self._function(after_rows, [*rest.types, "boolean", "uuid[]"], [found, *rest.body()])
        handed_on = ", ".join([*self._all.handed_on(rest, len(before)), "met", "pending"])
        opened = f"OPEN rest FOR SELECT {made.name}({handed_on});"
        lines = [*self._all.body(end=len(before)), opened]
        self._made = {"before": self._function(before_rows, self._all.types, lines), "after": made}
        types = [*self._all.types, *(f"{column.type.name}[]" for column in columns)]
        if len(types) <= MOST_PARAMETERS:
            first = len(self._all.types) + 1
            new_rows = names.statement(Statements(rows.record_type, columns).new_rows(first))
            insert = f"IF cardinality(${first}) > 0 THEN {new_rows.as_string(None)}; END IF;"
            body = [*self._all.body(end=len(before)), insert, *self._all.body(first=len(before))]
            self._made["write"] = self._function(whole, types, body, len(columns))

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
        if not create or not connection.execute(_MAY_CREATE, [self._names.schema]).fetchall()[0][0]:
            return False
        with connection.transaction():
            connection.execute(opening.settings)
            lock = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
            connection.execute(lock, [self._names.qualified("meta")])
            for function in self._missing(connection):  # those of another record type have the others already
                text = f"CREATE FUNCTION {function.name} ({function.types}) RETURNS boolean LANGUAGE plpgsql"
                connection.execute(f"{text} AS {sql.Literal(function.body).as_string(None)}".encode())
                made = sql.Literal(f"batchwright, {date.today().isoformat()}").as_string(None)
                connection.execute(
                    f"COMMENT ON FUNCTION {function.name} ({function.types}) IS {made}".encode()
                )
            old = [
                self._names.qualified("meta"),
                self._names.table,
                [one.plain_name for one in self._made.values()],
                self._replaced,
            ]
            for (name,) in connection.execute(_OLD, old).fetchall():
                connection.execute(f"DROP FUNCTION {name}".encode())
        return not self._missing(connection)

    def write(
        self, before: Sequence[Step], stored: Sequence[BinaryArray], after: Sequence[Step]
    ) -> Statement | None:
        """Return the call for a whole write of new rows, if any; None where the function lacks a step.

        None also where a row has too many columns for a function.

        Raises:
            ValueError: A value of a step is none that Postgres can store; so do the others.
        """
        if "write" not in self._made:
            return None
        arguments = self._all.arguments([*before, *after])
        return None if arguments is None else self._made["write"].call(arguments, stored)

    def before(self, before: Sequence[Step], after: Sequence[Step]) -> Statement | None:
        """Return the call for what comes before the rows, behind which `REST` is to come after them.

        None where the functions lack a step. Raises as `write`.
        """
        arguments = self._all.arguments([*before, *after])
        return None if arguments is None else self._made["before"].call(arguments)

    def _missing(self, connection: psycopg.Connection[Any]) -> list[_Function]:
        made = list(self._made.values())
        names, bodies = [one.plain_name for one in made], [one.body for one in made]
        meta = self._names.qualified("meta")
        found = connection.execute(_INSTALLED, [meta, names, bodies]).fetchall()
        there = {name for (name,) in found}
        return [one for one in made if one.plain_name not in there]

    def _function(self, part: str, types: Sequence[str], lines: Sequence[str], columns: int = 0) -> _Function:
        """Return a function. One with another body has another name: versions stand side by side."""
        given = ", ".join(types)
        body = "\n".join([_VARIABLES, "BEGIN", *lines, "RETURN met;", "END"])
        digest = hashlib.sha256(f"{given} {body}".encode()).hexdigest()[:8]
        plain = f"{self._names.table}_{part}_{digest}"
        name = sql.Identifier(self._names.schema, plain).as_string(None)
        return _Function(name, plain, given, body, columns)


def _usual(*, embedded: bool) -> Receipt:
    """Return a receipt with all that the functions know: versions begun, continued and published.

    Args:
        embedded: Whether its rows have vectors.
    """
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
        embedded=Embedded("", ()) if embedded else None,
    )
