"""A record type with every kind of field, for sinks that take others than chunks."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from batchwright.contracts.fields import FIELD_TYPES, Field
from batchwright.contracts.receipts import DocumentVersion, Publication
from batchwright.contracts.record_rows import Rows
from batchwright.contracts.records import RecordType
from batchwright.contracts.rows import Row
from batchwright.model import document_id, record_id

KINDS = RecordType(
    "kinds",
    (
        Field("id", "text"),  # which is a name for the engine, too
        Field("order", "integer"),  # a word of SQL
        Field('odd "name" {0} $1', "text"),
        *(Field(f"a_{kind}", kind) for kind in FIELD_TYPES),
        *(Field(f"any_{kind}", kind, nullable=True) for kind in FIELD_TYPES),
        Field("price", "decimal", precision=10, scale=2),
    ),
    key="id",
    text="any_text",
)
"""Each type once as it must be there, and once as it may be None."""

LATER = replace(KINDS, fields=(*KINDS.fields, Field("later", "integer", nullable=True)))
"""The same with a field more, which may be None."""

_USUAL: Mapping[str, Any] = {
    "text": "Grüße, \U0001f600",
    "integer": 7,
    "real": 0.1,
    "decimal": Decimal("12.5"),
    "boolean": True,
    "date": date(2024, 2, 29),
    "time": time(23, 59, 59, 999_999),
    "datetime": datetime(2026, 3, 29, 2, 30, 0, 1),
    "timestamp": datetime(2026, 3, 29, 2, 30, 0, 1, tzinfo=UTC),
    "uuid": UUID("00000000-0000-4000-8000-0000000000ff"),
    "bytes": bytes(range(256)),
    "json": {"nested": [1, -2.5, None, {"é": [True]}], "": ""},
}

_EDGES: Mapping[str, Sequence[Any]] = {
    "text": ("", "'; DROP TABLE x; --", "NULL"),
    "integer": (0, -(2**63), 2**63 - 1),
    "real": (-0.0, 1e308, 5e-324),
    "decimal": (
        Decimal(0),
        Decimal("-99999999999999999999999999999.999999999"),
        Decimal("0.000000001"),
        Decimal("10000"),
    ),
    "boolean": (False,),
    "date": (date(1, 1, 1), date(9999, 12, 31)),
    "time": (time(0),),
    "datetime": (datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_999)),
    "timestamp": (datetime(1970, 1, 1, tzinfo=UTC), datetime(1900, 6, 1, 12, 0, 0, 5, tzinfo=UTC)),
    "uuid": (UUID(int=0), UUID(int=2**128 - 1)),
    "bytes": (b"", b"\0"),
    "json": ([], "text", 0, False, {"deep": {"er": []}}),
}

_WRONG: Mapping[str, Sequence[Any]] = {
    "text": (7, b"bytes", "a\ud800"),
    "integer": ("7", 7.0, 2**63),
    "real": ("0.1",),
    "decimal": (0.1, Decimal("NaN"), Decimal("Infinity"), Decimal("1e30"), Decimal("1e-10")),
    "boolean": (1, "true"),
    "date": ("2024-02-29", datetime(2024, 2, 29, tzinfo=UTC)),
    "time": ("12:00", time(12, tzinfo=UTC)),
    "datetime": ("2026-03-29", datetime(2026, 3, 29, tzinfo=UTC)),
    "timestamp": (date(2026, 3, 29), datetime(2026, 3, 29)),
    "uuid": ("00000000-0000-4000-8000-0000000000ff",),
    "bytes": ("text",),
    "json": ({1, 2}, math.nan),
}

_ROWS = Rows(KINDS)


def usual(key: str, **values: Any) -> dict[str, Any]:
    """Return the values of a record with everything in it, by field."""
    given = {"id": key, "order": 1, 'odd "name" {0} $1': "odd", "price": Decimal("12.50")}
    for kind, value in _USUAL.items():
        given |= {f"a_{kind}": value, f"any_{kind}": value}
    return {**given, **values}


def good_records() -> list[dict[str, Any]]:
    """Return records with usual values, with none where there may be none, and with each extreme value."""
    nothing = {field.name: None for field in KINDS.fields if field.nullable}
    records = [usual("usual"), usual("none", **nothing)]
    for kind, values in _EDGES.items():
        records += [
            usual(f"{kind} {number}", **{f"a_{kind}": value, f"any_{kind}": value})
            for number, value in enumerate(values)
        ]
    return records


def bad_records() -> list[dict[str, Any]]:
    """Return records each with a value that its field can't have."""
    wrong = [(kind, value) for kind, values in _WRONG.items() for value in values]
    records = [usual(f"wrong {n}", **{f"a_{kind}": value}) for n, (kind, value) in enumerate(wrong)]
    records += [usual(f"none {kind}", **{f"a_{kind}": None}) for kind in FIELD_TYPES if kind != "json"]
    return [*records, usual("too many digits", price=Decimal("12.345"))]


def row_of(values: Mapping[str, Any], record_type: RecordType = KINDS, content: str = "1") -> Row:
    """Return a record as the engine gives it to a store: a document of its own."""
    rows = _ROWS if record_type is KINDS else Rows(record_type)
    found = rows.values(values)
    return rows.row(record_id(document_id("batchwright kit", rows.key(found), content), 0), found)


def publications(rows: Sequence[Row], record_type: RecordType = KINDS) -> tuple[Publication, ...]:
    """Return what makes the documents of these rows visible."""
    key = record_type.names.index(record_type.key or "")
    return tuple(
        Publication(DocumentVersion(row.values[key], f"{row.id[:28]}00000000", "", "kit", 0, 1, "program"))
        for row in rows
    )


def read(field: Field, value: Any) -> Any:
    """Return a value as a reader got it from the target, in the field's own class; JSON comes as text."""
    if value is None or field.type in ("text", "integer"):
        return value
    match field.type:
        case "real":
            return float(value)
        case "decimal":
            return Decimal(str(value))
        case "boolean":
            return bool(value)
        case "uuid":
            return UUID(str(value))
        case "bytes":
            return bytes(value)
        case "json":
            return json.loads(value)
    if not isinstance(value, str):
        return value.astimezone(UTC) if field.type == "timestamp" else value
    kinds: Mapping[str, Any] = {"date": date, "time": time}
    return kinds.get(field.type, datetime).fromisoformat(value)
