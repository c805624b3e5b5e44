"""Programs with threads and many processes: forks, loads and inserts at once, beside a run that prunes."""

from __future__ import annotations

import multiprocessing
import os
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from batchwright import BatchConfig, BatchProcessor, Document, ProcessedChunk, Target
from tests.support.corpus import write_corpus


def processor_at(url: str, **settings: object) -> BatchProcessor:
    return BatchProcessor(BatchConfig.model_validate({"to": url, "reporters": (), **settings}))


def chunks(key: str, count: int = 3) -> list[ProcessedChunk]:
    return [
        ProcessedChunk(f"{n} of {key}", source_file=key, chunk_index=n, total_chunks=count)
        for n in range(count)
    ]


def test_threads_take_turns_with_one_processor(url: str) -> None:
    with processor_at(url) as processor, ThreadPoolExecutor(8) as threads:
        assert set(threads.map(lambda n: processor._insert_chunks(chunks(f"doc {n}")), range(40))) == {3}
        assert sum(threads.map(lambda n: processor.delete([f"doc {n}"]), range(20))) == 20
    with Target(url) as kb:
        assert (kb.status().published, list(kb.verify())) == (20, [])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork of POSIX")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_process_opens_connections_of_its_own(url: str) -> None:
    context = multiprocessing.get_context("fork")
    with processor_at(url) as processor:
        processor.insert_chunks(chunks("before"))
        children = [context.Process(target=_in_child, args=(processor, n)) for n in range(3)]
        for child in children:
            child.start()
        processor.insert_chunks(chunks("meanwhile"))
        for child in children:
            child.join(60)
        assert [child.exitcode for child in children] == [0, 0, 0]
        processor.insert_chunks(chunks("after"))  # the children's ends closed nothing here
    with Target(url) as kb:
        assert list(kb.verify()) == []
        keys = {known.version.key for known in kb.documents()}
    assert keys == {
        "before",
        "meanwhile",
        "after",
        *(f"{what} {n}" for what in ("child", "load") for n in range(3)),
    }


def _in_child(processor: BatchProcessor, number: int) -> None:
    with processor:
        assert processor.insert_chunks(chunks(f"child {number}")).account.records.written == 3
        assert processor.load([Document(f"load {number}", "text", "", 0)]).state == "done"


def test_a_child_that_ends_without_a_word_leaves_the_parents_connection_alone(url: str) -> None:
    """Finalizers of a processor run in the child as well, where they must close nothing."""
    program = """
import os, sys
from batchwright import BatchConfig, BatchProcessor, ProcessedChunk
processor = BatchProcessor(BatchConfig(to=sys.argv[1], reporters=()))
one = [ProcessedChunk("text", source_file="one")]
processor.insert_chunks(one)
if os.fork() == 0:
    sys.exit(0)
os.wait()
print(processor.insert_chunks(one).account.records.written)
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("1\n", 0), done.stderr


WORKER = """
import random, sys, time
from batchwright import BatchConfig, BatchProcessor, Document, ProcessedChunk

url, number, seconds, seed = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
chance, until = random.Random(seed + number), time.monotonic() + seconds
processor = BatchProcessor(BatchConfig(to=url, collection="shared", batch_size=5, reporters=()))
rounds = 0
while time.monotonic() < until:
    rounds += 1
    key = f"inserted {chance.randrange(20)}"
    total = 4
    order = chance.sample(range(total), total)
    for part in (order[:2], order[2:]):
        given = [
            ProcessedChunk(f"{n} of {key}", source_file=key, chunk_index=n, total_chunks=total)
            for n in part
        ]
        assert processor.insert_chunks(given).account.records.written == 2
    mine = [Document(f"of {number} {n}", f"text {chance.randrange(3)}", "", 0) for n in range(12)]
    some = chance.sample(range(30), 8)
    ours = [Document(f"of all {n}", f"text {chance.randrange(3)}", "", 0) for n in some]
    result = BatchProcessor(processor.config).load([*mine, *ours])
    assert result.state == "done", result
    assert result.account.documents.failed == 0, result
    if rounds % 3 == 0:
        processor.delete([f"of {number} {chance.randrange(12)}"])
processor.load(mine) if rounds else None
print(rounds)
"""


@pytest.mark.parametrize(
    ("processes", "seconds"), [(4, 2.0), pytest.param(8, 60.0, marks=pytest.mark.slow)], ids=str
)
def test_many_processes_load_and_insert_while_another_collection_is_run_and_pruned(
    url: str, seed: int, tmp_path: Path, processes: int, seconds: float
) -> None:
    chance = random.Random(seed)
    docs = write_corpus(tmp_path / "docs", seed, 8)
    run = {"source": docs, "collection": "docs", "prune": True, "prune_limit": 1.0, "chunk_max_tokens": 64}
    assert processor_at(url, **run).run().state == "done"
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, url, str(number), str(seconds), str(seed)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(processes)
    ]
    try:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            (docs / f"more {chance.randrange(8)}.md").write_text(f"# More\n\n{chance.random()}\n")
            chance.choice(sorted(docs.glob("more *.md"))).unlink()
            (docs / f"more {chance.randrange(8)}.md").write_text("# More\n")
            assert processor_at(url, **run).run().state == "done"
    finally:
        ended = [worker.communicate(timeout=60) for worker in workers]
    assert [
        (worker.returncode, complaint) for worker, (_, complaint) in zip(workers, ended, strict=True)
    ] == [(0, "")] * processes
    assert all(int(said) > 0 for said, _ in ended)
    with Target(url) as kb:
        assert list(kb.verify()) == []
        assert list(kb.rejects()) == []
        shared = {known.version.key for known in kb.documents(collection="shared")}
        shown = {known.version.key for known in kb.documents(collection="docs")}
    assert {f"of {number} {n}" for number in range(processes) for n in range(12)} <= shared
    assert shown == {path.relative_to(docs).as_posix() for path in docs.rglob("*.md")}
