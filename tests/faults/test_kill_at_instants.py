"""SIGKILL at random instants of the whole command, reading processes and all."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.command import Command, command
from tests.support.corpus import edit_corpus, write_corpus
from tests.support.tables import Contents, contents
from tests.support.targets import Target

SETTINGS = {
    "BATCHWRIGHT_CHUNK_MAX_TOKENS": "24",
    "BATCHWRIGHT_BATCH_SIZE": "11",
    "BATCHWRIGHT_WORKERS": "2",
    "BATCHWRIGHT_PRUNE": "true",
}


def _kill_at_instants(target: Target, folder: Path, seed: int, readers: int, kills: int) -> None:
    random_ = random.Random(seed)
    corpus = write_corpus(folder / "corpus", seed, 24, sections=20)
    environ = {**SETTINGS, "BATCHWRIGHT_READERS": str(readers)}

    def run(url: str) -> None:
        ended = command("run", str(corpus), "--to", url, "-q", cwd=folder, environ=environ)
        assert ended.code == 0, ended.err

    def killed(url: str, after: float) -> int:
        with Command(["run", str(corpus), "--to", url, "-q"], folder, environ) as running:
            until = time.monotonic() + after
            while (left := until - time.monotonic()) > 0:
                running.children()
                try:
                    running.process.wait(min(left, 0.05))
                    break
                except subprocess.TimeoutExpired:
                    continue
            running.send(signal.SIGKILL)
            running.ended()
            assert running.survivors() == []
            return running.process.returncode

    older = target.fresh()
    run(older)
    edit_corpus(corpus, seed)
    undisturbed = target.copy(older)
    started = time.monotonic()
    run(undisturbed)
    length = time.monotonic() - started
    expected: Contents = contents(undisturbed)
    differences, hits = [], 0
    for number in range(kills):
        url = target.copy(older) if number % 2 else target.fresh()
        for _ in range(random_.choice([1, 1, 2])):
            instant = random_.uniform(0.2, 1.0) * length
            hits += killed(url, instant) == -signal.SIGKILL
        run(url)
        differences += [f"{number} ({instant:.3f} s): {line}" for line in contents(url).differences(expected)]
        target.drop(url)
    print(f"{target.name}, readers={readers}: {hits} kills, {len(differences)} differences")
    assert not differences, "\n".join(differences)
    assert hits >= kills // 2


@pytest.mark.parametrize(("kind", "readers"), [("sqlite", 2), ("postgres", 1)])
def test_a_command_killed_at_an_instant_and_run_again_leaves_what_an_undisturbed_one_does(
    request: pytest.FixtureRequest, tmp_path: Path, seed: int, kind: str, readers: int
) -> None:
    _kill_at_instants(request.getfixturevalue(f"{kind}_target"), tmp_path, seed, readers, kills=3)


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("readers", [1, 2])
def test_a_command_survives_many_instants(target: Target, tmp_path: Path, seed: int, readers: int) -> None:
    _kill_at_instants(target, tmp_path, seed + 1, readers, kills=25)
