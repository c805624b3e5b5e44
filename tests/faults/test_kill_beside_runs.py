"""SIGKILL at every failpoint of what stores beside runs: do it again, and it is as if nothing had happened.

A program stores chunks of its own over an older version, one of them no sink can hold; a repair restores rows
that are missing or damaged, and removes rows of no document.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from batchwright.builtin.sqlite.options import database_path
from tests.support.corpus import POISON, write_corpus
from tests.support.failpoints import Answer, Runner
from tests.support.tables import TABLE, contents, published
from tests.support.targets import Target


class HowMany(NamedTuple):
    """How many kills: at so many passages of each point, or at some of these by chance."""

    of_a_point: int
    in_all: int | None = None


Act = Callable[[str, str, int], Answer]
"""Does it on a target, perhaps to die at a passage of a point."""

WRITE = ("write.before", "write.inside", "write.after", "commit.before", "commit.after")
RECEIPT = ("receipt.before", "receipt.after")
KEYS = ("apple", POISON, "pear")

DAMAGES = (
    f"DELETE FROM {TABLE}_records WHERE source_file LIKE '%doc001.md' AND chunk_index > 2",
    f"DELETE FROM {TABLE}_records WHERE source_file LIKE '%doc003.md'",
    f"UPDATE {TABLE}_records SET chunk_text = 'x' WHERE source_file LIKE '%doc005.md' AND chunk_index = 0",
    f"DELETE FROM {TABLE}_documents WHERE key LIKE '%doc006.md'",
)


def _passages(answer: Answer, points: tuple[str, ...], most: int) -> Iterator[tuple[str, int]]:
    """Yield passages of each point, evenly spread, the first and the last among them."""
    for point in points:
        passed = answer.passages.get(point)
        assert passed, f"{point} is never passed: {answer.passages}"
        yield from ((point, at) for at in sorted({1 + (passed - 1) * n // (most - 1) for n in range(most)}))


def _kill_everywhere(
    target: Target, before: str, act: Act, points: tuple[str, ...], how_many: HowMany, seed: int
) -> None:
    """Kill it at passages of every point, and repeat it: it is seen whole, and ends as if undisturbed."""
    undisturbed = target.copy(before)
    answer = act(undisturbed, "", 1)
    assert answer.state == "done", answer.reason
    expected, older, newer = contents(undisturbed), published(before), published(undisturbed)
    assert contents(before).differences(expected), "there is nothing to do: the test tests nothing"
    kills, differences = 0, []
    passages = [*_passages(answer, points, how_many.of_a_point)]
    if how_many.in_all:
        passages = random.Random(seed).sample(passages, how_many.in_all)
    for point, at in passages:
        url = target.copy(before)
        # how often an answer is waited for depends on how fast it is: the last passage may not come
        if not act(url, point, at).killed and not (point.endswith(".inside") and at > 1):
            differences.append(f"{point} {at}: it was never reached")
        seen = published(url)
        differences += [
            f"{point} {at}: {key} is neither as it was nor as it is to be"
            for key in older.keys() | newer.keys() | seen.keys()
            if seen.get(key) not in (older.get(key), newer.get(key))
        ]
        again = act(url, "", 1)
        if again.state != "done":
            differences.append(f"{point} {at}: {again.reason}")
        differences += [f"{point} {at}: {line}" for line in contents(url).differences(expected)]
        target.drop(url)
        kills += 1
    for url in (before, undisturbed):
        target.drop(url)
    print(f"{target.name}: {kills} kills, {len(differences)} differences")
    assert not differences, "\n".join(differences)


FEW_OR_MANY = pytest.mark.parametrize(
    "how_many",
    [
        pytest.param(HowMany(2, in_all=12), id="a dozen"),
        pytest.param(HowMany(25), id="all", marks=(pytest.mark.slow, pytest.mark.timeout(600))),
    ],
)


@FEW_OR_MANY
def test_a_program_killed_at_any_point_and_run_again_leaves_what_an_undisturbed_one_does(
    runner: Runner, target: Target, seed: int, how_many: HowMany
) -> None:
    before = target.fresh()
    older = [f"{key}:{index}:4" for key in KEYS if key != POISON for index in range(4)]
    assert runner.program(before, "old", *older).state == "done"
    newer = [f"{key}:{index}:3" for index in (2, 0, 1) for key in KEYS]

    def act(url: str, point: str, at: int) -> Answer:
        return runner.program(url, "new", *newer, point=point, at=at)

    patch = ("patch.before", "patch.inside", "patch.after")
    rejects = ("rejects.before", "rejects.inside", "rejects.after", "isolation.aside")
    _kill_everywhere(target, before, act, (*WRITE, *RECEIPT, *patch, *rejects), how_many, seed)


@FEW_OR_MANY
def test_a_repair_killed_at_any_point_and_repeated_leaves_what_an_undisturbed_one_does(
    runner: Runner, target: Target, tmp_path: Path, seed: int, how_many: HowMany
) -> None:
    corpus = write_corpus(tmp_path / "corpus", seed, 8, sections=5)
    before = target.fresh()
    config = {"input_dir": str(corpus), "chunk_max_tokens": 24, "reporters": []}
    assert runner.run({**config, "to": before}).state == "done"
    _damage(before)

    def act(url: str, point: str, at: int) -> Answer:
        settings = ("--chunk-max-tokens", "24", "--to", url)
        return runner.command("verify", str(corpus), "--repair", *settings, point=point, at=at)

    publication = ("publication.before", "publication.inside", "publication.after")
    removal = ("removal.before", "removal.inside", "removal.after")
    _kill_everywhere(target, before, act, (*WRITE, *publication, *removal, "receipt.before"), how_many, seed)


def _damage(url: str) -> None:
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(database_path(url))) as file, file:
            for statement in DAMAGES:
                file.execute(statement)
        return
    with psycopg.connect(url, autocommit=True) as server:
        for statement in DAMAGES:
            server.execute(statement.encode())
