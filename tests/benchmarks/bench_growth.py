"""1, 10 and 100 times the input into Postgres: time, peak memory, and loading again with nothing changed.

Whole commands, and in a program that has imported everything (the time is then that of `run()` alone).
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from batchwright import BatchConfig, BatchProcessor
from batchwright.documents import discover
from tests.benchmarks.bench_whole import load
from tests.benchmarks.documents import multiply
from tests.benchmarks.measuring import Case, Cost, in_fresh_process, in_process, run_command
from tests.benchmarks.reporting import report
from tests.benchmarks.scope import Scope, facts_of, renew


def in_program(folder: str, target: str) -> Cost:
    """Return the cost of a run in this process, nothing but the run.

    Raises:
        AssertionError: It didn't come to its end.
    """
    with BatchProcessor(BatchConfig(input_dir=Path(folder), to=target, adaptive=True)) as processor:
        found: list[int] = []

        def work() -> None:
            result = processor.run()
            if result.state != "done":
                raise AssertionError(result.reason)
            found.append(result.account.records.written + result.account.records.unchanged)

        cost = in_process(work)
    return Cost(cost.wall, cost.cpu, None, found[0], sum(found.size for found in discover(Path(folder))))


def run(scope: Scope) -> Path:
    """Measure; return the file of results."""
    source, target, admin = scope.documents(), scope.target(), scope.postgres()
    cases: list[Case] = []
    names = [f"{times} ×" for times in scope.scales]
    smallest = names[0]
    for times in scope.scales:
        folder = scope.folder()
        multiply(source, folder, times)
        size = sum(found.size for found in discover(folder))

        def command(folder: Path, size: int, *, anew: bool) -> Cost:
            if anew:
                renew(admin)
            return run_command(load(folder, target), size=size)[0]

        def program(folder: Path, *, anew: bool) -> Cost:
            if anew:
                renew(admin)
            return in_fresh_process(in_program, str(folder), target)

        first, inside = f"{times} ×", f"{times} ×, in a program"
        against = None if first == smallest else smallest
        cases += [
            Case(first, partial(command, folder, size, anew=True), against),
            Case(f"{first}, again", partial(command, folder, size, anew=False), first),
            Case(inside, partial(program, folder, anew=True), first),
            Case(f"{inside}, again", partial(program, folder, anew=False), inside),
        ]
    results = scope.measure(cases)
    renew(admin, drop_only=True)
    facts = facts_of(admin) | {"scales": scope.scales}
    file = report("growth", "Growth, wall time", results, facts=facts, folder=scope.results)
    for result in results:
        if result.case.against == smallest and result.case.name in names and result.memory:
            memory = result.memory
            print(f"{result.case.name} the input: {memory.median:.2f} times the memory of {smallest}")
    return file
