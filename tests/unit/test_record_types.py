"""The record type of a class, its records as rows, and what becomes of a type that changes."""

from __future__ import annotations

import enum
import json
import math
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any, Literal, NewType, NotRequired, TypedDict
from uuid import UUID

import pytest
from pydantic import AwareDatetime, BaseModel, NaiveDatetime
from pydantic import Field as PydanticField

from batchwright import ConfigError, Field, ProcessedChunk, RecordType, SinkError
from batchwright.contracts.record_json import as_json, content_hash, record_of
from batchwright.contracts.record_rows import Rows
from batchwright.contracts.records import CHUNK
from batchwright.contracts.rows import Row
from batchwright.sinkkit.record_changes import added_fields, extended, widened_fields
from batchwright.testing.kinds import KINDS, LATER, bad_records, good_records, row_of, usual

Sku = NewType("Sku", str)


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Grower(BaseModel):
    name: str
    since: date


class HTTPFruit(BaseModel):
    id: Sku
    count: int
    weight: float | None = None
    price: Annotated[Decimal, PydanticField(max_digits=8, decimal_places=2)]
    exact: Decimal = Decimal(0)
    ripe: bool
    colour: Colour
    size: Literal["s", "l"] | None
    picked: date
    at: time
    seen: datetime
    naive: NaiveDatetime
    sold: AwareDatetime | None = None
    batch: UUID
    photo: bytes
    grower: Grower
    tags: list[str]
    extra: dict[str, Any] | None = None


@dataclass
class Order:
    number: int
    note: str | None = None


class Row3(TypedDict):
    id: str
    amount: NotRequired[Decimal]


def fruit(**values: Any) -> HTTPFruit:
    given = {
        "id": "a",
        "count": 1,
        "price": Decimal("1.50"),
        "ripe": True,
        "colour": Colour.RED,
        "size": "s",
        "picked": date(2026, 1, 31),
        "at": time(12),
        "seen": datetime(2026, 1, 31),
        "naive": datetime(2026, 1, 31),
        "batch": UUID(int=1),
        "photo": b"\0",
        "grower": Grower(name="Ann", since=date(2020, 1, 1)),
        "tags": ["x"],
    }
    return HTTPFruit(**{**given, **values})


def test_a_model_has_the_types_that_its_annotations_say() -> None:
    found = RecordType.of(HTTPFruit)
    assert (found.name, found.key, found.relation, found.id_column) == (
        "http_fruit",
        "id",
        "http_fruit",
        "_id",
    )
    assert [(field.name, field.kind) for field in found.fields] == [
        ("id", "text"),
        ("count", "integer"),
        ("weight", "real, nullable"),
        ("price", "decimal(8, 2)"),
        ("exact", "decimal(38, 9)"),
        ("ripe", "boolean"),
        ("colour", "text"),
        ("size", "text, nullable"),
        ("picked", "date"),
        ("at", "time"),
        ("seen", "datetime"),
        ("naive", "datetime"),
        ("sold", "timestamp, nullable"),
        ("batch", "uuid"),
        ("photo", "bytes"),
        ("grower", "json"),
        ("tags", "json"),
        ("extra", "json, nullable"),
    ]


def test_dataclasses_and_typed_dicts_are_records_and_a_chunk_is_one_of_its_own() -> None:
    order = RecordType.of(Order, key="number", text="note", name="orders")
    assert order.fields == (Field("number", "integer"), Field("note", "text", nullable=True))
    assert (order.name, order.text) == ("orders", "note")
    assert RecordType.of(Row3).fields == (Field("id", "text"), Field("amount", "decimal", nullable=True))
    assert RecordType.of(ProcessedChunk) is CHUNK
    assert (CHUNK.relation, CHUNK.id_column) == ("knowledge_base", "id")
    assert CHUNK.names[:2] == ("span_start", "span_end")


@dataclass
class Mixed:
    id: str
    value: int | str


@dataclass
class Set:
    id: str
    value: set[str]


@dataclass
class Hidden:
    id: str
    _value: str


@dataclass
class Alike:
    id: str
    ID: str


