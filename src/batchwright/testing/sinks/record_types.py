"""Checks: records that are no chunks, with every kind of field; skipped without a fixture `stored_kinds`."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from batchwright.contracts.fields import Field
from batchwright.contracts.records import CHUNK, RecordType
from batchwright.contracts.rows import Row
from batchwright.contracts.search import Searchable
from batchwright.contracts.sink import Inspectable, Store
from batchwright.errors import BadRecords, ConfigError
from batchwright.testing.kinds import (
    KINDS,
    LATER,
    bad_records,
    good_records,
    publications,
    read,
    row_of,
    usual,
)
from batchwright.testing.names import SEARCHED, named, values_of
from batchwright.testing.records import batch, receipt, sample
from batchwright.testing.sinks.rig import Rig, SinkChecks

StoredKinds = Callable[[], Sequence[Mapping[str, Any]]]
"""Reads the published rows of the record type `kinds`, independently of the sink, JSON as text."""


class RecordTypeChecks(SinkChecks):
    """`Sink.open(record_type)`: the columns are those of the record type."""

    @pytest.fixture
    def stored_kinds(self) -> StoredKinds | None:
        """Override where the sink takes other records than chunks."""
        return None

    def test_every_kind_of_field_comes_back(self, rig: Rig, stored_kinds: StoredKinds | None) -> None:
        """Fails: a value is rounded, cut, or of another time. `contracts.fields` says what a type holds."""
        store, wanted = _opened(rig, stored_kinds), good_records()
        _load(rig, store, [row_of(values) for values in wanted])
        _expect(stored_kinds, wanted)

    def test_a_value_of_another_kind_is_refused_alone(
        self, rig: Rig, stored_kinds: StoredKinds | None
    ) -> None:
        """Fails: a value is taken that its field can't have, or the wrong records are named."""
        store, good, bad = _opened(rig, stored_kinds), good_records(), bad_records()
        for number, values in enumerate(bad):
            rows = [row_of(one) for one in (good[0], values, good[1])]
            with pytest.raises(BadRecords) as caught:
                _load(rig, store, rows)
            assert set(caught.value.reasons) == {1}, f"the bad record is the middle one of three: {values}"
            assert caught.value.reasons[1].strip(), "there is no reason"
            if number % 8 == 0:
                _expect(stored_kinds, [])
        _load(rig, store, [row_of(values) for values in good])
        _expect(stored_kinds, good)

    def test_a_new_field_is_added_to_what_is_there(self, rig: Rig, stored_kinds: StoredKinds | None) -> None:
        """Fails: a nullable field that is new is refused, or the rows that are there are lost."""
        store = _opened(rig, stored_kinds)
        _load(rig, store, [row_of(usual("a"))])
        newer = _opened(rig, stored_kinds, LATER)
        _load(rig, newer, [row_of({**usual("b"), "later": 5}, LATER)])
        _load(rig, _opened(rig, stored_kinds), [row_of(usual("c"))])  # a program not yet replaced
        wanted = [{**usual("a"), "later": None}, {**usual("b"), "later": 5}, {**usual("c"), "later": None}]
        _expect(stored_kinds, wanted, LATER)

    def test_chunks_of_an_older_version_gain_what_is_new(
        self, rig: Rig, stored_kinds: StoredKinds | None
    ) -> None:
        """Fails: chunks stored by a batchwright without pages aren't found, or bar those that have pages."""
        older = replace(CHUNK, fields=tuple(field for field in CHUNK.fields if field.name != "page"))
        old, new = sample("a.md", ["walrus"], line=7), sample("b.pdf", ["a walrus"], line=9, page=2)
        rig.publish(_opened(rig, stored_kinds, older), old)
        _expect_found(rig.open(), [(7, None)])
        rig.publish(rig.open(CHUNK), new)
        _expect_found(rig.open(), [(7, None), (9, 2)])
        rig.expect((*old.chunks, *new.chunks))

    @pytest.mark.parametrize(("heading", "text"), SEARCHED.values(), ids=SEARCHED)
    def test_a_field_may_have_any_name(
        self, rig: Rig, stored_kinds: StoredKinds | None, heading: str, text: str
    ) -> None:
        """Fails: a name is taken for something else, or is one the database can't have. Quote, or replace it.

        Names of columns in the target may be others, in the order of the fields.
        """
        record_type = named(heading, text)
        store, wanted = _opened(rig, stored_kinds, record_type), [values_of("quokka"), values_of("wombat")]
        _load(rig, store, [row_of(values, record_type) for values in wanted])
        assert stored_kinds is not None
        for row in stored_kinds():
            found = list(row.values())[-len(record_type.fields) :]
            assert found == list(values_of(found[0]).values()), "a value is in the column of another field"
        assert len(stored_kinds()) == len(wanted), "other records are published than should be"
        if isinstance(store, Inspectable):
            assert [holding.damaged for holding in store.holdings()] == [0, 0]
        if isinstance(store, Searchable):
            found = [hit.key for hit in store.search("wombat")]
            assert found == ["wombat"], (
                "search finds other records than those with the word in text or heading"
            )

    def test_the_order_of_the_fields_may_change(self, rig: Rig, stored_kinds: StoredKinds | None) -> None:
        """Fails: values go by the place of a field, not by its name."""
        _load(rig, _opened(rig, stored_kinds), [row_of(usual("a"))])
        turned = replace(KINDS, fields=KINDS.fields[::-1])
        _load(rig, _opened(rig, stored_kinds, turned), [row_of(usual("b"), turned)])
        _expect(stored_kinds, [usual("a"), usual("b")])

    def test_another_change_is_refused(self, rig: Rig, stored_kinds: StoredKinds | None) -> None:
        """Fails: a target opens for records that it can't hold. Raise ConfigError, saying what differs."""
        _load(rig, _opened(rig, stored_kinds), [row_of(usual("a"))])
        fields = KINDS.fields
        others = {
            "new": replace(KINDS, fields=(*fields, Field("new", "integer"))),
            "a_date": replace(KINDS, fields=tuple(one for one in fields if one.name != "a_date")),
            "a_integer": _changed("a_integer", type="text"),
            "any_text": _changed("any_text", nullable=False),
            "a_bytes": _changed("a_bytes", nullable=True),
            "price": _changed("price", type="text"),
            "a_text": replace(KINDS, key="a_text"),
            "heading": replace(KINDS, heading="a_text"),
        }
        for name, other in others.items():
            with pytest.raises(ConfigError) as caught:
                rig.open(other)
            assert name in str(caught.value), "the message doesn't say what differs"
        _expect(stored_kinds, [usual("a")])


