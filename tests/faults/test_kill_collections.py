"""Two folders with the same keys in one target, each run killed while the other is done or half done."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.command import Command, command
from tests.support.corpus import edit_corpus, write_corpus
from tests.support.tables import contents
from tests.support.targets import Target

SETTINGS = {"BATCHWRIGHT_CHUNK_MAX_TOKENS": "24", "BATCHWRIGHT_BATCH_SIZE": "11", "BATCHWRIGHT_PRUNE": "true"}


def _kill_either(target: Target, folder: Path, seed: int, kills: int) -> None:
    random_ = random.Random(seed)
    ours = write_corpus(folder / "ours" / "docs", seed, 16, sections=12)
    theirs = write_corpus(folder / "theirs" / "docs", seed, 16, sections=12)
    edit_corpus(theirs, seed)  # most of the keys are those of ours, some texts are others
    folders = {"docs": ours, "other": theirs}

    def arguments(name: str, url: str) -> list[str]:
        return ["run", str(folders[name]), "--to", url, "-q", "--collection", name]

    def run(name: str, url: str) -> float:
        started = time.monotonic()
        ended = command(*arguments(name, url), cwd=folder, environ=SETTINGS)
        assert ended.code == 0, ended.err
        return time.monotonic() - started

    def killed(name: str, url: str, after: float) -> bool:
        with Command(arguments(name, url), folder, SETTINGS) as running:
            try:
                running.process.wait(after)
            except subprocess.TimeoutExpired:
                running.send(signal.SIGKILL)
            running.ended()
            return running.process.returncode == -signal.SIGKILL

    older = target.fresh()
    for name in folders:
        run(name, older)
    edit_corpus(ours, seed + 1)
    edit_corpus(theirs, seed + 2)
    undisturbed = target.copy(older)
    length = max(run(name, undisturbed) for name in folders)
    expected, differences, hits = contents(undisturbed), [], 0
    assert len({row for row in expected.documents if '"collection": "other"' in row}) > 8
    for number in range(kills):
        url = target.copy(older) if number % 2 else target.fresh()
        for name in random_.sample(["docs", "other", "other", "docs"], 4)[: random_.choice([2, 3])]:
            hits += killed(name, url, random_.uniform(0.3, 1.0) * length)
        for name in random_.sample(sorted(folders), 2):
            run(name, url)
        differences += [f"{number}: {line}" for line in contents(url).differences(expected)]
        target.drop(url)
    assert not differences, "\n".join(differences)
    assert hits >= kills // 2


@pytest.mark.parametrize(
    "target", ["postgres", pytest.param("sqlite", marks=pytest.mark.slow)], indirect=True
)
def test_each_of_two_collections_is_killed_and_run_again(target: Target, tmp_path: Path, seed: int) -> None:
    _kill_either(target, tmp_path, seed, kills=2)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_two_collections_survive_many_kills(target: Target, tmp_path: Path, seed: int) -> None:
    _kill_either(target, tmp_path, seed + 1, kills=20)
