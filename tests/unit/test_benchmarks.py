"""Benchmarks run at a tiny size and write what can be read again; the instrument measures what it says."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from tests.benchmarks.__main__ import PARTS
from tests.benchmarks.comparing import compare
from tests.benchmarks.measuring import Case, Cost, Result, in_fresh_process, in_process, rounds, run_command
from tests.benchmarks.reporting import report
from tests.benchmarks.scope import Scope

MIB = 1 << 20
SLOW = ("growth", "whole", "records", "retrieval", "embedding")


@pytest.mark.parametrize(
    "part",
    [pytest.param(part, marks=[pytest.mark.slow] if part in SLOW else []) for part in PARTS],
)
def test_a_benchmark_runs_and_writes_its_results(
    part: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = None if part in ("engine", "text", "sqlite") else str(request.getfixturevalue("postgres_url"))
    scope = Scope(rounds=1, warm_up=False, rows=64, made=2, url=url, results=tmp_path, scales=(1,))
    with scope.opened():
        file = PARTS[part](scope)

    content = json.loads(file.read_text(encoding="utf-8"))
    assert content["machine"]["cores"] >= 1
    assert len(content["results"]) >= 4
    names = {result["what"] for result in content["results"]}
    for result in content["results"]:
        assert len(result["passes"]) >= 1
        assert result["wall"]["median"] > 0
        assert result["against"] is None or result["against"] in names
        assert (result["speed"] is None) == (result["against"] is None)


def test_cases_take_turns_and_a_ratio_is_that_of_one_round() -> None:
    turns: list[str] = []
    seconds = {"a": iter((9.0, 1.0, 2.0, 4.0)), "b": iter((9.0, 2.0, 8.0, 4.0))}

    def measure(name: str) -> Cost:
        turns.append(name)
        return Cost(wall=next(seconds[name]), cpu=1.0)

    results = rounds([Case("a", lambda: measure("a")), Case("b", lambda: measure("b"), "a")], 3)

    assert "".join(turns) == "abababab"
    speed = results[1].speed
    assert speed is not None
    assert (speed.median, speed.low, speed.high) == (0.5, 0.25, 1.0)
    assert results[0].seconds().median == 2.0  # the first round warms up


def test_a_ratio_of_different_amounts_compares_what_is_done_in_a_second() -> None:
    base, more = Cost(wall=1.0, cpu=1.0, size=10), Cost(wall=5.0, cpu=1.0, size=100)
    result = Result(Case("more", lambda: more, "base"), [more], [base])
    assert result.speed is not None
    assert result.speed.median == pytest.approx(2.0)


def test_names_must_differ_and_a_base_must_be_there() -> None:
    with pytest.raises(ValueError, match="must differ"):
        rounds([Case("a", lambda: Cost(1, 1)), Case("a", lambda: Cost(1, 1))], 1)
    with pytest.raises(ValueError, match="one of them"):
        rounds([Case("a", lambda: Cost(1, 1), "b")], 1)


def test_waiting_takes_no_cpu_and_work_does() -> None:
    waited = in_process(lambda: time.sleep(0.2))
    worked = in_process(lambda: sum(range(3_000_000)))
    assert waited.cpu < waited.wall / 2
    assert worked.cpu > 0


def test_a_childs_memory_is_its_own() -> None:
    held = bytearray(b"x") * (300 * MIB)
    command = [sys.executable, "-c", "b = bytearray(b'x') * (100 << 20); print('hello')"]
    cost, output = run_command(command)
    assert output == "hello\n"
    assert cost.peak is not None
    assert 100 * MIB < cost.peak < len(held)
    assert cost.cpu > 0


def test_a_command_that_fails_says_what_it_printed() -> None:
    with pytest.raises(RuntimeError, match=r"ended with 1:\nbroken"):
        run_command([sys.executable, "-c", "raise SystemExit('broken')"])


def test_a_command_that_hangs_is_killed() -> None:
    with pytest.raises(RuntimeError, match="ended with -9"):
        run_command([sys.executable, "-c", "import time; time.sleep(60)"], seconds=0.5)


def own_cost(rows: int) -> Cost:
    return Cost(wall=1.5, cpu=0.5, rows=rows)


def test_a_function_in_a_fresh_process_may_say_its_own_cost() -> None:
    cost = in_fresh_process(own_cost, 7)
    assert (cost.wall, cost.cpu, cost.rows) == (1.5, 0.5, 7)
    assert cost.peak is not None


@pytest.mark.parametrize(("second", "outside"), [(1.1, 0), (30.0, 1)])
def test_a_second_run_is_compared_with_the_first(tmp_path: Path, second: float, outside: int) -> None:
    for number, factor in enumerate((1.0, second)):
        base = [Cost(wall=wall, cpu=1.0) for wall in (1.0, 1.2, 0.8)]
        own = [Cost(wall=factor, cpu=1.0)] * 3
        case = Case("own", lambda: Cost(1.0, 1.0), "base")
        written = report("try", "a try", [Result(case, own, base)], folder=tmp_path)
        written.rename(tmp_path / f"try-{number}.json")
    assert compare(tmp_path) == outside
