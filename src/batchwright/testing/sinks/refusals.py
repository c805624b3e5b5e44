"""Checks: BadRecords names the records that can't be stored, all of them, and no others."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

from typing import Any

import pytest

from batchwright.contracts.sink import Store
from batchwright.errors import BadRecords
from batchwright.testing.records import batch, odd_records, receipt, sample, versions_of
from batchwright.testing.sinks.rig import Rig, SinkChecks


class RefusalChecks(SinkChecks):
    """A sink that never raises BadRecords skips these; the engine then finds bad records by halving."""

    @pytest.mark.parametrize("size", [7, 300])
    def test_bad_records_are_named_by_their_position(self, rig: Rig, size: int) -> None:
        """Fails: the positions in BadRecords aren't those in the batch, from 0. Mind blocks and filters."""
        store = rig.open()
        good, bad = _mixture(rig, store, size)
        mixed, positions = _mixed(good, bad)
        named = set(_refused(store, mixed).reasons)
        assert named == positions, f"bad are {sorted(positions)}, but named are {sorted(named)}"

    def test_each_bad_record_has_a_reason(self, rig: Rig) -> None:
        """Fails: a reason is empty. It is what the operator reads in the list of rejects."""
        store = rig.open()
        good, bad = _mixture(rig, store, 7)
        reasons = _refused(store, _mixed(good, bad)[0]).reasons
        assert all(str(reason or "").strip() for reason in reasons.values()), reasons

    def test_what_is_not_named_can_be_stored(self, rig: Rig) -> None:
        """Fails: BadRecords did not name all. The engine sets those aside and writes the rest."""
        store = rig.open()
        good, bad = _mixture(rig, store, 60)
        mixed, _ = _mixed(good, bad)
        reasons = _refused(store, mixed).reasons
        rest = [chunk for position, chunk in enumerate(mixed) if position not in reasons]
        try:
            rig.write(store, rest)
        except BadRecords as error:
            pytest.fail(f"of the rest, {sorted(error.reasons)} are named only now")

    def test_only_bad_records_are_named(self, rig: Rig) -> None:
        """Fails: good records are named, and would be set aside for nothing."""
        store = rig.open()
        good, bad = _mixture(rig, store, 30)
        mixed, _ = _mixed(good, bad)
        for position in sorted(_refused(store, mixed).reasons):
            with pytest.raises(BadRecords):  # alone, it must be refused as well
                rig.write(store, [mixed[position]])

    def test_a_refused_batch_stores_nothing(self, rig: Rig) -> None:
        """Fails: the good records of a refused batch are stored. Nothing may be: they are written again."""
        store = rig.open()
        good, bad = _mixture(rig, store, 12)
        old, new = sample("a.md"), sample("a.md", [chunk.chunk_text for chunk in good], content="2")
        rig.publish(store, old)
        mixed, _ = _mixed(list(new.chunks), bad)
        written = receipt(len(mixed), publications=(new.publication(),))
        with pytest.raises(BadRecords):
            rig.send(store, mixed, written)
        rig.expect(old.chunks, "after a batch was refused")
        if store.ledger is not None:
            assert not store.ledger.committed(written.batch_id), "refused, but committed"
        rig.send(store, new.chunks, written)
        rig.expect(new.chunks, "after the rest was written")


def _mixture(rig: Rig, store: Store, size: int) -> tuple[list[Any], list[Any]]:
    """Return good records and bad ones; skip where the sink names none."""
    bad = []
    for odd in odd_records().values():
        try:
            rig.write(store, [odd])
        except BadRecords as error:
            if set(error.reasons) != {0}:
                pytest.fail(f"a batch of one record has no record {sorted(error.reasons)}")
            bad.append(odd)
        except Exception:  # noqa: BLE001, S112 - others are for the classifiers
            continue
    if not bad:
        pytest.skip("the sink raises no BadRecords for the kit's odd records")
    size = max(1, min(size, rig.limits.rows - len(bad)))
    return list(sample("good.md", size).chunks), bad


def _mixed(good: list[Any], bad: list[Any]) -> tuple[list[Any], set[int]]:
    """Spread the bad among the good: first, last, two together, and between."""
    mixed, step = list(good), max(1, len(good) // len(bad))
    for number, chunk in enumerate(bad[2:]):
        mixed.insert((number + 1) * (step + 1), chunk)
    mixed = [bad[0], *mixed, *bad[1:2]]
    names = {chunk.id for chunk in bad}
    return mixed, {position for position, chunk in enumerate(mixed) if chunk.id in names}


def _refused(store: Store, mixed: list[Any]) -> BadRecords:
    with pytest.raises(BadRecords) as caught:
        store.write(batch(mixed), receipt(len(mixed), begun=versions_of(mixed)))
    return caught.value
