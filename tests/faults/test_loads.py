"""A program's `load`: killed half-way, cancelled, its rows refused: called again, it is exact."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from batchwright import Document, RunResult, Target
from tests.support.killed_load import COLLECTION, articles, processor
from tests.support.slow import SlowSizer
from tests.support.tables import contents

COUNT = 60


def load(url: str, changed: frozenset[int] = frozenset(), *, prune: bool = False) -> RunResult:
    return processor(url).load(articles(COUNT, changed), collection=COLLECTION, prune=prune)


def shown(url: str) -> list[tuple[str, int]]:
    """What is published, which has to be sound."""
    with Target(url) as kb:
        assert list(kb.verify()) == []
        return [(known.version.key, known.version.records) for known in kb.documents(collection=COLLECTION)]


def test_killed_at_random_batches_and_called_again_it_is_exact(url: str, seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    whole = load(f"sqlite:///{tmp_path}/whole.db")
    assert whole.state == "done"
    for _ in range(4):
        at, when = chance.randint(1, whole.account.batches // 2), chance.choice(["before", "after"])
        command = [sys.executable, "-m", "tests.support.killed_load", url, str(COUNT), str(at), when]
        done = subprocess.run(command, timeout=60, check=False, capture_output=True, text=True)
        assert done.returncode in (-signal.SIGKILL, 0), done.stderr
    result = load(url)
    assert (result.state, result.account.documents.total) == ("done", COUNT)
    assert shown(url) == shown(f"sqlite:///{tmp_path}/whole.db")
    assert contents(url).pending == []
    assert load(url).account.documents.unchanged == COUNT


def test_a_task_that_loads_and_is_cancelled_leaves_whole_documents_and_is_resumed(
    url: str, seed: int, tmp_path: Path
) -> None:
    chance = random.Random(seed)
    load(f"sqlite:///{tmp_path}/whole.db")
    expected = shown(f"sqlite:///{tmp_path}/whole.db")

    async def cancelled() -> None:
        slow = SlowSizer(chance.randrange(2**32), 0.02)
        task = asyncio.create_task(
            processor(url, plugins=[slow]).aload(articles(COUNT), collection=COLLECTION)
        )
        await asyncio.sleep(chance.uniform(0, 0.5))
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled() or task.result().state == "done"

    for _ in range(5):
        asyncio.run(cancelled())
        with Target(url) as kb:
            assert list(kb.verify()) == []
    assert load(url).state == "done"
    assert shown(url) == expected


def test_one_changed_is_one_written_and_those_that_are_gone_go_with_prune(url: str) -> None:
    load(url)
    account = load(url, frozenset({5})).account
    assert (account.documents.changed, account.documents.unchanged) == (1, COUNT - 1)
    assert account.records.written == 1
    fewer = [document for number, document in enumerate(articles(COUNT)) if number % 3]
    kept = processor(url).load(fewer, collection=COLLECTION).account
    assert (kept.documents.deleted, kept.removed) == (0, 0)
    pruned = processor(url).load(fewer, collection=COLLECTION, prune=True).account
    assert (pruned.documents.deleted, pruned.removed, pruned.documents.unchanged) == (20, 20, 40)
    assert [key for key, _ in shown(url)] == sorted(document.source_file for document in fewer)
    assert processor(url).delete([fewer[0].source_file, "none"], COLLECTION) == 1
    assert len(shown(url)) == 39


def test_what_the_iterable_raises_comes_out_and_what_was_committed_stays(url: str) -> None:
    def failing() -> Iterator[Document]:
        yield from articles(COUNT)
        raise LookupError("the program's own")

    with pytest.raises(LookupError, match="the program's own"):
        processor(url).load(failing(), collection=COLLECTION, prune=True)
    again = load(url, prune=True)
    assert (again.state, again.account.documents.total) == ("done", COUNT)
    assert shown(url)
