"""The one instrument of all benchmarks: what a piece of work costs, and how that compares with another.

    in_process()        a callable in this process         ┐
    run_command()       a whole command                    ├→ Cost → Case → rounds() → Result
    in_fresh_process()  a function in a new interpreter    ┘

Cases run in turn, A, B, C, A, B, C …, so that what disturbs the machine disturbs all of them; a ratio is
that of two costs in the same round, and what is shown is the median with its range. `reporting` prints and
stores the results.
"""

from __future__ import annotations

import gc
import importlib
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).parents[2]
ROUNDS = 5
Clock = Literal["wall", "cpu"]


@dataclass(frozen=True)
class Cost:
    """What one pass took.

    Attributes:
        wall: Seconds by the clock.
        cpu: CPU seconds of the process and the children that it waited for; a database server is none.
        peak: Bytes of memory at the highest, of the largest process; None if the system doesn't say.
        rows: How many were produced.
        size: Bytes of input.
    """

    wall: float
    cpu: float
    peak: int | None = None
    rows: int = 0
    size: int = 0


@dataclass(frozen=True)
class Case:
    """Something to measure.

    Attributes:
        name: What it is, unique in its table.
        measure: Makes one pass, preparing what it needs before the clock starts.
        against: The name of the case that it is compared with.
        clock: Which seconds the comparison takes.
        facts: What else to say about it in the JSON: batch size, writers …
    """

    name: str
    measure: Callable[[], Cost]
    against: str | None = None
    clock: Clock = "wall"
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Spread:
    """A median, and the lowest and highest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Return that of the values."""
        known = sorted(values)
        return cls(statistics.median(known), known[0], known[-1])


@dataclass(frozen=True)
class Result:
    """A case with what each of its passes cost, and its base's, round by round."""

    case: Case
    costs: Sequence[Cost]
    base: Sequence[Cost] | None = None

    def seconds(self, clock: Clock | None = None) -> Spread:
        """Return the seconds a pass, by the case's clock unless told otherwise."""
        return Spread.of(_seconds(cost, clock or self.case.clock) for cost in self.costs)

    @property
    def speed(self) -> Spread | None:
        """How many times as fast as its base: by input bytes, or rows, a second where they differ."""
        if self.base is None:
            return None
        clock = self.case.clock
        return Spread.of(
            _seconds(base, clock) / _seconds(own, clock) * _amounts(own, base)
            for own, base in zip(self.costs, self.base, strict=True)
        )

    @property
    def best(self) -> float | None:
        """The same ratio of the quickest passes of both, which a busy machine disturbs least."""
        if self.base is None:
            return None
        clock = self.case.clock
        own, base = (min(costs, key=lambda cost: _seconds(cost, clock)) for costs in (self.costs, self.base))
        return _seconds(base, clock) / _seconds(own, clock) * _amounts(own, base)

    @property
    def peak(self) -> Spread | None:
        """Bytes of memory at the highest."""
        known = [cost.peak for cost in self.costs if cost.peak is not None]
        return Spread.of(known) if known else None

    @property
    def memory(self) -> Spread | None:
        """How many times the memory of its base it took at the highest."""
        both = zip(self.costs, self.base or (), strict=bool(self.base))
        known = [own.peak / base.peak for own, base in both if own.peak and base.peak]
        return Spread.of(known) if known else None


def rounds(cases: Sequence[Case], count: int = ROUNDS, *, warm_up: bool = True) -> list[Result]:
    """Measure the cases in turn, `count` times, after one pass of each that doesn't count.

    Raises:
        ValueError: Two cases have one name, or one is compared with none of them.
    """
    names = [case.name for case in cases]
    if len(set(names)) < len(names) or {case.against for case in cases} - {None, *names}:
        raise ValueError(f"names of cases must differ, and a base must be one of them: {names}")
    costs: dict[str, list[Cost]] = {name: [] for name in names}
    for number in range(count + warm_up):
        for case in cases:
            cost = case.measure()
            if number >= warm_up:
                costs[case.name].append(cost)
    return [Result(case, costs[case.name], costs[case.against] if case.against else None) for case in cases]


def in_process(work: Callable[[], object], *, rows: int = 0, size: int = 0) -> Cost:
    """Call the work in this process; its peak of memory includes what the process held before."""
    gc.collect()
    _forget_peak()
    wall, cpu = time.perf_counter(), _cpu()
    work()
    wall, cpu = time.perf_counter() - wall, _cpu() - cpu
    return Cost(wall, cpu, _peak(), rows, size)


def run_command(
    command: Sequence[str],
    *,
    rows: int = 0,
    size: int = 0,
    seconds: float = 900,
    environment: Mapping[str, str] | None = None,
    codes: Sequence[int] = (0,),
) -> tuple[Cost, str]:
    """Run a command to its end, from the top of this project.

    Args:
        command: The program and its arguments.
        rows: What the cost shall say.
        size: What the cost shall say.
        seconds: When it is killed.
        environment: Its environment, this process's if None.
        codes: The exit codes that are right.

    Returns:
        What the whole process cost, its start included, and what it printed to standard output.

    Raises:
        RuntimeError: It ended with another exit code; the message holds the end of what it printed.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        launcher = Path(__file__).with_name("launcher.py")
        done = subprocess.run(
            [sys.executable, "-IS", str(launcher), str(seconds), str(report), *command],
            cwd=ROOT,
            env=None if environment is None else dict(environment),
            capture_output=True,
            text=True,
            timeout=seconds + 60,
        )
        found = json.loads(report.read_text()) if report.exists() else {"code": done.returncode}
    if found["code"] not in codes:
        said = (done.stdout + done.stderr)[-4_000:]
        raise RuntimeError(f"{' '.join(command)[:300]} ended with {found['code']}:\n{said}")
    return Cost(found["wall"], found["cpu"], found["peak"], rows, size), done.stdout


def in_fresh_process(
    function: Callable[..., Cost | None], *arguments: object, rows: int = 0, size: int = 0
) -> Cost:
    """Call a module's function in a new interpreter.

    Args:
        function: One that can be imported.
        arguments: What JSON can carry.
        rows: What the cost shall say, if the function returns none.
        size: What the cost shall say, if the function returns none.

    Returns:
        What the function returned, with the peak of the whole process; or what the whole process cost,
        interpreter and imports included, if it returned None.
    """
    command = [
        sys.executable,
        "-m",
        __name__,
        function.__module__,
        function.__qualname__,
        json.dumps(arguments),
    ]
    whole, output = run_command(command, rows=rows, size=size)
    own = json.loads(output.splitlines()[-1])
    return whole if own is None else Cost(**own | {"peak": whole.peak})


def _seconds(cost: Cost, clock: Clock) -> float:
    return max(cost.wall if clock == "wall" else cost.cpu, 1e-9)


def _amounts(own: Cost, base: Cost) -> float:
    """Return how many times as much was done, where both say how much."""
    if own.size and base.size:
        return own.size / base.size
    return own.rows / base.rows if own.rows and base.rows else 1.0


def _cpu() -> float:
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _forget_peak() -> None:
    """Begin a new peak of memory, where the system can."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def _peak() -> int | None:
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if "VmHWM" in line), None)


def _main(module: str, function: str, arguments: str) -> None:
    cost = getattr(importlib.import_module(module), function)(*json.loads(arguments))
    print(json.dumps(None if cost is None else asdict(cost)))


if __name__ == "__main__":
    _main(*sys.argv[1:])
