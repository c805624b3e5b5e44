"""JSON Lines: every object with its line, every bad line named with what can be read of it."""

from __future__ import annotations

from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest

from batchwright.builtin.rows import JsonLinesOptions, JsonLinesReader
from batchwright.contracts.reader import BadLine
from batchwright.errors import DocumentError
from batchwright.items import Item

READER = JsonLinesReader(JsonLinesOptions())


def read(data: bytes) -> dict[int, Any]:
    return dict(READER.rows(BytesIO(data), Item("fruit.jsonl")))


def test_a_line_is_a_row_and_empty_ones_are_passed_over() -> None:
    assert read(b'{"id": 1, "tags": ["a"]}\n\n{"id": 2, "name": null}\r\n') == {
        1: {"id": 1, "tags": ["a"]},
        3: {"id": 2, "name": None},
    }


def test_a_number_that_no_float_holds_exactly_is_a_decimal() -> None:
    row = read(b'{"a": 1.5, "b": 12345678901234567.891, "c": 1e2, "d": 1.10}')[1]
    assert row == {"a": 1.5, "b": Decimal("12345678901234567.891"), "c": 100.0, "d": 1.1}
    assert type(row["b"]) is Decimal


@pytest.mark.parametrize("number", ["1e400", "-1e-400", "123456789012345678901234567890.5", "0." + "12" * 40])
def test_a_number_that_no_column_of_numbers_holds_costs_its_line_and_the_reason_says_why(number: str) -> None:
    data = b'{"id": 1, "n": 1.5}\n{"id": 2, "n": %s}\n' % number.encode()
    bad = read(data)[2]
    assert isinstance(bad, BadLine)
    shown = number if len(number) <= 40 else f"{number[:40]}…"
    assert bad.reason == (
        f"no row: {shown} fits neither 64 bits nor a decimal of 38 digits (29 before the point); "
        "in quotes it is a text"
    )
    assert bad.values == {"id": 2}
    assert READER.sample(BytesIO(data)).field("n").type == "real"


@pytest.mark.parametrize(
    "number", ["1e30", "1e-30", "1.7e308", "0." + "12" * 18, "12345678901234567890123456789.5"]
)
def test_a_number_that_some_column_holds_is_kept(number: str) -> None:
    assert Decimal(str(read(b'{"n": %s}' % number.encode())[1]["n"])) == Decimal(number)


def test_a_line_that_is_cut_off_is_bad_and_what_stands_before_the_cut_is_known() -> None:
    rows = read(b'{"id": 1, "name": "a"}\n{"id": 2, "name": "b')
    assert rows[1] == {"id": 1, "name": "a"}
    bad = rows[2]
    assert isinstance(bad, BadLine)
    assert bad.reason.startswith("no JSON: Unterminated string")
    assert (bad.text, bad.values) == ('{"id": 2, "name": "b', {"id": 2})


def test_a_number_that_may_go_on_behind_the_cut_is_not_known() -> None:
    assert read(b'{"id": 12')[1].values == {}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"[1, 2]", "it is an array, not an object"),
        (b'{"id": NaN}', "no row: NaN is no value of JSON"),
        (b'{"id": 1, "id": 2}', "no row: id occurs twice"),
        (b'{"id": "caf\xe9"}', "byte 12 of the line, 0xe9, is no utf-8"),
        (b'{"id": ' + b"[" * 100_000, "it is nested too deeply"),
        (b'{"id": ' + b"9" * 5_000 + b"}", "no row: Exceeds the limit"),
    ],
)
def test_a_line_that_is_no_row_says_why(line: bytes, reason: str) -> None:
    rows = read(line + b'\n{"id": 3}\n')
    assert rows[1].reason.startswith(reason)
    assert rows[2] == {"id": 3}


def test_the_columns_are_those_of_all_the_lines_looked_at() -> None:
    found = READER.sample(BytesIO(b'{"x": 1.5, "id": 1}\n{"id": 2, "name": "b", "x": 2.5}\n'))
    assert found.names == ("x", "id", "name")
    assert found.key == "id"
    assert found.field("x").type == "real"


def test_a_file_without_objects_has_no_columns() -> None:
    with pytest.raises(DocumentError, match="none of its first lines is an object"):
        READER.sample(BytesIO(b"1\n2\n"))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{\n "id": 1\n}\n', "line 1: no JSON: Expecting property name"),
        (b'{"id": 1, "id": 2}\n', "line 1: no row: id occurs twice"),
        (b'"x"\n', "line 1: it is a string, not an object"),
        (b'{"id": 1}\n{"id": "1"}\n', "as a key does: id holds integer and text"),
    ],
)
def test_a_file_without_columns_says_why(data: bytes, said: str) -> None:
    with pytest.raises(DocumentError, match=said):
        READER.sample(BytesIO(data))


def test_a_line_that_is_too_long_costs_that_line() -> None:
    reader = JsonLinesReader(JsonLinesOptions(max_row_bytes=65_536))
    data = b'{"id": 1}\n{"id": 2, "x": "' + b"x" * 600_000 + b'"}\n{"id": 3}\n'
    rows = dict(reader.rows(BytesIO(data), Item("a.jsonl")))
    assert (rows[1], rows[3]) == ({"id": 1}, {"id": 3})
    assert isinstance(rows[2], BadLine)
    assert rows[2].values == {"id": 2}
    assert rows[2].reason.startswith("it is longer than 65,536 bytes")
