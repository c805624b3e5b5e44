"""Every Arrow type, by Parquet and by Arrow's own files: its field, and its value or why it can't be held."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batchwright import BadLine, DocumentError
from tests.files import arrow, arrow_stream, parquet, rows, sample

NAIVE = datetime(2026, 1, 31, 12, 30, 0, 123456)
AWARE = NAIVE.replace(tzinfo=UTC)
ONE = UUID("6f9619ff-8b86-d011-b42d-00cf4fc964ff")
DEEP = pa.struct([("a", pa.list_(pa.struct([("b", pa.uint64())])))])

HELD: list[tuple[str, pa.Array, str, Any]] = [
    ("int8", pa.array([-7], pa.int8()), "integer", -7),
    ("int64", pa.array([2**63 - 1]), "integer", 2**63 - 1),
    ("uint32", pa.array([2**32 - 1], pa.uint32()), "integer", 2**32 - 1),
    ("uint64", pa.array([2**63 - 1], pa.uint64()), "integer", 2**63 - 1),
    ("half", pa.array([1.5], pa.float16()), "real", 1.5),
    ("float", pa.array([1.1], pa.float32()), "real", 1.10000002384185791015625),
    ("double", pa.array([1.1]), "real", 1.1),
    ("decimal", pa.array([Decimal("12.50")], pa.decimal128(10, 2)), "decimal(10, 2)", Decimal("12.50")),
    ("decimal256", pa.array([Decimal("1.5")], pa.decimal256(38, 10)), "decimal(38, 10)", Decimal("1.5")),
    ("bool", pa.array([True]), "boolean", True),
    ("text", pa.array(["línea"]), "text", "línea"),
    ("large", pa.array(["x"], pa.large_string()), "text", "x"),
    ("view", pa.array(["x"], pa.string_view()), "text", "x"),
    ("null", pa.array([None], pa.null()), "text", None),
    ("bytes", pa.array([b"\0\xff"]), "bytes", b"\0\xff"),
    ("fixed", pa.array([b"abc"], pa.binary(3)), "bytes", b"abc"),
    ("date", pa.array([date(2026, 1, 31)]), "date", date(2026, 1, 31)),
    ("early", pa.array([date(1, 1, 1)]), "date", date(1, 1, 1)),
    ("time", pa.array([time(12, 30, 0, 123456)], pa.time64("us")), "time", time(12, 30, 0, 123456)),
    ("time_s", pa.array([time(12, 30)], pa.time32("s")), "time", time(12, 30)),
    ("time_ns", pa.array([1_000], pa.time64("ns")), "time", time(0, 0, 0, 1)),
    ("naive", pa.array([NAIVE], pa.timestamp("us")), "datetime", NAIVE),
    ("seconds", pa.array([NAIVE], pa.timestamp("s")), "datetime", NAIVE.replace(microsecond=0)),
    ("aware", pa.array([AWARE], pa.timestamp("us", "Asia/Kolkata")), "timestamp", AWARE),
    ("nano", pa.array([AWARE], pa.timestamp("ns", "UTC")), "timestamp", AWARE),
    ("last", pa.array([datetime.max], pa.timestamp("us")), "datetime", datetime.max),
    ("uuid", pa.array([ONE.bytes], pa.uuid()), "uuid", ONE),
    ("json", pa.array(['{"a": [1, 2.5]}'], pa.json_()), "json", {"a": [1, 2.5]}),
    ("words", pa.array(["x"]).dictionary_encode(), "text", "x"),
    ("list", pa.array([[1, None, 3]]), "json", [1, None, 3]),
    ("empty", pa.array([[]], pa.list_(pa.int64())), "json", []),
    ("lists", pa.array([[["a"], None, []]]), "json", [["a"], None, []]),
    ("large_list", pa.array([[1]], pa.large_list(pa.int8())), "json", [1]),
    ("pair", pa.array([[1, 2]], pa.list_(pa.int64(), 2)), "json", [1, 2]),
    ("struct", pa.array([{"a": 1, "b": {"c": [True]}}]), "json", {"a": 1, "b": {"c": [True]}}),
    ("map", pa.array([[("a", 1), ("b", None)]], pa.map_(pa.string(), pa.int64())), "json",
     {"a": 1, "b": None}),
    ("pairs", pa.array([[(1, "a")]], pa.map_(pa.int64(), pa.string())), "json", [{"key": 1, "value": "a"}]),
    ("moments", pa.array([[NAIVE]], pa.list_(pa.timestamp("ns"))), "json", [NAIVE]),
    ("blobs", pa.array([[b"\0\xff"]]), "json", ["AP8="]),
    ("words_in", pa.array([["x", "y"]], pa.list_(pa.dictionary(pa.int8(), pa.string()))), "json", ["x", "y"]),
]  # fmt: skip

# what Parquet doesn't have, or writes as another type
ARROW_ONLY: list[tuple[str, pa.Array, str, Any]] = [
    ("duration", pa.array([timedelta(hours=1, milliseconds=500)], pa.duration("ms")), "text", "PT3600.5S"),
    ("back", pa.array([timedelta(seconds=-1.5)], pa.duration("us")), "text", "PT-1.5S"),
    ("date64", pa.array([date(2026, 1, 31)], pa.date64()), "date", date(2026, 1, 31)),
    ("interval", pa.array([(1, 2, 3_500_000_000)], pa.month_day_nano_interval()), "text", "P1M2DT3.5S"),
    ("flag", pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1], pa.int8())), "boolean", True),
    ("runs", pa.RunEndEncodedArray.from_arrays([1], pa.array(["x"])), "text", "x"),
    ("list_view", pa.array([[1, 2]], pa.list_view(pa.int64())), "json", [1, 2]),
    ("tens", pa.array([Decimal("1.2E+3")], pa.decimal128(3, -2)), "decimal(5, 0)", Decimal("1.2E+3")),
]  # fmt: skip

UNHELD = [
    ("uint64", pa.array([2**63], pa.uint64()), "has more than 63 bits"),
    ("at", pa.array([1_769_862_600_123_456_789], pa.timestamp("ns")),
     "2026-01-31T12:30:00.123456 and 789 ns, which has nanoseconds"),
    ("time", pa.array([1], pa.time64("ns")), "which has nanoseconds"),
    ("late", pa.array([2**62], pa.timestamp("us", "UTC")), "is no date or time between"),
    ("late", pa.array([2**62], pa.timestamp("s")), "is no date or time between"),
    ("day", pa.array([2**30], pa.int32()).view(pa.date32()), "is no date or time between"),
    ("time", pa.array([2**40], pa.int64()).view(pa.time64("us")), "is no date or time between"),
    ("text", pa.array([b"\xff"]).view(pa.string()), "is no text in UTF-8"),
    ("json", pa.array(["{"], pa.json_()), "is no JSON"),
    ("json", pa.array(['{"a": 0.12345678901234567890123}'], pa.json_()), "would be rounded"),
    ("map", pa.array([[("a", 1), ("a", 2)]], pa.map_(pa.string(), pa.int64())), "comes twice"),
    ("list", pa.array([[1, 2**63]], pa.list_(pa.uint64())), "has more than 63 bits"),
    ("struct", pa.array([{"a": [{"b": 2**63}]}], DEEP), "has more than 63 bits"),
]  # fmt: skip


@pytest.mark.parametrize("write", [parquet, arrow, arrow_stream])
def test_each_type_has_a_field_and_its_value(write: Any) -> None:
    held = HELD if write is parquet else HELD + ARROW_ONLY
    names = [name for name, *_ in held]
    data = write(pa.table([array for _, array, *_ in held], names=names))
    kind = sample(write, data)
    key = [f"{said}" for *_, said, _ in held[:1]]
    assert [field.kind for field in kind.fields] == key + [f"{said}, nullable" for *_, said, _ in held[1:]]
    assert kind.key == names[0]
    [(number, record)] = rows(write, data)
    assert number == 1
    assert record == {name: value for name, _, _, value in held}
    assert [type(value) for value in record.values()] == [type(value) for *_, value in held]


@pytest.mark.parametrize(
    ("name", "array", "said"), UNHELD, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_value_that_cannot_be_held_costs_its_row_alone(name: str, array: pa.Array, said: str) -> None:
    none = pa.nulls(1, array.type)
    table = pa.table({"id": [1, 2, 3], name: pa.chunked_array([none, array, none])})
    write = parquet if name in ("text", "time") else arrow  # Arrow's own files are checked as a whole
    found = rows(write, write(table))
    assert [number for number, _ in found] == [1, 2, 3]
    assert [found[n][1] for n in (0, 2)] == [{"id": 1, name: None}, {"id": 3, name: None}]
    bad = found[1][1]
    assert isinstance(bad, BadLine)
    assert bad.reason.startswith(f"{name} is ")
    assert said in bad.reason
    assert bad.values == {"id": 2}


def test_nanoseconds_are_cut_off_where_that_is_asked_for() -> None:
    at = pa.array([1_769_862_600_123_456_789, None], pa.timestamp("ns"))
    data = parquet(
        pa.table({"id": [1, 2], "at": at, "all": pa.array([[1], []], pa.list_(pa.timestamp("ns")))})
    )
    found = [row for _, row in rows(parquet, data, nanoseconds="cut")]
    assert found == [{"id": 1, "at": NAIVE, "all": [datetime(1970, 1, 1)]}, {"id": 2, "at": None, "all": []}]


def test_nulls_and_slices_of_nested_columns_stay_with_their_rows() -> None:
    values: list[Any] = [
        None,
        [],
        [{"a": "x", "b": None}],
        None,
        [None, {"a": None, "b": [1, 2]}],
        [{"a": "y", "b": []}],
    ] * 1_000
    kind = pa.list_(pa.struct([("a", pa.string()), ("b", pa.list_(pa.int64()))]))
    table = pa.table(
        {
            "id": range(len(values)),
            "v": pa.array(values, kind),
            "p": pa.array([[n, None] for n in range(len(values))], pa.list_(pa.int64(), 2)),
        }
    )
    for write in (parquet, arrow):
        found = [row for _, row in rows(write, write(table.slice(3)))]
        assert [row["v"] for row in found] == values[3:]
        assert [row["p"] for row in found] == [[n, None] for n in range(3, len(values))]


def test_a_column_that_is_never_null_is_not_nullable() -> None:
    schema = pa.schema([pa.field("id", pa.string()), pa.field("n", pa.int64(), nullable=False)])
    kind = sample(parquet, parquet(pa.table({"id": ["a"], "n": [1]}, schema=schema)))
    assert [field.kind for field in kind.fields] == ["text", "integer"]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (
            {"id": pa.array([1]), "n": pa.array([Decimal(1)], pa.decimal256(50, 10))},
            "the column n is decimal256",
        ),
        ({"id": pa.array([1]), "_n": pa.array([1])}, "the field _n begins with an underscore"),
        ({"n": pa.array([1.5])}, "no column that can be a key"),
        ({}, "no column that can be a key"),
    ],
)
def test_a_column_that_no_field_holds_is_named(columns: dict[str, pa.Array], said: str) -> None:
    with pytest.raises(DocumentError, match=said):
        sample(arrow, arrow(pa.table(columns)))


def test_two_columns_of_one_name_are_refused() -> None:
    table = pa.table([pa.array([1]), pa.array([2])], names=["id", "id"])
    with pytest.raises(DocumentError, match="the fields id and id"):
        sample(arrow, arrow(table))


def test_the_uuids_and_json_of_others_files_are_known() -> None:
    data = io.BytesIO()
    table = pa.table({"id": pa.array([ONE.bytes], pa.uuid()), "j": pa.array(["[1]"], pa.json_())})
    pq.write_table(table, data, store_schema=False)  # as writers do that know no Arrow
    assert [field.type for field in sample(parquet, data.getvalue()).fields] == ["uuid", "json"]
    assert rows(parquet, data.getvalue()) == [(1, {"id": ONE, "j": [1]})]
