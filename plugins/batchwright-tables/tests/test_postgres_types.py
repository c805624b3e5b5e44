"""Every Postgres type that a user meets: its field, and its value or why it can't be held."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from batchwright import BadLine, ConfigError
from tests.queries import fetched, postgres, records, run

INSTANT = datetime(2026, 1, 31, 12, 30, 0, 123456, tzinfo=UTC)
ONE = UUID("6f9619ff-8b86-d011-b42d-00cf4fc964ff")

HELD: list[tuple[str, str, Any]] = [
    ("7::smallint", "integer", 7),
    ("-7::integer", "integer", -7),
    ("9223372036854775807::bigint", "integer", 2**63 - 1),
    ("4294967295::oid", "integer", 2**32 - 1),
    ("1.1::real", "real", 1.10000002384185791015625),
    ("1.1::double precision", "real", 1.1),
    ("'NaN'::double precision = 'NaN'", "boolean", True),
    ("12.50::numeric(10, 2)", "decimal(10, 2)", Decimal("12.50")),
    ("1234567::numeric(5, -2)", "decimal(7, 0)", Decimal("1234600")),
    ("0.00123::numeric(3, 5)", "decimal(5, 5)", Decimal("0.00123")),
    ("123456789012345678901234567890.12345678::numeric(38, 8)", "decimal(38, 8)",
     Decimal("123456789012345678901234567890.12345678")),
    ("(SELECT avg(x) FROM (VALUES (1::numeric), (2), (2)) AS t (x))", "decimal(38, 20)",
     Decimal("1.6666666666666667")),
    ("true", "boolean", True),
    ("'línea'::text", "text", "línea"),
    ("'ab'::varchar(5)", "text", "ab"),
    ("'ab'::char(5)", "text", "ab"),
    ("'x'::\"char\"", "text", "x"),
    ("'relation'::name", "text", "relation"),
    ("date '2026-01-31'", "date", date(2026, 1, 31)),
    ("time '12:30:00.123456'", "time", time(12, 30, 0, 123456)),
    ("timetz '12:30:00+02'", "text", "12:30:00+02"),
    ("timestamp '2026-01-31 12:30:00.123456'", "datetime", INSTANT.replace(tzinfo=None)),
    ("timestamptz '2026-01-31 14:30:00.123456+02'", "timestamp", INSTANT),
    ("interval '1 month 2 days 03:04:05.6'", "text", "P1M2DT3H4M5.6S"),
    (f"'{ONE}'::uuid", "uuid", ONE),
    (r"'\x00ff'::bytea", "bytes", b"\x00\xff"),
    ("""'{"a": [1, 2.5, null, "x"], "b": {"c": true}}'::jsonb""", "json",
     {"a": [1, 2.5, None, "x"], "b": {"c": True}}),
    ("""'{"a" : 123456789012345678901234567890}'::json""", "json", {"a": 123456789012345678901234567890}),
    ("ARRAY[1, NULL, 3]", "json", [1, None, 3]),
    ("ARRAY[ARRAY['a', 'b'], ARRAY['c', 'd']]", "json", [["a", "b"], ["c", "d"]]),
    ("ARRAY[12.50::numeric, 3]", "json", [12.5, 3]),
    ("ARRAY[timestamptz '2026-01-31 14:30+02']", "json", ["2026-01-31T12:30:00+00:00"]),
    (f"ARRAY['{ONE}'::uuid]", "json", [str(ONE)]),
    ("ROW(1, 'x')::pair", "json", {"number": 1, "letter": "x"}),
    ("ROW(1, 'x')", "json", {"f1": 1, "f2": "x"}),
    ("'happy'::mood", "text", "happy"),
    ("ARRAY['happy', 'sad']::mood[]", "json", ["happy", "sad"]),
    ("5::positive", "integer", 5),
    ("'a@b.c'::email", "text", "a@b.c"),
    ("ARRAY[5]::positive[]", "json", [5]),
    ("12.5::price", "decimal(8, 3)", Decimal("12.500")),
    ("inet '10.0.0.1'", "text", "10.0.0.1"),
    ("cidr '10.0.0.0/8'", "text", "10.0.0.0/8"),
    ("macaddr '08:00:2b:01:02:03'", "text", "08:00:2b:01:02:03"),
    ("B'101'", "text", "101"),
    ("'101'::varbit", "text", "101"),
    ("int4range(1, 10)", "text", "[1,10)"),
    ("tstzrange('2026-01-31 14:00+02', NULL)", "text", '["2026-01-31 12:00:00+00",)'),
    ("'{[1,3), [5,7)}'::int4multirange", "text", "{[1,3),[5,7)}"),
    ("point '(1,2)'", "text", "(1,2)"),
    ("box '(1,2),(3,4)'", "text", "(3,4),(1,2)"),
    ("to_tsvector('simple', 'one two')", "text", "'one':1 'two':2"),
    ("to_tsquery('simple', 'one & two')", "text", "'one' & 'two'"),
    ("'16/B374D848'::pg_lsn", "text", "16/B374D848"),
    ("'123'::xid8", "text", "123"),
    ("'pg_class'::regclass", "text", "pg_class"),
    ("'$.a'::jsonpath", "text", '$."a"'),
    ("NULL", "text", None),
]  # fmt: skip

UNHELD = [
    ("date 'infinity'", "is infinity, which is no date"),
    ("date '10000-01-01'", "is 10000-01-01, which is no date"),
    ("date '0044-03-15 BC'", "is 0044-03-15 BC, which is no date"),
    ("time '24:00'", "is 24:00:00, which is no date"),
    ("timestamp '-infinity'", "is -infinity, which is no date"),
    ("timestamptz 'infinity'", "is infinity, which is no date"),
    ("timestamptz '9999-12-31 23:00-05'", "is 10000-01-01 04:00:00+00, which is no date"),
    ("""'{"a": 0.12345678901234567890123}'::jsonb""", "would be rounded: 0.12345678901234567890123"),
    ("""'1e400'::json""", "would be rounded"),
]

REFUSED = [
    ("12.34::money", "the column it is money"),
    ("1::numeric(50, 10)", r"the column it is numeric\(50, 10\)"),
]

MADE = (
    "CREATE TYPE mood AS ENUM ('sad', 'happy')",
    "CREATE TYPE pair AS (number integer, letter text)",
    "CREATE DOMAIN positive AS integer CHECK (value > 0)",
    "CREATE DOMAIN email AS text",
    "CREATE DOMAIN price AS numeric(8, 3)",
)


@pytest.fixture
def url(postgres_url: str) -> str:
    run(postgres_url, *MADE)
    return postgres_url


def test_each_type_has_a_field_and_its_value(url: str) -> None:
    columns = ", ".join(f"{expression} AS c{n}" for n, (expression, _, _) in enumerate(HELD))
    query = postgres(url, f"SELECT 1 AS id, {columns}")
    kind = query.record_type
    assert kind is not None
    assert [field.kind for field in kind.fields[1:]] == [f"{said}, nullable" for _, said, _ in HELD]
    [record] = records(query)
    assert list(record.values())[1:] == [value for _, _, value in HELD]
    assert [type(value) for value in record.values()][1:] == [type(value) for _, _, value in HELD]


def test_values_are_the_same_whatever_the_role_is_set_to(url: str) -> None:
    wanted = records(postgres(url, _of(HELD)))
    for setting in (
        "DateStyle TO 'German, DMY'",
        "IntervalStyle TO 'sql_standard'",
        "TimeZone TO 'Asia/Kolkata'",
        "extra_float_digits TO '-10'",
        "bytea_output TO 'escape'",
    ):
        run(url, f"ALTER ROLE CURRENT_USER SET {setting}")
    try:
        assert records(postgres(url, _of(HELD))) == wanted
    finally:
        run(url, "ALTER ROLE CURRENT_USER RESET ALL")


@pytest.mark.parametrize(("expression", "said"), UNHELD)
def test_a_value_that_cannot_be_held_costs_its_row_alone(url: str, expression: str, said: str) -> None:
    sql = (
        f"SELECT id, CASE id WHEN 2 THEN {expression} END AS it, 'x' AS name FROM generate_series(1, 3) AS id"
    )
    first, bad, last = fetched(postgres(url, sql))
    assert (first, last) == ({"id": 1, "it": None, "name": "x"}, {"id": 3, "it": None, "name": "x"})
    assert isinstance(bad, BadLine)
    assert bad.reason.startswith("it ")
    assert said in bad.reason
    assert bad.values == {"id": 2, "name": "x"}
    assert '"id": 2' in bad.text


@pytest.mark.parametrize(("expression", "said"), REFUSED)
def test_a_column_that_no_field_holds_is_named(url: str, expression: str, said: str) -> None:
    query = postgres(url, f"SELECT 1 AS id, {expression} AS it")
    with pytest.raises(ConfigError, match=said):
        _ = query.record_type


def test_nan_and_infinity_of_numbers_arrive_as_they_are(url: str) -> None:
    [record] = records(
        postgres(url, "SELECT 1 AS id, 'NaN'::numeric AS a, 'Infinity'::numeric AS b, 'NaN'::float8 AS c")
    )
    assert (str(record["a"]), str(record["b"])) == ("NaN", "Infinity")
    assert record["c"] != record["c"]


def _of(held: list[tuple[str, str, Any]]) -> str:
    return "SELECT 1 AS id, " + ", ".join(
        f"{expression} AS c{n}" for n, (expression, _, _) in enumerate(held)
    )
