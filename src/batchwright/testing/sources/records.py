"""Checks: a source of records."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

from collections.abc import Mapping

import pytest

from batchwright.testing.sources.rig import SourceChecks, SourceRig


class RecordChecks(SourceChecks):
    """What a `record_type` promises."""

    def test_records_belong_to_their_item(self, rig: SourceRig) -> None:
        """Fails: a source with a `record_type` returns bytes, or a record whose key isn't the item's."""
        source = rig.make()
        record_type = source.record_type
        if record_type is None:
            pytest.skip("it isn't a source of records")
        for item in rig.listed(source):
            records = rig.content(source, item)
            assert isinstance(records, list), "`fetch` must return records"
            for record in records:
                key = record_type.key or ""
                value = record[key] if isinstance(record, Mapping) else getattr(record, key)
                assert str(value) == item.key
