"""Sinks that take other records than chunks, and spoil them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Self

from batchwright import ConfigError, ProcessedChunk, RecordType
from batchwright.contracts.rows import Row
from tests.plugins.kit.reference import KindRow, ReferenceSink, ReferenceStore


class RoundsDecimals(ReferenceStore):
    def kept(self, row: Row) -> Row:
        return row._replace(
            values=tuple(Decimal(float(v)) if isinstance(v, Decimal) else v for v in row.values)
        )


class TakesAnyValue(ReferenceStore):
    def wrong(self, rows: Sequence[Any]) -> dict[int, str]:
        return {}


class WantsTheSameType(ReferenceSink):
    def adapt(self, wanted: RecordType) -> None:
        if self.there.record_type not in (None, wanted):
            raise ConfigError("the record type has changed")
        self.there.record_type = wanted


class TakesAnyType(ReferenceSink):
    def adapt(self, wanted: RecordType) -> None:
        self.there.record_type = wanted


class FindsNewChunksOnly(ReferenceStore):
    def searched(self) -> list[ProcessedChunk]:
        return super().searched() if "page" in self.record_type.names else []


class HasNoRelations(ReferenceSink):
    def relations(self) -> Sequence[Self]:
        return []


class CreatesWhenListed(ReferenceSink):
    def relations(self) -> Sequence[Self]:
        self.there.created = True
        return super().relations()


class CutsNames(ReferenceStore):
    def placed(self, row: Row) -> KindRow:
        named = {name[:63]: value for name, value in zip(self.record_type.names, row.values, strict=True)}
        return KindRow(row.id, tuple(named[name[:63]] for name in self.record_type.names), row.size)


class GoesByPlace(ReferenceStore):
    def placed(self, row: Row) -> KindRow:
        return KindRow(*row)


RECORDS: dict[str, Any] = {
    "every_kind_of_field_comes_back": RoundsDecimals,
    "a_value_of_another_kind_is_refused_alone": TakesAnyValue,
    "a_new_field_is_added_to_what_is_there": WantsTheSameType,
    "chunks_of_an_older_version_gain_what_is_new": FindsNewChunksOnly,
    "a_field_may_have_any_name": CutsNames,
    "the_order_of_the_fields_may_change": GoesByPlace,
    "another_change_is_refused": TakesAnyType,
    "a_relation_that_was_loaded_is_among_the_relations": HasNoRelations,
    "an_empty_target_has_no_relations": CreatesWhenListed,
    "records_of_another_type_are_in_a_relation_of_their_own": TakesAnyType,
}