@dataclass
class Late:
    id: str
    value: Missing  # type: ignore[name-defined]  # noqa: F821


@pytest.mark.parametrize(
    ("record", "options", "message"),
    [
        (Mixed, {}, r"the field value of Mixed is int \| str, which no column can hold"),
        (Set, {}, r"the field value of Set is set\[str\], which no column can hold"),
        (Hidden, {}, "the field _value begins with an underscore"),
        (Alike, {}, "fields id and ID"),
        (Late, {}, "the annotations of Late can't be understood: name 'Missing'"),
        (Order, {}, r"say which field names a order, as in RecordType.of\(Order, key=…\)"),
        (Order, {"key": "id"}, "order has no field id, which was to be its key, but number, note"),
        (Order, {"key": "note"}, r"the key of order is note \(text, nullable\)"),
        (Order, {"key": "number", "text": "number"}, "no field number of texts, which was to be its text"),
        (HTTPFruit, {"key": "photo"}, r"the key of http_fruit is photo \(bytes\)"),
        (HTTPFruit, {"name": "processed_chunk"}, "is taken by batchwright's own chunks"),
        (int, {}, "is no record; give a pydantic model, a dataclass or a TypedDict"),
    ],
)
def test_a_class_that_cannot_be_held_is_refused(record: type, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        RecordType.of(record, **options)


def test_a_record_type_survives_as_json() -> None:
    for kind in (KINDS, CHUNK, RecordType.of(HTTPFruit)):
        assert RecordType.from_json(kind.as_json()) == kind


def test_records_of_any_class_become_the_same_row() -> None:
    rows = Rows(RecordType.of(HTTPFruit))
    one = fruit(sold=datetime(2026, 1, 31, 12, tzinfo=timezone(timedelta(hours=2))))
    values = rows.values(one)
    named = dict(zip(rows.record_type.names, values, strict=True))
    assert named["price"] == Decimal("1.5")
    assert str(named["price"]) == "1.5", "equal numbers have one form"
    assert (named["colour"], named["sold"]) == ("red", datetime(2026, 1, 31, 10, tzinfo=UTC))
    assert named["grower"] == {"name": "Ann", "since": "2020-01-01"}
    assert rows.values({name: getattr(one, name) for name in rows.record_type.names}) == values
    assert rows.key(values) == "a"
    assert rows.row("id", values).size > 10


def test_a_mapping_that_is_another_record_is_refused_and_one_may_lack_what_may_be_none() -> None:
    rows = Rows(RecordType.of(Row3))
    assert rows.values({"id": "a"}) == ("a", None)
    with pytest.raises(ValueError, match="id is missing"):
        rows.values({"amount": Decimal(1)})
    with pytest.raises(ValueError, match="row3 has no field amuont"):
        rows.values({"id": "a", "amuont": Decimal(1)})
    with pytest.raises(ValueError, match="a Order is no row3"):
        rows.values(Order(1))


def test_a_hash_is_that_of_the_values_and_none_does_not_enter_it() -> None:
    rows, later = Rows(KINDS), Rows(LATER)
    before = content_hash(KINDS, rows.values(usual("a")))
    assert content_hash(LATER, later.values({**usual("a"), "later": None})) == before
    assert content_hash(LATER, later.values({**usual("a"), "later": 1})) != before
    same = usual("a", price=Decimal("12.5"), a_timestamp=usual("a")["a_timestamp"].astimezone())
    assert content_hash(KINDS, rows.values(same)) == before
    hashes = {content_hash(KINDS, rows.values(values)) for values in good_records()}
    assert len(hashes) == len(good_records())


def test_every_value_round_trips_through_json_in_ascii() -> None:
    for values in good_records():
        row = row_of({**values, "any_text": "a\0b\ud800"})
        text = json.dumps(as_json(KINDS, row), allow_nan=False)
        assert text.isascii()
        assert record_of(KINDS, row.id, json.loads(text)) == row


def test_a_value_that_is_refused_is_kept_to_be_seen() -> None:
    for values in bad_records():
        row = row_of(values)
        json.dumps(as_json(KINDS, row), allow_nan=False)
    infinite = Row("", row_of(usual("a", a_real=math.inf)).values, 0)
    found = record_of(KINDS, "", as_json(KINDS, infinite))
    assert found == replace_size(infinite, found)
    with pytest.raises(ValueError, match="a_timestamp must be an instant as in 2026"):
        record_of(KINDS, "", {**as_json(KINDS, infinite), "a_timestamp": "2026-01-31T12:00:00"})


def replace_size(row: Row, like: Any) -> Row:
    return row._replace(size=like.size)


@pytest.mark.parametrize("name", ["", " ", "a\0b", "a\ud800"])
def test_a_name_that_no_database_could_have_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="a record type is called "):
        replace(KINDS, name=name)
    with pytest.raises(ConfigError, match="a field is called "):
        Field(name, "text")


