"""The built-in plugin for files of rows: CSV with its like, and JSON Lines."""

from __future__ import annotations

from batchwright.builtin.rows.delimited import CsvOptions, CsvReader
from batchwright.builtin.rows.json_lines import JsonLinesOptions, JsonLinesReader
from batchwright.contracts.hookspecs import hookimpl
from batchwright.contracts.reader import AnyReader

__all__ = ["CsvOptions", "CsvReader", "JsonLinesOptions", "JsonLinesReader", "register_readers"]


@hookimpl
def register_readers() -> list[type[AnyReader]]:
    """Offer the readers."""
    return [CsvReader, JsonLinesReader]
