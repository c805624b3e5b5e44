"""The conditions of a search, as Postgres says them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from batchwright.builtin.postgres.columns import kept
from batchwright.builtin.postgres.encoding import definition
from batchwright.sinkkit.filters import METADATA, Condition
from batchwright.sinkkit.sql_tables import for_format

_OF = f"c.{METADATA} -> {{name}}::text"
_HAS = f"""CASE jsonb_typeof({_OF}) WHEN 'object' THEN false WHEN 'null' THEN false
    WHEN 'array' THEN EXISTS (
        SELECT 1 FROM jsonb_array_elements_text({_OF}) AS e (item) WHERE e.item = {{value}}::text
    ) ELSE c.{METADATA} ->> {{name}}::text = {{value}}::text END"""  # noqa: S608 - our own names
_MAY_HAVE = f"c.{METADATA} @> ANY ({{contained}}::text[]::jsonb[])"
_LACKS = f"coalesce(jsonb_typeof({_OF}), 'null') = 'null'"
KNOWS = f"SELECT 1 FROM {{records}} AS c WHERE c.{METADATA} ? $1::text LIMIT 1"  # noqa: S608 - our own names
"""Whether a chunk's metadata has a key, whatever its value."""

# As the server writes them; one with more digits than it can hold is none that is stored.
_NO_STRING = re.compile(r"true|false|-?(?:0|[1-9][0-9]{0,999})(?:\.[0-9]{1,999})?")


def said(conditions: Sequence[Condition], first: int) -> tuple[str, list[Any]]:
    """Return the conditions on the row `c` of the records, all to be met, as a template; and their values.

    Args:
        conditions: The conditions.
        first: The number of the first parameter.
    """
    parts, values = ["true"], list[Any]()
    for one in conditions:
        name, value = f"${first + len(values)}", f"${first + len(values) + 1}"
        if one.field is None:
            text = _LACKS if one.value is None else _HAS
            parts.append(text.format(name=name, value=value))
            values += [one.name] if one.value is None else [one.name, one.value]
            if one.value is not None and not one.value.startswith(("{", "[")):
                values.append([*_contained(one.name, one.value)])
                parts.append(_MAY_HAVE.format(contained=f"${first + len(values) - 1}"))
            continue
        column = for_format(f"c.{kept(one.name)}")
        if one.value is None:
            parts.append(f"{column} IS NULL")
        else:
            parts.append(f"{column} = {name}::{definition(one.field)}")
            values.append(one.value)
    return " AND ".join(parts), values


def _contained(name: str, value: str) -> Iterator[str]:
    """Yield what metadata contains that may have the value: what the index can be asked for."""
    said = [json.dumps(value, ensure_ascii=False)]
    if _NO_STRING.fullmatch(value):
        said.append(value)
    for one in said:
        for either in (one, f"[{one}]"):
            yield f"{{{json.dumps(name, ensure_ascii=False)}: {either}}}"


def is_beyond(conditions: Sequence[Condition]) -> bool:
    """Tell whether a text is asked for that Postgres can't hold."""
    texts = (value for one in conditions for value in (one.name, one.value) if isinstance(value, str))
    return any("\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text) for text in texts)
