"""Checks: what a store says it holds, and of its files. Skipped where it isn't `Inspectable`."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from batchwright.contracts.sink import Holding, Inspectable, Store
from batchwright.errors import SinkError
from batchwright.testing.calls import within
from batchwright.testing.records import sample
from batchwright.testing.sinks.rig import Damage, Rig, SinkChecks, says
from batchwright.testing.supplied import supplied


class InventoryChecks(SinkChecks):
    """`holdings`, `sound` and `check_storage`, which `verify` and `repair` go by."""

    def test_holdings_count_every_version(self, rig: Rig) -> None:
        """Fails: unpublished versions are left out, or counts are wrong. Count the rows, not the ledger."""
        store = _inspectable(rig)
        assert list(store.holdings()) == []
        one, two, begun = sample("a.md"), sample("b.md", 5), sample("a.md", 4, content="2")
        rig.publish(store, one, two)
        rig.write(store, begun.chunks[:2], begun=(begun.version,))
        wanted = [Holding(one.id, 3), Holding(two.id, 5), Holding(begun.id, 2)]
        assert list(store.holdings()) == sorted(wanted, key=lambda holding: holding.document_id)

    def test_damaged_rows_are_counted(self, rig: Rig) -> None:
        """Fails: a text that isn't that of its chunk_hash counts as sound. Hash it anew: SHA-256 of UTF-8."""
        store, one = _inspectable(rig), sample("a.md", 3)
        damaged = replace(one.chunks[1], chunk_text="not what was hashed")
        rig.write(store, [one.chunks[0], damaged, one.chunks[2]], publications=(one.publication(),))
        assert list(store.holdings()) == [Holding(one.id, 3, damaged=1)]

    def test_only_sound_rows_are_called_sound(self, rig: Rig) -> None:
        """Fails: `sound` names a damaged row, or one that isn't there; it would never be repaired."""
        store, one = _inspectable(rig), sample("a.md", 3)
        damaged = replace(one.chunks[1], chunk_text="not what was hashed")
        rig.write(store, [one.chunks[0], damaged], begun=(one.version,))
        rig.publish(store, sample("b.md"))
        named = store.sound(one.id)
        assert named in (frozenset(), frozenset({one.chunks[0].id})), f"called sound: {sorted(named)}"

    def test_sound_files_pass_their_own_check(self, rig: Rig) -> None:
        """Fails: `check_storage` finds fault with sound files, hangs, or spoils what follows."""
        store = _inspectable(rig)
        rig.publish(store, sample("a.md", 40))
        within(rig.patience, "`check_storage`", store.check_storage)
        rig.publish(store, sample("b.md"))
        rig.expect([*sample("a.md", 40).chunks, *sample("b.md").chunks], "after the files were checked")

    def test_damaged_files_are_found(self, rig: Rig, damage: Damage | None) -> None:
        """Fails: neither `open` nor `check_storage` says so, or the error isn't a SinkError."""
        store = _inspectable(rig)
        damage = supplied(damage, "damage")
        rig.publish(store, sample("a.md", 40))
        store.close()
        damage()
        try:
            within(rig.patience, "`check_storage`", _inspectable(rig).check_storage)
        except SinkError:
            return
        except Exception as error:  # noqa: BLE001 - none but that may come
            pytest.fail(f"{type(error).__name__}, not SinkError: {says(str(error))}")
        pytest.fail("the damaged files passed `check_storage`")


class _Inspected(Store, Inspectable):
    """A store that can be looked into, for type checkers."""


def _inspectable(rig: Rig) -> _Inspected:
    """Return an open store that can be looked into; without one the check is skipped."""
    store = rig.open()
    if not isinstance(store, Inspectable):
        pytest.skip("the store is not Inspectable")
    return cast("_Inspected", store)
