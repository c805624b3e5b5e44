"""Types of columns: one that every value fits, and which gives back the same text."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from batchwright.contracts.fields import Field
from batchwright.engine.rows.found_types import TypeFinder


def finder(stored: dict[str, Field] | None = None, *, texts: bool = True, **given: Any) -> TypeFinder:
    return TypeFinder(["c"], given, stored or {}, texts=texts)


def found(*values: Any, texts: bool = True, pages: int = 1) -> str:
    it = finder(texts=texts)
    rows = [(value,) for value in values]
    size = -(-len(rows) // pages)
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        it.add(part, ["c"], range(start + 2, start + 2 + len(part)))
    field = it.fields()[0]
    assert field.nullable
    return field.kind.removesuffix(", nullable")


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-5", "0", str(2**63 - 1)], "integer"),
        (["1", str(2**63)], "decimal(38, 9)"),
        (["1", "9" * 40], "text"),
        (["007"], "text"),
        (["1", "+49"], "text"),
        (["-0"], "text"),
        (["1_000"], "text"),
        (["\u0661"], "text"),  # a digit, to Python
        (["1", "2.50"], "decimal(38, 9)"),
        (["0.123456789012"], "decimal(38, 12)"),
        (["1e5"], "text"),
        (["0.1", "1e-07"], "real"),
        (["1", "1e-07"], "real"),
        ([str(2**60), "1e-07"], "text"),
        (["nan"], "text"),
        (["true", "false"], "boolean"),
        (["True"], "text"),
        (["1", "0"], "integer"),
        (["2026-01-31"], "date"),
        (["2026-02-30"], "text"),
        (["20260131"], "integer"),
        (["12:30:00", "12:30:00.5"], "time"),
        (["12:30"], "text"),
        (["2026-01-31T12:30:00", "2026-01-31 12:30:00.123"], "datetime"),
        (["2026-01-31T12:30:00Z", "2026-01-31T12:30:00+02:00"], "timestamp"),
        (["2026-01-31T12:30:00Z", "2026-01-31T12:30:00"], "text"),
        (["6f1e3f0c-59b0-4b54-9d4c-0f4a4c1d2e3f"], "uuid"),
        (["6F1E3F0C-59B0-4B54-9D4C-0F4A4C1D2E3F"], "text"),
        (["1", "", "2"], "integer"),
        (["", ""], "text"),
    ],
)
def test_a_type_is_what_every_text_fits(values: list[str], kind: str) -> None:
    assert found(*values) == kind
    if len(values) > 1:
        assert found(*values, pages=len(values)) == kind
        assert found(*reversed(values), pages=len(values)) == kind


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], "integer"),
        ([1, 2.5], "real"),
        ([2**60, 2.5], "decimal(38, 9)"),
        ([2**63], "decimal(38, 9)"),
        ([1, Decimal("0.1234567890123456789")], "decimal(38, 19)"),
        ([True, False], "boolean"),
        ([True, 1], "json"),
        ([1, "1"], "json"),
        (["1", "2"], "text"),
        (["2026-01-31"], "date"),
        ([{"a": 1}, [1]], "json"),
        (["", None], "text"),
    ],
)
def test_a_type_is_what_every_value_of_json_fits(values: list[Any], kind: str) -> None:
    assert found(*values, texts=False) == kind
    if len(values) > 1:
        assert found(*values, texts=False, pages=len(values)) == kind


def test_a_number_until_the_last_line_is_a_text_and_the_note_says_why() -> None:
    it = finder()
    for start in range(0, 5_000, 1_000):
        it.add([(str(n),) for n in range(start, start + 1_000)], ["c"], range(start + 2, start + 1_002))
    it.add([("n/a",)], ["c"], [5_002])
    assert it.fields()[0].type == "text"
    assert it.notes() == ["c: text, 1 of 5,001 is no number, such as 'n/a' in line 5,002"]


def test_leading_zeros_are_counted_in_all_rows() -> None:
    it = finder()
    for start in range(0, 3_000, 1_000):
        it.add([(f"{n:04}",) for n in range(start, start + 1_000)], ["c"], range(1_000))
    assert it.notes() == ["c: text, 1,000 of 3,000 have leading zeros"]


def test_a_column_that_comes_later_was_empty_before() -> None:
    it = finder()
    it.add([("1",)], ["c"], [2])
    it.add([("2", "x")], ["c", "d"], [3])
    assert [field.kind for field in it.fields()] == ["integer, nullable", "text, nullable"]


def test_a_type_that_is_said_is_not_looked_for_and_a_key_is_never_null() -> None:
    it = finder(c="text")
    it.add([("1",), ("",)], ["c"], [2, 3])
    assert it.fields()[0].kind == "text, nullable"
    assert it.fields(key="c")[0].kind == "text"


def test_a_key_that_is_a_decimal_is_a_text() -> None:
    it = finder()
    it.add([("1.5",)], ["c"], [2])
    assert it.fields(key="c")[0].kind == "text"


@pytest.mark.parametrize(
    ("stored", "values", "doubtful"),
    [
        (Field("c", "integer"), ["1"], False),
        (Field("c", "integer"), ["1", "2.5"], True),
        (Field("c", "integer"), ["1", ""], False),
        (Field("c", "date"), ["2026-01-31", "x"], True),
        (Field("c", "text"), ["1"], False),
        (Field("c", "decimal", precision=10, scale=2), ["1"], False),
    ],
)
def test_what_the_target_holds_stays_and_values_that_do_not_fit_are_noticed(
    stored: Field, values: list[str], *, doubtful: bool
) -> None:
    it = finder({"c": stored})
    for value in values:
        it.add([(value,)], ["c"], [2])
    assert it.fields()[0] == stored
    assert bool(it.doubtful) is doubtful
