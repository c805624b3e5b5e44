"""The conditions of a search, as SQLite says them."""

# ruff: noqa: S608 - what goes into a statement besides parameters are names, quoted

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from batchwright.sinkkit.columns import TEXT_FORMS
from batchwright.sinkkit.filters import METADATA, Condition
from batchwright.sinkkit.sql_tables import quoted

_IS = "CASE {of}.type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE CAST({of}.value AS TEXT) END = ?"
_HAS = f"""CASE WHEN json_valid(c.{METADATA}) THEN EXISTS (
    SELECT 1 FROM json_each(c.{METADATA}) AS k WHERE k.key = ? AND CASE k.type
    WHEN 'array' THEN EXISTS (SELECT 1 FROM json_each(k.value) AS e WHERE {_IS.format(of="e")})
    WHEN 'object' THEN 0 WHEN 'null' THEN 0 ELSE {_IS.format(of="k")} END
) ELSE 0 END"""
_LACKS = f"""CASE WHEN json_valid(c.{METADATA}) THEN NOT EXISTS (
    SELECT 1 FROM json_each(c.{METADATA}) AS k WHERE k.key = ? AND k.type <> 'null'
) ELSE 0 END"""
KNOWS = f"""CASE WHEN json_valid(c.{METADATA}) THEN EXISTS (
    SELECT 1 FROM json_each(c.{METADATA}) AS k WHERE k.key = ?
) ELSE 0 END"""
"""That a chunk's metadata has a key, whatever its value."""


def said(conditions: Sequence[Condition]) -> tuple[str, list[Any]]:
    """Return the conditions on the row `c` of the records, all of which hold, and their values."""
    parts, values = ["1"], list[Any]()
    for one in conditions:
        if one.field is None:
            parts.append(_LACKS if one.value is None else _HAS)
            values += [one.name] if one.value is None else [one.name, one.value, one.value]
            continue
        column = f"c.{quoted(one.name)}"
        value = None if one.value is None else TEXT_FORMS.get(one.field.type, _as_it_is)(one.value)
        if one.field.type == "decimal" and value is not None:  # 1.50 is 1.5
            column = f"CASE WHEN instr({column}, '.') THEN rtrim(rtrim({column}, '0'), '.') ELSE {column} END"
            value = value.rstrip("0").rstrip(".") if "." in value else value
        parts.append(f"{column} IS ?")
        values.append(value)
    return " AND ".join(parts), values


def _as_it_is(value: Any) -> Any:
    return value