def test_nullable_fields_are_added_and_what_else_differs_is_said() -> None:
    assert added_fields(KINDS, KINDS, "kb") == ()
    [later] = added_fields(KINDS, LATER, "kb")
    assert extended(KINDS, (later,)) == LATER
    assert added_fields(LATER, KINDS, "kb") == (), "a program that is not replaced yet goes on"
    other = replace(
        KINDS,
        fields=(
            *(replace(field, type="text") if field.name == "order" else field for field in KINDS.fields[:-1]),
            Field("new", "integer"),
        ),
        text=None,
    )
    with pytest.raises(ConfigError) as caught:
        added_fields(KINDS, other, "kb")
    said = str(caught.value)
    for part in (
        "kb was made for another kinds",
        "order was integer and is text now",
        "price (decimal(10, 2)) is gone, but can't be NULL",
        "new (integer) is new, but not nullable",
        "its text was any_text and is None now (text='any_text' keeps it)",
        "table=",
    ):
        assert part in said, said
    with pytest.raises(ConfigError, match="kb holds records of the type kinds, not processed_chunk"):
        added_fields(KINDS, CHUNK, "kb")


@pytest.mark.parametrize(
    ("was", "now", "wider"),
    [
        (Field("c", "integer"), Field("c", "decimal"), True),
        (Field("c", "integer"), Field("c", "decimal", precision=19, scale=0), True),
        (Field("c", "integer"), Field("c", "decimal", precision=38, scale=20), False),
        (Field("c", "integer"), Field("c", "decimal", nullable=True), False),
        (Field("c", "integer"), Field("c", "real"), False),
        (Field("c", "integer"), Field("c", "text"), False),
        (Field("c", "date"), Field("c", "timestamp"), False),
        (Field("c", "decimal", precision=10, scale=2), Field("c", "decimal", precision=12, scale=4), True),
        (Field("c", "decimal", precision=10, scale=2), Field("c", "decimal", precision=12, scale=5), False),
        (Field("c", "decimal", precision=10, scale=2), Field("c", "decimal", precision=12, scale=1), False),
        (Field("c", "decimal"), Field("c", "integer"), False),
        (Field("c", "decimal"), Field("c", "decimal"), False),
    ],
)
def test_a_field_is_widened_to_one_that_holds_every_value(was: Field, now: Field, *, wider: bool) -> None:
    stored, wanted = (RecordType("t", (Field("id", "text"), one), "id") for one in (was, now))
    assert widened_fields(stored, wanted) == ((now,) if wider else ())
    if wider:
        assert added_fields(stored, wanted, "t", widens=True) == ()
        assert extended(stored, (now,)) == wanted
    if was != now:
        with pytest.raises(ConfigError, match="c was "):
            added_fields(stored, wanted, "t", widens=not wider)


@pytest.mark.parametrize(
    "change", [("precision", "precisi5n"), ("{", "["), ('"fields"', '"felds"'), ("text", "tixt")]
)
def test_what_a_damaged_target_says_of_its_fields_is_no_riddle(change: tuple[str, str]) -> None:
    with pytest.raises(SinkError, match="what the target says of its fields can't be understood"):
        RecordType.from_json(CHUNK.as_json().replace(*change))
