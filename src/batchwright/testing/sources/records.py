"""Checks: a source of records."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

from collections.abc import Mapping

import pytest

from batchwright.contracts.reader import BadLine, DeletedRow
from batchwright.testing.sources.rig import SourceChecks, SourceRig


class RecordChecks(SourceChecks):
    """What a `record_type` promises."""

    def test_records_are_of_the_record_type(self, rig: SourceRig) -> None:
        """Fails: a source with a `record_type` returns bytes, or a record with other fields than it says."""
        source = rig.make()
        record_type = source.record_type
        if record_type is None:
            pytest.skip("it isn't a source of records")
        names = set(record_type.names)
        for item in rig.listed(source):
            records = rig.content(source, item)
            assert isinstance(records, list), "`fetch` must return records"
            for record in records:
                if isinstance(record, BadLine):
                    assert record.reason.strip(), "a bad line has no reason"
                elif isinstance(record, DeletedRow):
                    assert (record_type.key or "") in record.values, (
                        f"a deleted row lacks {record_type.key}, its key"
                    )
                elif isinstance(record, Mapping):
                    assert record.keys() <= names, f"{sorted(record)}, and not {sorted(names)}"
                    assert (record_type.key or "") in record, f"a record lacks {record_type.key}, its key"
                else:
                    assert hasattr(record, record_type.key or ""), (
                        f"a record lacks {record_type.key}, its key"
                    )
