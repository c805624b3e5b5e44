"""Checks: what the sink says it holds. Skipped where it can't tell."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

from dataclasses import replace

import pytest

from batchwright.contracts.sink import AnySink, Holding
from batchwright.errors import SinkError
from batchwright.testing.records import sample
from batchwright.testing.sinks.rig import Rig, SinkChecks


class InventoryChecks(SinkChecks):
    """`holdings` and `sound`, which `verify` and `repair` go by."""

    def test_holdings_count_every_version(self, rig: Rig) -> None:
        """Fails: unpublished versions are left out, or counts are wrong. Count the rows, not the ledger."""
        sink = rig.open()
        assert _holdings(sink) == []
        one, two, begun = sample("a.md"), sample("b.md", 5), sample("a.md", 4, content="2")
        rig.publish(sink, one, two)
        rig.write(sink, begun.chunks[:2], opened=(begun.version,))
        wanted = [Holding(one.id, 3), Holding(two.id, 5), Holding(begun.id, 2)]
        assert _holdings(sink) == sorted(wanted, key=lambda holding: holding.document_id)

    def test_damaged_rows_are_counted(self, rig: Rig) -> None:
        """Fails: a text that isn't that of its chunk_hash counts as sound. Hash it anew: SHA-256 of UTF-8."""
        sink, one = rig.open(), sample("a.md", 3)
        _holdings(sink)
        damaged = replace(one.chunks[1], chunk_text="not what was hashed")
        rig.write(sink, [one.chunks[0], damaged, one.chunks[2]], publications=(one.publication(),))
        assert _holdings(sink) == [Holding(one.id, 3, damaged=1)]

    def test_only_sound_rows_are_called_sound(self, rig: Rig) -> None:
        """Fails: `sound` names a damaged row, or one that isn't there; it would never be repaired."""
        sink, one = rig.open(), sample("a.md", 3)
        damaged = replace(one.chunks[1], chunk_text="not what was hashed")
        rig.write(sink, [one.chunks[0], damaged], opened=(one.version,))
        rig.publish(sink, sample("b.md"))
        named = sink.sound(one.id)
        assert named in (frozenset(), frozenset({one.chunks[0].id})), f"called sound: {sorted(named)}"


def _holdings(sink: AnySink) -> list[Holding]:
    try:
        return list(sink.holdings())
    except SinkError as error:
        pytest.skip(f"the sink can't tell what it holds: {error}")
