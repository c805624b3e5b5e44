"""Values that are pickled in a plain form are made again as they were."""

from __future__ import annotations

import pickle
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from batchwright.engine.rows.plain_values import PlainValues

VALUES: list[Any] = [
    None,
    True,
    7,
    1.5,
    "text",
    b"\0\xff",
    Decimal("12.50"),
    Decimal("-0"),
    Decimal("1E+30"),
    Decimal("NaN"),
    Decimal("Infinity"),
    date(1, 1, 1),
    date.max,
    datetime.min,
    datetime(2026, 1, 31, 12, 30, 0, 123456),
    datetime(2026, 1, 31, 12, 30, tzinfo=UTC),
    datetime(2026, 1, 31, 12, 30, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    time(12, 30, 0, 1),
    UUID(int=7),
    {"a": [1, None, {"b": Decimal("1.5")}]},
    [],
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_is_made_again(value: Any) -> None:
    values = PlainValues()
    row = ("key", value, "behind")
    again = values.again(pickle.loads(pickle.dumps(values.plain(row))))
    assert repr(again) == repr(row)  # NaN is equal to nothing
    assert type(again[1]) is type(value)


def test_rows_of_different_classes_in_a_column_are_made_again_each() -> None:
    values = PlainValues()
    rows = [("a", value, other) for value in VALUES for other in (1, "1", Decimal(1), None)]
    packed = [pickle.dumps(values.plain(row)) for row in rows]
    assert [repr(values.again(pickle.loads(one))) for one in reversed(packed)] == [*map(repr, reversed(rows))]