def _changed(name: str, **change: Any) -> RecordType:
    fields = (replace(field, **change) if field.name == name else field for field in KINDS.fields)
    return replace(KINDS, fields=tuple(fields))


def _opened(rig: Rig, stored: StoredKinds | None, record_type: RecordType = KINDS) -> Store:
    if stored is None:
        pytest.skip("the fixture `stored_kinds` isn't overridden")
    store = rig.open(record_type)
    assert store.record_type == record_type, "the store's `record_type` isn't the one that it was opened for"
    return store


def _load(rig: Rig, store: Store, rows: Sequence[Row]) -> None:
    written = receipt(len(rows), publications=publications(rows, store.record_type))
    store.write(batch(rows), rig.ready(store, written))
    rig.record(store, written)


def _expect_found(store: Store, wanted: Sequence[tuple[int, int | None]]) -> None:
    """Check that a search finds the walruses at these lines and pages, where the store is searchable."""
    if isinstance(store, Searchable):
        assert sorted((hit.line or 0, hit.page) for hit in store.search("walrus")) == wanted


def _same(there: object, given: object) -> bool:
    return there == given and type(there) is type(given)


def _expect(
    stored: StoredKinds | None, wanted: Sequence[Mapping[str, Any]], record_type: RecordType = KINDS
) -> None:
    """Check that exactly these records are published, with all their values."""
    assert stored is not None
    found = {row["id"]: row for row in stored()}
    assert found.keys() == {values["id"] for values in wanted}, "other records are published than should be"
    for values in wanted:
        for field in record_type.fields:
            there, given = read(field, found[values["id"]].get(field.name)), values.get(field.name)
            assert _same(there, given), f"{values['id']}: {field.name} {given!r} became {there!r}"
