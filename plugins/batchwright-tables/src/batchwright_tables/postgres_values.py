"""Loading values of Postgres one by one: what Python can't hold costs its row, not the query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.pq import Format
from psycopg.types.string import TextLoader

from batchwright_tables.exact_json import Inexact, loads
from batchwright_tables.postgres_columns import Column
from batchwright_tables.unheld import NO_DATE, Unheld

_LENIENT = ("date", "time", "datetime", "timestamp")
_AS_THEY_ARE = ("boolean", "integer", "real", "decimal", "uuid", "bytes")


class _Lenient(Loader):
    """Loads times as another loader, and what that refuses as `Unheld`."""

    strict: ClassVar[Any]

    def __init__(self, oid: int, context: Any = None) -> None:
        super().__init__(oid, context)
        self._load = self.strict(oid, context).load

    def load(self, data: Buffer) -> Any:
        try:
            return self._load(data)
        except (psycopg.DataError, ValueError, OverflowError):
            return Unheld(bytes(data).decode("utf-8", "backslashreplace"), NO_DATE)


class _Json(Loader):
    def load(self, data: Buffer) -> Any:
        text = bytes(data).decode("utf-8", "backslashreplace")
        try:
            return loads(text)
        except (Inexact, ValueError, RecursionError) as error:
            return Unheld(text, str(error) if isinstance(error, Inexact) else f"is no JSON: {error}")


def use_loaders(connection: psycopg.Connection[Any], columns: Sequence[Column]) -> None:
    """Have a connection load each column as its field has it; nothing else is to be loaded by it."""
    for column in columns:
        kind = column.field.type
        if kind in _AS_THEY_ARE:
            continue
        loader: type[Loader] = _Json if kind == "json" else TextLoader
        if kind in _LENIENT:
            strict = connection.adapters.get_loader(column.oid, Format.TEXT)
            loader = type("Lenient", (_Lenient,), {"strict": strict})
        connection.adapters.register_loader(column.oid, loader)
