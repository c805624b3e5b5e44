"""Runs and programs at once in one target, and what must be true of it afterwards.

A scenario loads its folders, changes them, and lets two or three runs load the changed ones together, each in
a process of its own, slowed at random points. One may be killed, or stopped for longer than its lease lasts
and woken again; one may pass for a process of another machine; two programs may store halves of the same
documents meanwhile. Then every run comes once more, alone. The target must be as if only these had run.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from batchwright import BatchConfig, BatchProcessor, ProcessedChunk
from tests.support import insert
from tests.support.command import Ended
from tests.support.forked import Forked, Order
from tests.support.scenarios import RunAtOnce, Scenario
from tests.support.tables import TABLE, contents, rows
from tests.support.targets import Target
from tests.support.two_runs import CHUNK_TOKENS, check_no_orphans

PATIENCE = 60.0


def check_scenario(scenario: Scenario, target: Target, folder: Path, seed: int) -> list[int]:
    """Let a scenario happen; check that nothing is lost, left over, or unsound. Return the exit codes."""
    url = target.fresh()
    for run in {run.collection: run for run in scenario.runs}.values():
        RunAtOnce(run.folder, run.collection, CHUNK_TOKENS, prune=False, workers=1).alone(url)
    scenario.edit(seed)
    calm = target.copy(url)
    before = _runs(url)
    ended = _at_once(scenario, url, folder)
    for run, each in zip(scenario.runs, ended, strict=True):
        _check_code(run, each, scenario)
    begun = _runs(url) - before
    assert len(begun) <= sum(each.code != 4 for each in ended), "exit code 4, and yet something was begun"
    check_no_orphans(url)
    _check_whole(url)
    for act in _programs(calm) if scenario.programs else ():
        act()
    for run in scenario.runs:
        run.alone(url)
        run.alone(calm)
    found = contents(url).differences(contents(calm))
    assert not found, "\n".join(found)
    assert rows(url, f"{TABLE}_pending") == [], "a version is begun that nobody will finish"
    assert not [row for row in rows(url, f"{TABLE}_collections") if row["token"]], "a lease is left"
    verified = _verified(url, folder)
    assert verified.code == 0, verified
    target.drop(url)
    target.drop(calm)
    return [each.code for each in ended]


def _at_once(scenario: Scenario, url: str, folder: Path) -> list[Ended]:
    """Begin the runs in time, send them what their fates are, and wait for their ends."""
    errors: list[Exception] = []
    threads = [
        threading.Thread(target=_noting, args=(act, errors), daemon=True)
        for act in (_programs(url) if scenario.programs else ())
    ]
    with ExitStack() as stack:
        began = time.monotonic()
        for thread in threads:
            thread.start()
        processes: dict[int, Forked] = {}
        acts: list[tuple[float, int, signal.Signals | None]] = []
        for number, run in enumerate(scenario.runs):
            acts.append((run.after, number, None))
            acts += [(run.after + at, number, sent) for at, sent in run.signals]
        for at, number, sent in sorted(acts, key=lambda act: act[0]):
            time.sleep(max(0.0, began + at - time.monotonic()))
            if sent is None:
                order = scenario.runs[number].order(url)
                processes[number] = stack.enter_context(Forked(order, folder / f"said{number}"))
            else:
                processes[number].send(sent)
        ended = [process.ended() for _, process in sorted(processes.items())]
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive(), "a program is still going"
    if errors:
        raise errors[0]
    return ended


def _check_code(run: RunAtOnce, ended: Ended, scenario: Scenario) -> None:
    """Check that a run ended as is documented, and says why."""
    code = ended.code
    if code == -signal.SIGKILL:
        assert run.fate == "killed", f"{run}: {ended}"
        return
    assert code in (0, 1, 4), f"{run}: {ended}"
    result = ended.result
    rivals = [other for other in scenario.runs if other is not run and other.collection == run.collection]
    if code == 4:
        assert rivals or scenario.programs or _is_locked(result["reason"]), f"busy, and with whom? {ended}"
        assert result["state"] == "busy", ended
    if code == 1:
        assert rivals, f"{run}: {ended}"
        assert result["reason"].startswith(("replaced by run", "the ledger no longer knows")), (
            f"{run}: {ended}"
        )
    if result.get("account"):
        records = result["account"]["records"]
        assert records["rejected"] == records["failed"] == 0, f"{run}: {ended}"


def _is_locked(reason: str) -> bool:
    return "is locked in the middle of a write" in reason


def _runs(url: str) -> set[str]:
    return {row["run_id"] for row in rows(url, f"{TABLE}_runs")}


def _check_whole(url: str) -> None:
    """Check that readers see whole documents only."""
    there: dict[tuple[str, str], list[int]] = {}
    for row in rows(url, TABLE):
        there.setdefault((row["collection"], row["source_file"]), []).append(row["total_chunks"])
    torn = {place: totals for place, totals in there.items() if set(totals) != {len(totals)}}
    assert not torn, f"not whole (total_chunks of the rows that are there): {torn}"


def _verified(url: str, folder: Path) -> Ended:
    with Forked(Order(("verify", "--to", url, "--json"), folder, {}), folder / "verified") as process:
        return process.ended()


def _noting(act: partial[None], errors: list[Exception]) -> None:
    try:
        act()
    except Exception as error:  # noqa: BLE001 - raised in the test's thread
        errors.append(error)


def _programs(url: str) -> Iterable[partial[None]]:
    """Return what two programs do: of each document, one stores the even chunks, the other the odd ones."""
    chunks = [insert.chunk(f"fruit{number}", index, 4, "ripe") for number in range(3) for index in range(4)]
    return [partial(_insert, url, half) for half in (chunks[::2], chunks[1::2])]


def _insert(url: str, chunks: list[ProcessedChunk]) -> None:
    config = BatchConfig(input_dir=Path(), to=url, collection="program", reporters=(), wait=PATIENCE)
    with BatchProcessor(config) as processor:
        for chunk in chunks:
            processor.insert_chunks([chunk])
