"""The identifiers of the sink's relations, quoted, and statements with them in their places."""

from __future__ import annotations

from psycopg import sql

from batchwright.builtin.postgres.options import INDEX, RELATIONS
from batchwright.sinkkit.sql_ledger.tables import INDEXES
from batchwright.sinkkit.vectors.tables import SUFFIXES, TABLES


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
        self._parts = {suffix: sql.Identifier(schema, name) for suffix, name in self.suffixed.items()}
        self._parts["view"] = sql.Identifier(schema, table)
        self._parts["langchain"] = sql.Identifier(schema, f"{table}_langchain")
        vectors = {suffix: f"{table}_{suffix}" for suffix in SUFFIXES}
        self._parts.update(
            (suffix, sql.Identifier(schema, name) if suffix in TABLES else sql.Identifier(name))
            for suffix, name in vectors.items()
        )
        self._parts["index"] = sql.Identifier(f"{table}_{INDEX}")

    @property
    def tables(self) -> dict[str, str]:
        """The names for statements by suffix, as a dialect wants them."""
        named = {suffix: part.as_string(None) for suffix, part in self._parts.items()}
        indexes = {suffix: sql.Identifier(f"{self.table}_{suffix}").as_string(None) for suffix in INDEXES}
        return {**named, **indexes}

    @property
    def relations(self) -> list[str]:
        """The names of every relation, the published one first."""
        return [self.table, *self.suffixed.values()]

    def qualified(self, suffix: str | None = None) -> str:
        """Return a relation's name as SQL has it, for messages; without a suffix the published one's."""
        return sql.Identifier(self.schema, self.suffixed[suffix] if suffix else self.table).as_string(None)

    @property
    def qualified_index(self) -> str:
        """The search index, as SQL has it."""
        return sql.Identifier(self.schema, f"{self.table}_{INDEX}").as_string(None)

    @property
    def quoted_schema(self) -> str:
        """The schema's name as SQL has it, for messages."""
        return sql.Identifier(self.schema).as_string(None)

    def statement(self, template: str, **more: sql.Composable) -> sql.Composed:
        """Return a statement; ``{view}``, ``{records}``, ``{documents}`` … stand for the relations."""
        return sql.SQL(template).format(**self._parts, **more)
