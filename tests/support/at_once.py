"""Scenarios of runs and programs at once in one target, and what must be true of it afterwards.

A scenario loads its folders, changes them, and lets two or three runs load the changed ones together, slowed
at random points; in some, two programs store halves of the same documents meanwhile, or a file is away for a
moment. Then every run comes once more, alone. The target must be as if only these had run.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from batchwright import BatchConfig, BatchProcessor, BatchwrightError, ProcessedChunk
from tests.support import insert, slow
from tests.support.command import command
from tests.support.scenarios import RunAtOnce, Scenario
from tests.support.slow import SlowReporter, SlowSizer
from tests.support.slow_statements import no_longer_slow, slow_statements
from tests.support.tables import TABLE, contents, rows
from tests.support.targets import Target
from tests.support.two_runs import CHUNK_TOKENS, check_no_orphans, check_sound

LONGEST = 0.05
"""Seconds that a run is held at one point, at most."""

PATIENCE = 60.0


Perform = Callable[[RunAtOnce, str], str]
"""Runs, slowed; returns why it is not done, nothing if it is."""


def in_this_process(run: RunAtOnce, url: str) -> str:
    """Run in this thread."""
    processor = BatchProcessor(
        run.config(url),
        plugins=[SlowSizer(run.seed, LONGEST)],
        reporters=[SlowReporter(run.seed, LONGEST / 2)],
    )
    try:
        result = processor.run()
    except BatchwrightError as error:
        return f"{type(error).__name__}: {error}"
    if result.state == "done":
        return ""
    assert result.reason, f"{result.state}, and without a word why"
    return result.reason


def in_its_own_process(run: RunAtOnce, url: str) -> str:
    """Run the command, which takes some ten times as long."""
    environ = {"SLOW_SEED": str(run.seed), "SLOW_LONGEST": str(LONGEST)}
    ended = command(*run.arguments(url), "--plugin", slow.__file__, cwd=run.folder, environ=environ)
    if ended.code == 0:
        return ""
    assert ended.code in (1, 3), ended  # 3: a file was away between being listed and being read
    assert ended.err.strip(), f"exit code {ended.code}, and without a word why"
    return ended.err


def check_scenario(scenario: Scenario, target: Target, seed: int, perform: Perform = in_this_process) -> None:
    """Let a scenario happen; check that nothing is lost, left over, or unsound."""
    url = target.fresh()
    for run in {run.folder: run for run in scenario.runs}.values():
        RunAtOnce(run.folder, CHUNK_TOKENS, prune=False, workers=1, seed=0).alone(url)
    scenario.edit(seed)
    calm = target.copy(url)
    _at_once(scenario, target, url, seed, perform)
    check_no_orphans(url)
    if scenario.programs:
        for chunks in _halves():
            _insert(calm, chunks)
    for run in scenario.runs:
        run.alone(url)
    for run in scenario.runs:
        run.alone(calm)
    found = contents(url).differences(contents(calm))
    assert not found, "\n".join(found)
    check_sound(url, scenario.folders[0])
    for each in (url, calm):
        target.drop(each)


def _at_once(scenario: Scenario, target: Target, url: str, seed: int, perform: Perform) -> None:
    acts: list[Callable[[], None]] = [partial(_run, run, scenario, url, perform) for run in scenario.runs]
    if scenario.programs:
        acts += [partial(_insert, url, chunks) for chunks in _halves()]
    if scenario.away:
        acts.append(partial(_take_away, scenario.away, seed))
    if target.name == "postgres":
        slow_statements(url, LONGEST)
    errors: list[BaseException] = []
    start = threading.Barrier(len(acts))

    def begin(act: Callable[[], None]) -> None:
        try:
            start.wait(PATIENCE)
            act()
        except BaseException as error:  # noqa: BLE001 - raised in the test's thread
            errors.append(error)

    threads = [threading.Thread(target=begin, args=(act,), daemon=True) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive(), "still going"
    if errors:
        raise errors[0]
    if target.name == "postgres":
        no_longer_slow(url)


def _run(run: RunAtOnce, scenario: Scenario, url: str, perform: Perform) -> None:
    """Run; where it says that it is done, check at once that all is there."""
    time.sleep(run.after)
    if reason := perform(run, url):
        print(f"{run.folder.name}/{run.tokens}: {reason}")
        return
    there: dict[str, list[int]] = {}
    for row in rows(url, TABLE):
        there.setdefault(row["source_file"], []).append(row["total_chunks"])
    wanted = {path.name for path in run.folder.iterdir() if path != scenario.away}
    assert wanted <= set(there), f"done, and {wanted - set(there)} are not there"
    torn = {name: totals for name, totals in there.items() if set(totals) != {len(totals)}}
    assert not torn, f"done, and not whole (total_chunks of the rows that are there): {torn}"


def _take_away(path: Path, seed: int) -> None:
    random_ = random.Random(seed + 2)
    time.sleep(random_.random() * LONGEST)
    away = path.rename(path.parent.parent / path.name)
    time.sleep(random_.random() * LONGEST * 2)
    away.rename(path)


def _insert(url: str, chunks: list[ProcessedChunk]) -> None:
    with BatchProcessor(BatchConfig(input_dir=Path(), to=url)) as processor:
        for chunk in chunks:
            processor.insert_chunks([chunk])


def _halves() -> list[list[ProcessedChunk]]:
    """Return what two programs store: of every document, the one the even chunks, the other the odd ones."""
    chunks = [insert.chunk(f"fruit{number}", index, 4, "ripe") for number in range(3) for index in range(4)]
    return [chunks[::2], chunks[1::2]]
