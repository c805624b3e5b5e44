"""A program's records in SQLite and Postgres: read back equal, with the promises of a run."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypedDict

import psycopg
import pytest
from psycopg.rows import dict_row

from batchwright import (
    ConfigError,
    Document,
    RecordType,
    Target,
)
from batchwright.builtin.sqlite.options import database_path
from tests.support.fruit_checks import FROM_TEXT, FruitChecks, fruit_of, load, states
from tests.support.fruits import Fruit, Grower, fruit, fruits


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/shop.db"
    return str(request.getfixturevalue("postgres_url"))


def rows(url: str, table: str = "fruit") -> list[dict[str, Any]]:
    """The published rows, without the engine's columns, by id."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(database_path(url))) as connection:
            connection.row_factory = sqlite3.Row
            found = [dict(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY id")]
    else:
        with psycopg.connect(url, row_factory=dict_row) as connection:
            found = connection.execute(f"SELECT * FROM {table} ORDER BY id").fetchall()
    return [{name: value for name, value in row.items() if not name.startswith("_")} for row in found]


@pytest.fixture
def read_back(url: str) -> Callable[[], list[Fruit]]:
    read = FROM_TEXT if url.startswith("sqlite") else {}
    return lambda: [fruit_of(row, read) for row in rows(url)]


def target(url: str, table: str = "fruit") -> Target:
    return Target(f"{url}{'&' if '?' in url else '?'}table={table}")


class TestFruits(FruitChecks):
    pass


@pytest.mark.parametrize("form", ["model", "dump", "dataclass", "typed dict"])
def test_the_same_record_in_any_form_is_the_same(url: str, form: str) -> None:
    @dataclass
    class Apple:
        id: int
        name: str
        price: Decimal

    class AppleDict(TypedDict):
        id: int
        name: str
        price: Decimal

    kind = RecordType.of(Apple)
    load(url, [Apple(n, f"apple {n}", Decimal(n) / 4) for n in range(5)], record=kind)
    given: dict[str, tuple[Any, Any]] = {
        "model": (Apple, [Apple(n, f"apple {n}", Decimal(n) / 4) for n in range(5)]),
        "dump": (kind, [{"id": n, "name": f"apple {n}", "price": Decimal(n) / 4} for n in range(5)]),
        "dataclass": (None, iter([Apple(n, f"apple {n}", Decimal(n) / 4) for n in range(5)])),
        "typed dict": (
            RecordType.of(AppleDict, name="apple"),
            ({"price": Decimal(n) / 4, "name": f"apple {n}", "id": n} for n in range(5)),
        ),
    }
    record, records = given[form]
    assert states(load(url, records, record=record)) == {"unchanged": 5}


def test_what_has_no_key_or_other_fields_is_set_aside_with_its_place(url: str) -> None:
    records: list[Any] = [
        fruit(1),
        {"id": 2},
        "text",
        {**dict(fruit(3)), "more": 1},
        {**dict(fruit(4)), "id": None},
    ]
    result = load(url, records, record=Fruit)
    assert states(result) == {"added": 1, "failed": 4}
    with target(url) as shop:
        told = sorted(reject.message for reject in shop.rejects())
    assert [text.partition(":")[0] for text in told] == [f"record {n}" for n in range(1, 5)]
    assert "name is missing" in told[0]
    assert "has no field more" in told[2]


def test_a_key_met_again_names_both(url: str, read_back: Callable[[], list[Fruit]]) -> None:
    result = load(url, [fruit(1), fruit(2), fruit(1, note="again")])
    assert states(result) == {"added": 2, "failed": 1}
    with target(url) as shop:
        [reject] = shop.rejects()
    assert (reject.key, reject.message) == ("1", "records 0 and 2 have the same key; the first was taken")
    assert read_back() == [fruit(1), fruit(2)]


def test_a_field_that_is_new_and_nullable_rewrites_nothing(url: str) -> None:
    class Older(Grower):
        pass

    older = RecordType.of(Older, key="name", name="grower")

    class Newer(Grower):
        town: str | None = None

    newer = RecordType.of(Newer, key="name", name="grower")
    load(url, [Older(name=f"g{n}", acres=n) for n in range(5)], record=older)
    assert states(load(url, [Newer(name=f"g{n}", acres=n) for n in range(5)], record=newer)) == {
        "unchanged": 5
    }
    assert states(load(url, [Newer(name="g1", acres=1, town="X")], record=newer)) == {"changed": 1}


def test_types_that_cannot_be_held_or_told_are_mistakes_in_the_settings(url: str) -> None:
    class Odd(Grower):
        what: set[int]

    with pytest.raises(ConfigError, match=r"^record: say what the mappings are"):
        load(url, [{"id": 1}])
    with pytest.raises(ConfigError, match="which no column can hold"):
        load(url, [Odd(name="x", acres=1, what=set())], key="name")
    with pytest.raises(ConfigError, match="key"):
        load(url, [Grower(name="x", acres=1)])
    with pytest.raises(ConfigError):
        load(url, [17])


def test_chunks_and_records_have_relations_of_their_own_in_one_target(url: str) -> None:
    load(url, fruits(3))
    load(url, [Document("a", "text", "", 0)])
    assert len(rows(url)) == 3
    with Target(url) as kb:
        assert [hit.key for hit in kb.search("text")] == ["a"]


def test_a_text_that_is_named_is_searched(url: str) -> None:
    load(url, fruits(30), text="name", heading="note")
    with target(url) as shop:
        assert [hit.key for hit in shop.search("fruit 17")][:1] == ["17"]


def test_records_are_not_held_in_memory(url: str) -> None:
    """While the first are stored, the last are not made yet."""
    made = 0

    def making() -> Iterator[Fruit]:
        nonlocal made
        for made in range(20_000):
            yield fruit(made)

    stored_at: list[int] = []
    load(url, making(), {"batch_size": 500}, on_stored=lambda ids: stored_at.append(made))
    assert stored_at[0] < 10_000
