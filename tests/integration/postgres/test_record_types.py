"""Tables of record types that change, and several processes that change them at once."""

from __future__ import annotations

import threading
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from batchwright import Batch, ConfigError, Field, Receipt, RecordType, SinkError
from batchwright.builtin.postgres import PostgresOptions, PostgresSink
from batchwright.testing.kinds import KINDS, LATER, publications, row_of, usual
from tests.integration.postgres.examples import query
from tests.support.marks import marked

MOST = 4
LONGEST = 63  # bytes of a name


def sink(url: str, **options: Any) -> PostgresSink:
    return PostgresSink(PostgresOptions.model_validate({"url": url, **options}))


def columns(url: str, relation: str) -> list[str]:
    statement = (
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position"
    )
    return [name for (name,) in query(url, statement, relation)]


def with_fields(number: int) -> RecordType:
    added = tuple(Field(f"later_{n}", "text", nullable=True) for n in range(number))
    return replace(KINDS, fields=(*KINDS.fields, *added))


def test_the_relation_is_called_and_shaped_as_the_record_type(postgres_url: str) -> None:
    with sink(postgres_url).open(KINDS):
        assert columns(postgres_url, "kinds") == ["_id", "_collection", *KINDS.names]
    with sink(postgres_url, table="kinds").open() as store:
        assert store.record_type == KINDS, "what the tables were made for"
    with pytest.raises(ConfigError, match="holds records of the type kinds, not processed_chunk"):
        sink(postgres_url, table="kinds").open(replace(KINDS, name="processed_chunk"))


def test_a_new_field_comes_last_in_the_view_and_old_programs_go_on(postgres_url: str) -> None:
    old = sink(postgres_url).open(KINDS)
    query(postgres_url, "ALTER VIEW kinds SET (security_invoker = true)")
    with sink(postgres_url).open(LATER) as new, old:
        for store, row in ((new, row_of({**usual("a"), "later": 1}, LATER)), (old, row_of(usual("b")))):
            store.write(Batch([row], 0), Receipt(row.id, "run", "docs", publications=publications([row])))
    assert columns(postgres_url, "kinds")[-1] == "later"
    [(options,)] = query(postgres_url, "SELECT reloptions FROM pg_class WHERE relname = 'kinds'")
    assert options == ["security_invoker=true"], "it guards rows"
    assert query(postgres_url, "SELECT id, later FROM kinds ORDER BY id") == [("a", 1), ("b", None)]


def test_old_programs_go_on_when_a_column_is_widened(postgres_url: str) -> None:
    wider = replace(
        KINDS,
        fields=tuple(
            replace(field, type="decimal") if field.name == "order" else field for field in KINDS.fields
        ),
    )
    with sink(postgres_url).open(KINDS) as old:
        total = Decimal("1.5")
        with sink(postgres_url).open(wider) as new:
            row = row_of({**usual("w"), "order": Decimal("1.5")}, wider)
            receipt = Receipt(row.id, "run", "docs", publications=publications([row], wider))
            new.write(Batch([row], 0), receipt)
        for many in (1, 700):  # by arrays, and by COPY
            rows = [row_of({**usual(f"{many}/{n}"), "order": n}) for n in range(many)]
            total += sum(range(many))
            old.write(Batch(rows, 0), Receipt(f"{many}", "run", "docs", publications=publications(rows)))
    assert query(postgres_url, 'SELECT count("order"), sum("order") FROM kinds') == [(702, total)]
    with pytest.raises(ConfigError, match=r"order was decimal\(38, 9\) and is integer now"):
        sink(postgres_url).open(KINDS)


def test_a_target_that_lacks_a_field_is_not_changed_by_a_reader(postgres_url: str) -> None:
    sink(postgres_url).open(KINDS).close()
    with pytest.raises(SinkError, match="lacks fields of kinds"):
        sink(postgres_url).open(LATER, create=False)
    assert "later" not in columns(postgres_url, "kinds")


def test_programs_that_add_fields_at_once_add_each_once(postgres_url: str) -> None:
    sink(postgres_url).open(KINDS).close()
    together, failed = threading.Barrier(MOST), []

    def add(number: int) -> None:
        kind = with_fields(number)
        together.wait(30)
        try:
            with sink(postgres_url).open(kind) as store:
                row = row_of(usual(f"{number}"), kind)
                store.write(Batch([row], 0), Receipt(row.id, "run", "docs", publications=publications([row])))
        except Exception as error:  # noqa: BLE001 - shown below
            failed.append(error)

    threads = [threading.Thread(target=add, args=(1 + n % 2,)) for n in range(MOST)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed
    assert columns(postgres_url, "kinds")[-2:] == ["later_0", "later_1"]
    assert query(postgres_url, "SELECT id FROM kinds ORDER BY id") == [("1",), ("2",)]


def test_records_are_searched_by_their_text_and_those_without_say_so(postgres_url: str) -> None:
    with sink(postgres_url).open(KINDS) as store:
        row = row_of(usual("a", any_text="about walruses"))
        store.write(Batch([row], 0), Receipt("1", "run", "docs", publications=publications([row])))
        [hit] = store.search("walrus")
        assert (hit.id, hit.key, hit.context_header) == (row.id, "a", "")
        assert "«walruses»" in marked(hit)
    with (
        sink(postgres_url, table="silent").open(replace(KINDS, text=None)) as store,
        pytest.raises(SinkError, match="kinds has no text to search"),
    ):
        store.search("walrus")
    with sink(postgres_url, table="plain", full_text=False).open(KINDS) as store:
        store.write(Batch([row], 0), Receipt("1", "run", "docs", publications=publications([row])))
        assert [hit.key for hit in store.search("WALRUS")] == ["a"]


def test_a_name_that_leaves_no_room_is_refused(postgres_url: str) -> None:
    with pytest.raises(ConfigError, match="choose another with table="):
        sink(postgres_url).open(replace(KINDS, name="a" * 60))


def test_names_that_postgres_can_not_have_are_replaced_as_little_as_can_be(postgres_url: str) -> None:
    names = ("ctid", "xmin", "é" * 40, "n" * LONGEST, "n" * LONGEST + "a", "n" * LONGEST + "b")
    kind = RecordType("kinds", tuple(Field(name, "text") for name in ("id", *names)), key="id")
    with sink(postgres_url).open(kind):
        shown = columns(postgres_url, "kinds")
        kept = columns(postgres_url, "kinds_records")
    assert shown[2:6] == ["id", "ctid", "xmin", f"{'é' * 27}_{shown[5][-8:]}"]
    assert shown[6] == "n" * LONGEST
    assert shown[7] != shown[8]
    assert all(name.startswith("n" * 54 + "_") for name in shown[7:])
    assert kept[2:5] == ["id", "_ctid", "_xmin"]
    assert kept[5:] == shown[5:]
