"""The identifiers of the sink's relations, quoted, and statements with them in their places."""

from __future__ import annotations

from psycopg import sql

from batchwright.builtin.postgres.options import INDEX, RELATIONS


class Names:
    """The relations in one schema, after one published relation.

    Attributes:
        schema: The schema's name.
        table: The published relation's name.
        suffixed: Our tables' names, by suffix.
    """

    def __init__(self, schema: str, table: str) -> None:
        self.schema = schema
        self.table = table
        self.suffixed = {suffix: f"{table}_{suffix}" for suffix in RELATIONS}
        self._parts = {suffix: identifier(schema, name) for suffix, name in self.suffixed.items()}
        self._parts["view"] = identifier(schema, table)
        self._parts["index"] = identifier(f"{table}_{INDEX}")

    @property
    def relations(self) -> list[str]:
        """The names of every relation, the published one first."""
        return [self.table, *self.suffixed.values()]

    def qualified(self, suffix: str | None = None) -> str:
        """Return a relation's name as SQL has it, for messages; without a suffix the published one's."""
        return sql.Identifier(self.schema, self.suffixed[suffix] if suffix else self.table).as_string(None)

    @property
    def quoted_schema(self) -> str:
        """The schema's name as SQL has it, for messages."""
        return sql.Identifier(self.schema).as_string(None)

    def statement(self, template: str, **more: sql.Composable) -> sql.Composed:
        """Return a statement; ``{view}``, ``{chunks}``, ``{documents}`` … stand for the relations.

        Execute it with parameters, if only an empty list: ``%`` in names is doubled.
        """
        return sql.SQL(template).format(**self._parts, **more)


def identifier(*names: str) -> sql.SQL:
    """Return a quoted name for a statement with parameters, where a single ``%`` has a meaning."""
    return sql.SQL(sql.Identifier(*names).as_string(None).replace("%", "%%"))


def literal(text: str) -> sql.SQL:
    """Return a quoted text for a statement with parameters."""
    return sql.SQL(sql.Literal(text).as_string(None).replace("%", "%%"))
