"""Runs at once, slowed, killed and stopped at random points: nothing is lost, and all is sound.

A scenario that failed is named by its own seed; `-m "not slow" --seed` with it begins with that one.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.support.at_once import check_scenario
from tests.support.scenarios import Scenario
from tests.support.targets import Target

QUICK = 4
MANY = 40
"""Scenarios of a part."""

PARTS = 3
"""Of each kind of target: of both together at least 200 scenarios."""


def _check(target: Target, folder: Path, seeds: range) -> None:
    failures, codes = [], Counter[int]()
    for seed in seeds:
        own = folder / str(seed)
        scenario = Scenario.drawn(own, seed)
        try:
            codes.update(check_scenario(scenario, target, own, seed))
        except Exception as failure:  # noqa: BLE001 - told of at the end, with the scenario
            first = "; ".join(str(failure).splitlines()[:3])
            failures.append(f"{seed} ({scenario}): {type(failure).__name__}: {first}")
    ends = ", ".join(f"{count} x {code}" for code, count in sorted(codes.items()))
    print(
        f"{target.name}: {len(seeds)} scenarios from {seeds.start} on, {len(failures)} failed; exits: {ends}"
    )
    assert not failures, "\n".join(failures)


def test_runs_at_once_lose_nothing_and_leave_nothing(target: Target, tmp_path: Path, seed: int) -> None:
    _check(target, tmp_path, range(seed, seed + QUICK))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(PARTS))
def test_many_runs_at_once_lose_nothing_and_leave_nothing(
    target: Target, tmp_path: Path, seed: int, part: int
) -> None:
    first = seed + QUICK + part * MANY
    _check(target, tmp_path, range(first, first + MANY))
