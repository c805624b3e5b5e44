"""Checks: which relations a sink says its target has."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

import pytest

from batchwright.contracts.records import CHUNK, RecordType
from batchwright.contracts.sink import AnySink
from batchwright.errors import ConfigError
from batchwright.testing.kinds import KINDS
from batchwright.testing.records import COLLECTION, sample
from batchwright.testing.sinks.record_types import StoredKinds
from batchwright.testing.sinks.rig import Rig, SinkChecks


class RelationChecks(SinkChecks):
    """`Sink.relations`: what commands that read look at."""

    @pytest.fixture
    def stored_kinds(self) -> StoredKinds | None:
        """Override where the sink takes other records than chunks."""
        return None

    def test_a_relation_that_was_loaded_is_among_the_relations(self, rig: Rig) -> None:
        """Fails: `relations` leaves out what was loaded; commands would say that nothing is there."""
        store, one = rig.open(), sample("a.md")
        rig.publish(store, one)
        store.close()
        relations = rig.make().relations()
        assert relations, "the target was loaded, but has no relation"
        _check_names(relations)
        loaded = [relation for relation in relations if _has(rig, relation, "a.md")]
        assert len(loaded) == 1, f"{len(loaded)} of the relations have the document that was published"
        [relation] = loaded
        [same] = relation.relations()
        assert same.relation == relation.relation, "a sink on one relation finds another one"

    def test_an_empty_target_has_no_relations(self, rig: Rig) -> None:
        """Fails: `relations` makes what it looks for, or names a relation that isn't there."""
        if rig.make().exists():
            pytest.skip("the sink says that an empty target exists")
        assert [*rig.make().relations()] == [], "there is nothing yet"
        assert not rig.make().exists(), "`relations` made the target"

    def test_records_of_another_type_are_in_a_relation_of_their_own(
        self, rig: Rig, stored_kinds: StoredKinds | None
    ) -> None:
        """Fails: records of two types are taken, but `relations` shows one. Or refuse them: ConfigError."""
        if stored_kinds is None:
            pytest.skip("the fixture `stored_kinds` isn't overridden")
        rig.publish(rig.open(), sample("a.md"))
        types = {CHUNK.name}
        try:
            rig.open(KINDS).close()
            types.add(KINDS.name)
        except ConfigError:  # one relation holds one type, and this target has one relation
            pass
        relations = rig.make().relations()
        _check_names(relations)
        found = sorted(_type_of(relation).name for relation in relations)
        assert found == sorted(types), f"the relations hold {found}"


def _check_names(relations: object) -> None:
    assert isinstance(relations, list | tuple), "`relations` returns no sequence"
    names = [relation.relation for relation in relations]
    assert len({*names}) == len(names), f"two relations have one name: {names}"
    assert len(names) < 2 or None not in names, "of several relations each needs a name"


def _has(rig: Rig, relation: AnySink, key: str) -> bool:
    with relation.open(create=False) as store:
        return rig.ledger(store).document(COLLECTION, key) is not None


def _type_of(relation: AnySink) -> RecordType:
    with relation.open(create=False) as store:
        return store.record_type
