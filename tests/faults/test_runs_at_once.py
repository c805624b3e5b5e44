"""Runs at once, slowed at random points, with programs beside them: nothing is lost, and all is sound.

A scenario that failed is named by its own seed; `-m "not slow" --seed` with it begins with that one.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.at_once import Perform, check_scenario, in_its_own_process, in_this_process
from tests.support.scenarios import Scenario
from tests.support.targets import Target

QUICK = 6
MANY = 60
"""Scenarios of each kind of target: of both together at least 100."""
IN_PROCESSES = 12


def _check(target: Target, folder: Path, seeds: range, perform: Perform = in_this_process) -> None:
    failures = []
    for seed in seeds:
        scenario = Scenario.drawn(folder / str(seed), seed)
        try:
            check_scenario(scenario, target, seed, perform)
        except Exception as failure:  # noqa: BLE001 - told of at the end, with the scenario
            [first, *_] = str(failure).splitlines() or [""]
            failures.append(f"{seed} ({scenario}): {type(failure).__name__}: {first}")
    print(f"{target.name}: {len(seeds)} scenarios from {seeds.start} on, {len(failures)} failed")
    assert not failures, "\n".join(failures)


def test_runs_at_once_lose_nothing_and_leave_nothing(target: Target, tmp_path: Path, seed: int) -> None:
    _check(target, tmp_path, range(seed, seed + QUICK))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_many_runs_at_once_lose_nothing_and_leave_nothing(target: Target, tmp_path: Path, seed: int) -> None:
    _check(target, tmp_path, range(seed + QUICK, seed + QUICK + MANY))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_commands_at_once_lose_nothing_and_leave_nothing(target: Target, tmp_path: Path, seed: int) -> None:
    _check(target, tmp_path, range(seed, seed + IN_PROCESSES), in_its_own_process)
