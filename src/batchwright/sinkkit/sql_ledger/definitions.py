"""The statements that create a ledger's tables."""

from __future__ import annotations

from batchwright.sinkkit.sql_ledger.dialect import Dialect
from batchwright.sinkkit.sql_ledger.tables import TABLES


def definitions(dialect: Dialect) -> dict[str, str]:
    """Return the statements that create the tables of a ledger and their indexes, by suffix."""
    made: dict[str, str] = {}
    for suffix, table in TABLES.items():
        keyed = suffix in dialect.keyed
        unique = dict.fromkeys(table.unique, " UNIQUE") if keyed else {}
        columns = [
            f"{name} {dialect.types[kind]}"
            + ("" if name in table.nullable else " NOT NULL")
            + unique.get(name, "")
            for name, kind in table.columns
        ]
        if keyed:
            columns.append(f"PRIMARY KEY ({', '.join(table.key)})")
        name = dialect.tables[suffix]
        made[suffix] = f"CREATE TABLE IF NOT EXISTS {name} ({', '.join(columns)}){dialect.ending(suffix)}"
        for index, over in table.indexes.items() if keyed else ():
            indexed = f"{suffix}_{index}"
            parts = (dialect.head(column) if column == "key" else column for column in over)
            made[indexed] = (
                f"CREATE INDEX IF NOT EXISTS {dialect.tables[indexed]} ON {name} ({', '.join(parts)})"
            )
    return made
