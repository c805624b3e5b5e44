"""A query by cursor: nothing that was committed late is lost, and no row without a cursor."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from batchwright import ConfigError
from batchwright.contracts.source import AnySource
from tests.queries import fetched, postgres, read, records, run

TABLE = "CREATE TABLE orders (id integer PRIMARY KEY, updated_at {} )"


def _listed(source: AnySource, since: str | None = None) -> list[str]:
    return sorted(str(record["id"]) for record in records(source, since))


def _highest(source: AnySource) -> str | None:
    rows, cursor = read(source)
    assert [*rows]
    return cursor()


def test_what_changed_since_is_listed_and_what_has_no_cursor_every_time(postgres_url: str) -> None:
    run(
        postgres_url,
        TABLE.format("timestamptz"),
        "INSERT INTO orders SELECT n, timestamp '2026-01-01' + n * interval '1h' FROM generate_series(1,5) n",
        "INSERT INTO orders VALUES (6, NULL)",
    )
    source = postgres(postgres_url, "SELECT * FROM orders", cursor="updated_at")
    assert not source.complete
    assert _listed(source) == ["1", "2", "3", "4", "5", "6"]
    since = _highest(source)
    assert _listed(source, since) == ["5", "6"]  # inclusive
    run(
        postgres_url,
        "INSERT INTO orders VALUES (7, now()), (8, NULL)",
        "UPDATE orders SET updated_at = now() WHERE id = 2",
    )
    assert _listed(source, since) == ["2", "5", "6", "7", "8"]


def test_a_row_committed_late_is_found_within_the_lag(postgres_url: str) -> None:
    run(postgres_url, TABLE.format("timestamptz"))
    with psycopg.connect(postgres_url) as slow:
        slow.execute("INSERT INTO orders VALUES (1, now())")  # begun first, committed last
        run(postgres_url, "INSERT INTO orders VALUES (2, now())")
        prompt = postgres(postgres_url, "SELECT * FROM orders", cursor="updated_at")
        since = _highest(prompt)
        assert _listed(prompt) == ["2"]
    assert _listed(prompt, since) == ["2"]  # lost without a lag
    patient = postgres(postgres_url, "SELECT * FROM orders", cursor="updated_at", lag="1h")
    assert _listed(patient, since) == ["1", "2"]


@pytest.mark.parametrize(
    ("kind", "values", "lag", "listed"),
    [
        ("timestamptz", ["2026-01-01 00:00+00", "2026-01-01 02:00+02", "2026-01-01 03:00+00"], None, ["3"]),
        (
            "timestamptz",
            ["2026-01-01 00:00+00", "2026-01-01 02:30+00", "2026-01-01 03:00+00"],
            "30m",
            ["2", "3"],
        ),
        ("timestamp", ["2026-01-01 00:00", "2026-01-01 02:30", "2026-01-01 03:00"], "1h", ["2", "3"]),
        ("timestamp", ["0001-01-01 00:00", "0001-01-01 02:30"], "52w", ["1", "2"]),
        ("date", ["2026-01-01", "2026-01-30", "2026-01-31"], "1d", ["2", "3"]),
        ("bigint", ["-9223372036854775808", "-5", "-1", "0", "9", "10", "9223372036854775807"], None, ["7"]),
        ("bigint", ["-30", "-5", "-1"], "4", ["2", "3"]),
        ("bigint", ["-5", "0", "9", "10"], "1", ["3", "4"]),
        ("text", ["2026-01-01", "Zebra", "apple"], None, ["3"]),
    ],
)
def test_cursors_of_each_type_are_compared_as_their_values(
    postgres_url: str, kind: str, values: list[str], lag: str | None, listed: list[str]
) -> None:
    run(postgres_url, TABLE.format(kind))
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for position, value in enumerate(values, 1):
            connection.execute("INSERT INTO orders VALUES (%s, %s)", (position, value))
    options: dict[str, Any] = {} if lag is None else {"lag": lag}
    source = postgres(postgres_url, "SELECT * FROM orders", cursor="updated_at", **options)
    assert _listed(source, _highest(source)) == listed


@pytest.mark.parametrize(
    ("kind", "lag", "said"),
    [
        ("boolean", None, "cursor: updated_at is boolean; a cursor is one of"),
        ("bigint", "1h", "so its lag is a whole number, not 1h"),
        ("timestamptz", "3", "so its lag is a duration such as 1h, not 3"),
        ("text", "1h", "so its lag is none, not 1h"),
    ],
)
def test_a_column_or_a_lag_that_does_not_fit_is_refused(
    postgres_url: str, kind: str, lag: str | None, said: str
) -> None:
    run(postgres_url, TABLE.format(kind))
    options: dict[str, Any] = {} if lag is None else {"lag": lag}
    with pytest.raises(ConfigError, match=said):
        _listed(postgres(postgres_url, "SELECT * FROM orders", cursor="updated_at", **options))


def test_a_cursor_of_another_column_before_is_refused(postgres_url: str) -> None:
    run(postgres_url, TABLE.format("timestamptz"))
    source = postgres(postgres_url, "SELECT * FROM orders", cursor="updated_at")
    with pytest.raises(ConfigError, match="'0000000000000000007' was reached before"):
        _listed(source, "0000000000000000007")


def test_a_cursor_beyond_the_years_is_listed_every_time(postgres_url: str) -> None:
    run(
        postgres_url,
        TABLE.format("timestamptz"),
        "INSERT INTO orders VALUES (1, 'infinity'), (2, '2026-01-01')",
    )
    source = postgres(postgres_url, "SELECT * FROM orders", cursor="updated_at")
    assert _highest(source) == "2026-01-01T00:00:00.000000+00:00"
    assert len(fetched(source, _highest(source))) == 2


def test_a_query_without_rows_has_no_highest_cursor(postgres_url: str) -> None:
    run(postgres_url, TABLE.format("timestamptz"), "INSERT INTO orders VALUES (1, NULL)")
    source = postgres(postgres_url, "SELECT * FROM orders", cursor="updated_at")
    assert _highest(source) is None
    assert read(source)[1]() is None
    assert read(postgres(postgres_url, "SELECT * FROM orders"))[1]() is None
