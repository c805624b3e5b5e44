"""Checks: records that are no chunks, with every kind of field; skipped without a fixture `stored_kinds`."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from batchwright.contracts.fields import Field
from batchwright.contracts.records import RecordType, Row
from batchwright.contracts.sink import Store
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
from batchwright.testing.records import batch, receipt
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

    def test_another_change_is_refused(self, rig: Rig, stored_kinds: StoredKinds | None) -> None:
        """Fails: a target opens for records that it can't hold. Raise ConfigError, saying what differs."""
        _load(rig, _opened(rig, stored_kinds), [row_of(usual("a"))])
        fields = KINDS.fields
        others = [
            replace(KINDS, fields=(*fields, Field("new", "integer"))),
            replace(KINDS, fields=tuple(one for one in fields if one.name != "a_date")),
            replace(KINDS, fields=tuple(_changed(one) for one in fields)),
            replace(KINDS, key="a_text"),
        ]
        for other in others:
            with pytest.raises(ConfigError):
                rig.open(other)
        _expect(stored_kinds, [usual("a")])


def _changed(field: Field) -> Field:
    return replace(field, type="text") if field.name == "a_integer" else field


def _opened(rig: Rig, stored: StoredKinds | None, record_type: RecordType = KINDS) -> Store:
    if stored is None:
        pytest.skip("the fixture `stored_kinds` isn't overridden")
    store = rig.open(record_type)
    assert store.record_type == record_type, "the store's `record_type` isn't the one that it was opened for"
    return store


def _load(rig: Rig, store: Store, rows: Sequence[Row]) -> None:
    written = receipt(len(rows), publications=publications(rows))
    store.write(batch(rows), rig.ready(store, written))
    rig.record(store, written)


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
