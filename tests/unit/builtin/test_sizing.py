"""The built-in sizer, when it may follow the sink."""

from __future__ import annotations

from itertools import pairwise

import pytest

from batchwright.builtin.sizing import QUICK, SLOW, batch_size
from batchwright.contracts.sizing import SizeLimits, SizingFeedback


def sizes(limits: SizeLimits, seconds: float, batches: int = 12) -> list[int]:
    """The sizes of batches that are all full, and take so long."""
    found = [batch_size(SizingFeedback(1_000_000, adaptive=True), limits)]
    for _ in range(batches):
        size = found[-1]
        told = SizingFeedback(
            1_000_000, adaptive=True, last_size=size, last_records=size, last_seconds=seconds
        )
        found.append(batch_size(told, limits))
    return found


@pytest.mark.parametrize(
    ("limits", "most"),
    [
        (SizeLimits(rows=10_000), 2_000),
        (SizeLimits(rows=500), 500),
        (SizeLimits(rows=10_000, preferred=1_000), 10_000),
        (SizeLimits(rows=20_000, preferred=1_000), 10_000),
        (SizeLimits(rows=5_000, preferred=1_000), 5_000),
    ],
    ids=["chunks", "a low limit", "rows", "rows, a high limit", "rows, a low limit"],
)
def test_batches_double_while_they_are_quick_up_to_what_gains(limits: SizeLimits, most: int) -> None:
    found = sizes(limits, QUICK / 2)
    assert (found[0], found[-1]) == (limits.preferred, most)
    assert all(after in (before * 2, most) for before, after in pairwise(found))
    assert set(sizes(limits, QUICK * 2)) == {limits.preferred}
    assert sizes(limits, SLOW * 2)[-1] == 1
