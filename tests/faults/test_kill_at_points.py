"""SIGKILL at every failpoint: run again, the target is as if nothing had happened, to the row.

Over an older version of the corpus, with changed, removed and added documents, documents that span several
batches, and records that can't be stored. Then the same for replaying those.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.corpus import edit_corpus, write_corpus
from tests.support.failpoints import Runner
from tests.support.tables import Contents, contents, published
from tests.support.targets import Target

STAGES = {
    "batches": (
        *("write.before", "write.inside", "write.after"),
        *("commit.before", "commit.after", "receipt.before", "receipt.after"),
    ),
    "documents": (
        *("publication.before", "publication.inside", "publication.after"),
        *("removal.before", "removal.inside", "removal.after"),
    ),
    "rejects": (
        *("rejects.before", "rejects.inside", "rejects.after"),
        *("isolation.halve", "isolation.aside"),
    ),
    "the run": ("run.started", "run.finishing", "run.finished"),
}
POINTS = tuple(point for stage in STAGES.values() for point in stage)
COPIES = ("copy.rows", "copy.ended", "copy.ended", "copy.ahead")
"""Before and after the end of a COPY, which commits: most of them between that and the reply."""


@dataclass(frozen=True)
class Scene:
    """A target with the older version in it, and what an undisturbed run makes of it."""

    runner: Runner
    target: Target
    config: dict[str, Any]
    older: str
    before: dict[str, list[tuple[int, str]]]
    after: dict[str, list[tuple[int, str]]]
    expected: Contents
    passages: dict[str, int]
    copies: bool = False

    def run_on(self, url: str, point: str = "", at: int = 1, delay: float = 0.0) -> bool:
        """Run; return whether it killed itself."""
        config = {**self.config, "to": url}
        answer = self.runner.run(config, point, at, copies=self.copies, delay=delay)
        assert answer.killed or answer.state == "done", answer.reason
        return answer.killed

    def kill(self, point: str, at: int, delay: float = 0.0) -> list[str]:
        """Kill a run, look at what readers see, run again, and tell what differs."""
        url = self.target.copy(self.older)
        killed = self.run_on(url, point, at, delay)
        found = self._half_documents(url)
        self.run_on(url)
        found += contents(url).differences(self.expected)
        self.target.drop(url)
        if not killed and self.config["workers"] == 1:  # how writers share the work is not twice the same
            found.append("it was never reached")
        return [f"{point} {at}: {difference}" for difference in found]

    def _half_documents(self, url: str) -> list[str]:
        """Tell of documents that are neither what they were nor what they are to be."""
        seen = published(url)
        names = self.before.keys() | self.after.keys() | seen.keys()
        return [
            f"{name} is half there: {len(seen.get(name, ()))} chunks"
            for name in sorted(names)
            if seen.get(name) not in (self.before.get(name), self.after.get(name))
        ]


def _scene(
    runner: Runner,
    target: Target,
    folder: Path,
    seed: int,
    workers: int,
    batch_size: int,
    *,
    copies: bool = False,
) -> Scene:
    corpus = write_corpus(folder / "corpus", seed, 12 if batch_size > 1 else 8, sections=5)
    older, undisturbed = target.fresh(), ""
    config: dict[str, Any] = {
        "input_dir": str(corpus),
        "chunk_max_tokens": 24,
        "workers": workers,
        "batch_size": batch_size,
        "prune": True,
        "retry_cap": 0.05,
        "reporters": [],
    }
    runner.run({**config, "to": older})
    write_corpus(corpus, seed, 12 if batch_size > 1 else 8, sections=5, bad=True)
    edit_corpus(corpus, seed)
    undisturbed = target.copy(older)
    before = published(older)
    answer = runner.run({**config, "to": undisturbed}, copies=copies)
    assert answer.state == "done", answer.reason
    expected, after = contents(undisturbed), published(undisturbed)
    assert expected.rejects
    assert any(before[name] != after[name] for name in before.keys() & after.keys())
    assert before.keys() - after.keys()
    target.drop(undisturbed)
    return Scene(runner, target, config, older, before, after, expected, answer.passages, copies)


def _instants(passages: int, random_: random.Random, most: int) -> Iterator[int]:
    """Choose passages, the first and the last among them where there is room for both."""
    chosen = {1, passages} if most > 1 else set()
    while len(chosen) < min(most, passages):
        chosen.add(random_.randint(1, passages))
    yield from sorted(chosen)


def _kill_everywhere(scene: Scene, seed: int, most: int, points: tuple[str, ...] = POINTS) -> None:
    random_ = random.Random(seed)
    kills, differences = 0, []
    for point in points:
        if point == "isolation.halve" and scene.config["batch_size"] == 1:
            continue
        assert scene.passages.get(point), f"{point} is never passed: {scene.passages}"
        for at in _instants(scene.passages[point], random_, most):
            differences += scene.kill(point, at)
            kills += 1
    scene.target.drop(scene.older)
    print(f"{scene.target.name}: {kills} kills, {len(differences)} differences")
    assert not differences, "\n".join(differences)


def test_a_run_killed_at_any_point_and_run_again_leaves_what_an_undisturbed_one_does(
    runner: Runner, target: Target, tmp_path: Path, seed: int
) -> None:
    a_dozen = tuple(random.Random(seed).sample(POINTS, 12))
    _kill_everywhere(_scene(runner, target, tmp_path, seed, workers=1, batch_size=7), seed, 1, a_dozen)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("kills", "batch_size", "workers", "more"),
    [
        (12, 7, 1, 0),
        *(
            pytest.param(26, size, workers, more, marks=pytest.mark.slow)
            for size, workers, more in itertools.product((7, 32), (1, 3), (1, 2))
        ),
    ],
)
def test_a_run_killed_between_the_end_of_a_copy_and_the_reply_to_its_commit_is_made_up_for(
    runner: Runner,
    postgres_target: Target,
    tmp_path: Path,
    seed: int,
    kills: int,
    batch_size: int,
    workers: int,
    more: int,
) -> None:
    scene = _scene(runner, postgres_target, tmp_path, seed, workers, batch_size, copies=True)
    random_ = random.Random(seed + more)
    differences = []
    for _ in range(kills):
        point = random_.choice(COPIES)
        at = random_.randint(1, scene.passages[point])
        differences += scene.kill(point, at, random_.choice((0.0, random_.uniform(0, 0.01))))
    scene.target.drop(scene.older)
    assert not differences, "\n".join(differences)


@pytest.mark.parametrize("workers", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_what_a_killed_run_began_goes_when_its_documents_have_changed_since(
    runner: Runner, target: Target, tmp_path: Path, seed: int, workers: int
) -> None:
    first = write_corpus(tmp_path / "first", seed, 12, sections=5)
    config = {"chunk_max_tokens": 24, "workers": workers, "batch_size": 3, "prune": True, "reporters": []}
    config["collection"] = "corpus"
    older = target.fresh()
    assert runner.run({**config, "input_dir": str(first), "to": older}).state == "done"
    second = edit_corpus(write_corpus(tmp_path / "second", seed, 14, sections=5, bad=True), seed)
    third = edit_corpus(edit_corpus(write_corpus(tmp_path / "third", seed, 14, sections=5), seed), seed + 7)
    last = {**config, "input_dir": str(third), "prune_limit": 1.0}
    undisturbed = target.copy(older)
    assert runner.run({**last, "to": undisturbed}).state == "done"
    expected = contents(undisturbed)
    random_ = random.Random(seed)
    differences, half_done = [], 0
    for _ in range(4):
        url, at = target.copy(older), random_.randint(2, 40)
        assert runner.run({**config, "input_dir": str(second), "to": url}, "write.after", at).killed
        half_done += len(contents(url).pending)
        assert runner.run({**last, "to": url}).state == "done"
        differences += [f"{at}: {line}" for line in contents(url).differences(expected)]
        target.drop(url)
    assert half_done
    assert not differences, "\n".join(differences)


def test_a_replay_killed_at_any_point_and_repeated_leaves_what_an_undisturbed_one_does(
    runner: Runner, target: Target, tmp_path: Path, seed: int
) -> None:
    corpus = write_corpus(tmp_path / "corpus", seed, 8, sections=5, bad=True)
    loaded, undisturbed = target.fresh(), ""
    config = {"input_dir": str(corpus), "to": loaded, "chunk_max_tokens": 24, "reporters": []}
    assert runner.run(config).state == "done"
    replay = ("rejects", "replay", "--all", "--to")
    undisturbed = target.copy(loaded)
    answer = runner.command(*replay, undisturbed)
    assert answer.state == "done", answer.reason
    expected = contents(undisturbed)
    assert len(expected.rejects) < len(contents(loaded).rejects)
    differences = []
    points = ("resolved.before", "resolved.inside", "resolved.after", "commit.before", "commit.after")
    for point in points:
        for at in {1, answer.passages[point]}:
            url = target.copy(loaded)
            killed = runner.command(*replay, url, point=point, at=at).killed
            again = runner.command(*replay, url)
            if not killed or again.state != "done":
                differences.append(f"{point} {at}: {killed=} {again.reason}")
            differences += [f"{point} {at}: {line}" for line in contents(url).differences(expected)]
            target.drop(url)
    assert not differences, "\n".join(differences)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("batch_size", [1, 7, 32, 250])
def test_sqlite_survives_more_instants_of_every_point(
    runner: Runner, sqlite_target: Target, tmp_path: Path, seed: int, batch_size: int
) -> None:
    _kill_everywhere(_scene(runner, sqlite_target, tmp_path, seed, 1, batch_size), seed, most=3)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("batch_size", [1, 7, 32, 250])
@pytest.mark.parametrize("stage", STAGES)
def test_postgres_survives_more_instants_of_every_point(
    runner: Runner,
    postgres_target: Target,
    tmp_path: Path,
    seed: int,
    stage: str,
    batch_size: int,
    workers: int,
) -> None:
    scene = _scene(runner, postgres_target, tmp_path, seed, workers, batch_size)
    _kill_everywhere(scene, seed, 3, STAGES[stage])
