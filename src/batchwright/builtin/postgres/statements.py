"""Statements about the records; those of the ledger are in `batchwright.sinkkit.sql_ledger`."""

from __future__ import annotations

from collections.abc import Sequence

from batchwright.builtin.postgres.columns import kept
from batchwright.builtin.postgres.rows import Column
from batchwright.contracts.records import RecordType
from batchwright.sinkkit.sql_tables import for_format
from batchwright.sinkkit.vectors.keys import COLUMN

# ruff: noqa: S608 - what is put together here are names of columns, quoted


class Statements:
    """The statements of one record type, as templates for `Names.statement`.

    Args:
        record_type: What the rows hold.
        columns: Their columns.
    """

    def __init__(self, record_type: RecordType, columns: Sequence[Column]) -> None:
        self._columns = [for_format(column.name) for column in columns]
        fields = () if record_type.is_chunk else record_type.fields
        self._may_widen = [
            one.name for one in fields if one.type == "integer" and one.name != record_type.key
        ]
        # A row that changes has another vector, if it doesn't say which.
        self._forgets = record_type.text is not None and COLUMN not in self._columns
        self._is_sound = "true"
        if record_type.text is not None and record_type.text_hash is not None:
            text, digest = (for_format(kept(name)) for name in (record_type.text, record_type.text_hash))
            self._is_sound = (
                f"encode(sha256(convert_to({text}, 'UTF8')), 'hex') IS NOT DISTINCT FROM {digest}"
            )

    def new_rows(self, first: int = 1) -> str:
        """Return the statement that stores new rows, from arrays.

        Args:
            first: The number of the parameter that is the first column's.
        """
        values = ", ".join(f"unnest(${number})" for number in range(first, first + len(self._columns)))
        return f"INSERT INTO {{records}} AS c ({', '.join(self._columns)}) SELECT {values}"

    @property
    def rows(self) -> str:
        """The statement that stores rows in place of those with the same ids, where they differ."""
        content = self._columns[2:]
        listed, old, new = (", ".join(f"{of}{name}" for name in content) for of in ("", "c.", "excluded."))
        forgotten = f", {COLUMN} = NULL" if self._forgets else ""
        return (
            f"{self.new_rows()} ON CONFLICT (_id) DO UPDATE SET ({listed}) = ROW ({new}){forgotten} "
            f"WHERE ({old}) IS DISTINCT FROM ({new})"
        )

    @property
    def copy(self) -> str:
        """The statement that takes rows by COPY."""
        return f"COPY {{records}} ({', '.join(self._columns)}) FROM STDIN (FORMAT binary)"

    @property
    def widening(self) -> str:
        """The query that returns no row and tells the types of the columns that may be widened, if any."""
        named = ", ".join(for_format(kept(name)) for name in self._may_widen)
        return f"SELECT {named} FROM {{records}} WHERE false" if named else ""

    @property
    def holdings(self) -> str:
        """The query of what is there of each document version."""
        return (
            f"SELECT _document_id::text, count(*), count(*) FILTER (WHERE NOT {self._is_sound}) "
            "FROM {records} GROUP BY _document_id ORDER BY _document_id"
        )

    @property
    def sound(self) -> str:
        """The query of the ids of sound rows between two ids."""
        return (
            f"SELECT _id::text FROM {{records}} WHERE _id BETWEEN $1::uuid AND $2::uuid AND {self._is_sound}"
        )
