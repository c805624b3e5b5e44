"""Front matter in TOML; where the whole isn't TOML, each of its lines is read by itself."""

from __future__ import annotations

import math
import re
import tomllib
from datetime import date, datetime, time
from typing import Any

from batchwright.documents.fields import MAX_DEPTH, Fields
from batchwright.documents.plain import decimal_value

# tomllib takes quadratic time for dotted keys.
_MOST_DOTS = 64
_LARGEST = 2**63

_HEADER = re.compile(r"[ \t]*+\[.*\][ \t]*+(?:#.*)?\s*\Z")
_KEY = re.compile(r"""[ \t]*+((?:[\w.-]|[ \t]++(?=[.\w"'-])|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')++)[ \t]*+=""")
_ERRORS = (ValueError, RecursionError, OverflowError)


def read_toml(text: str) -> Fields | None:
    """Return the fields; None where `text` has none, but is something else that stands between two fences."""
    text = text.replace("\r\n", "\n")
    fields = Fields()
    try:
        loaded = _load(text)
    except _ERRORS:
        return _read_line_by_line(text)
    for name, value in loaded.items():
        _add(fields, name, value, 0)
    return fields


def _load(text: str) -> dict[str, Any]:
    if any(line.count(".") > _MOST_DOTS for line in text.split("\n")):
        raise ValueError(f"more than {_MOST_DOTS} dots")
    return tomllib.loads(text, parse_float=decimal_value)


def _add(fields: Fields, name: str, value: Any, line: int) -> None:
    try:
        fields.values[name] = _json(value, MAX_DEPTH - 1)
    except ValueError as error:
        fields.refuse(name, line, error)


def _read_line_by_line(text: str) -> Fields | None:
    fields = Fields()
    table: dict[str, Any] | None = fields.values  # None below a header that can't be read
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        number, line = at, lines[at]
        at += 1
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if _HEADER.match(line):
            try:
                table = _table(fields.values, _load(line))
            except _ERRORS as error:
                table = None
                fields.refuse(line.strip(), number, error)
            continue
        key = _KEY.match(line)
        if key is None:
            return None
        at = _end(lines, at, line[key.end() :].lstrip())
        try:
            if table is None:
                raise ValueError("it belongs to a table that can't be read")
            _merge(table, _json(_load("\n".join(lines[number:at])), MAX_DEPTH))
        except _ERRORS as error:
            fields.refuse(key[1].strip(), number, error)
    return fields


def _end(lines: list[str], at: int, value: str) -> int:
    """Return the number of the line behind a value that begins above the line `at`."""
    for quotes in ('"""', "'''"):
        if value.startswith(quotes):
            if quotes in value[3:]:
                return at
            ends = (number + 1 for number in range(at, len(lines)) if quotes in lines[number])
            return next(ends, at)
    first, depth = at, value.count("[") - value.count("]")
    if not value.startswith("["):
        return at
    while depth > 0 and at < len(lines) and lines[at].strip() and not _KEY.match(lines[at]):
        depth += lines[at].count("[") - lines[at].count("]")
        at += 1
    return at if depth <= 0 else first


def _table(root: dict[str, Any], header: dict[str, Any]) -> dict[str, Any]:
    """Return the table that a header names, made if need be; `header` is what it says by itself."""
    into, depth = root, 0
    while header:
        ((name, below),) = header.items()
        depth += 1
        if depth >= MAX_DEPTH:
            raise ValueError(f"nested more than {MAX_DEPTH} levels deep")
        if isinstance(below, list):
            tables = into.setdefault(name, [])
            if not isinstance(tables, list):
                raise ValueError(f"{name} is given twice")
            table: dict[str, Any] = {}
            tables.append(table)
            return table
        there = into.setdefault(name, {})
        if isinstance(there, list) and there:
            there = there[-1]
        if not isinstance(there, dict):
            raise ValueError(f"{name} is given twice")
        into, header = there, below
    return into


def _merge(into: dict[str, Any], values: dict[str, Any]) -> None:
    for name, value in values.items():
        there = into.get(name)
        if isinstance(there, dict) and isinstance(value, dict):
            _merge(there, value)
        elif name in into:
            raise ValueError("given twice; the first one stays")
        else:
            into[name] = value


def _json(value: Any, depth: int) -> Any:
    if depth < 0:
        raise ValueError(f"nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, dict):
        return {name: _json(item, depth - 1) for name, item in value.items()}
    if isinstance(value, list):
        return [_json(item, depth - 1) for item in value]
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return value if -_LARGEST <= value < _LARGEST else str(value)
