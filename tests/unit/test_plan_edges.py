"""A plan comes true at its edges: parts cut early, a prune just at its limit, a run going on beside it."""

from __future__ import annotations

import os
import random
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from batchwright import BatchConfig, BatchProcessor, PluginManager, ProcessedChunk
from batchwright.engine.reading.changes import refusal
from batchwright.engine.result import RunResult
from batchwright.operations.plan import plan
from tests.support import nobody
from tests.support.pasts import Past


@pytest.fixture
def past(tmp_path: Path) -> Past:
    return Past(tmp_path, "sqlite", random.Random(0))


def write(folder: Path, name: str, count: int, content: bytes) -> None:
    for number in range(count):
        (folder / f"{name}{number:04}.md").write_bytes(content)


@pytest.mark.parametrize("batch_size", [1, 7])
def test_batches_are_exact_however_many_documents_have_no_records_or_cannot_be_read(
    past: Past, batch_size: int
) -> None:
    write(past.docs, "a", 1_100, b"")
    write(past.docs, "b", 1_100, b"\xe9")
    write(past.docs, "c", 10, b"# Text\n")
    write(past.docs, "d", 1_100, b"\xe9")
    write(past.docs, "e", 1_100, b"")
    config = past.config(batch_size=batch_size)
    made = plan(config, past.manager())
    result = past.run(config)
    assert made.batches_exact
    assert (made.batches, made.failed) == (result.account.batches, result.account.documents.failed)
    assert made.failed == 2_200


def test_rejects_that_pile_up_are_written_between_batches_and_are_none(past: Past) -> None:
    write(past.docs, "a", 2_100, b"\xe9")
    (past.docs / "b.md").write_text("# Text\n")
    config = past.config()
    sizes: list[int] = []
    past.plugin.database.after = lambda batch, receipt: sizes.append(len(receipt.rejects))
    result = past.run(config)
    assert (result.account.batches, result.account.records.written) == (1, 1)
    assert sizes == [1_000, 1_000, 100]


def test_documents_without_records_take_a_batch_whatever_its_size(past: Past) -> None:
    write(past.docs, "a", 3, b"")
    config = past.config(batch_size=None)
    assert plan(config, past.manager()).batches == past.run(config).account.batches == 1


def test_batches_are_not_exact_where_partitions_are_loaded_elsewhere(past: Past) -> None:
    assert plan(past.config(), past.manager()).batches_exact
    assert not plan(past.config(executor="elsewhere"), past.manager()).batches_exact


def test_a_prune_just_at_its_limit_is_not_refused(tmp_path: Path) -> None:
    for gone in range(101):
        config = BatchConfig(input_dir=tmp_path, prune=True, prune_limit=float(f"{gone / 100:.2f}"))
        assert refusal(config, gone, 100) == ""
        refused = refusal(config, gone + 1, 100)
        assert f"{gone + 1} of 100" in refused
        assert f"({gone}%)" in refused


def test_a_plan_is_made_while_a_run_goes_on(past: Past) -> None:
    write(past.docs, "a", 3, b"# Text\n")
    past.run(past.config(batch_size=1))
    write(past.docs, "b", 3, b"# Text\n")
    reached, go_on = threading.Event(), threading.Event()

    def wait(*_: object) -> None:
        reached.set()
        assert go_on.wait(30)

    past.plugin.database.after = wait
    ended: list[RunResult] = []
    run = threading.Thread(target=lambda: ended.append(past.run(past.config(batch_size=1))))
    run.start()
    try:
        assert reached.wait(30)
        made = plan(past.config(batch_size=1), past.manager())
    finally:
        go_on.set()
        run.join(30)
    assert (made.unchanged, made.added, made.batches) == (4, 2, 2)  # one is stored meanwhile
    assert ended[0].account.documents.added == 3


def test_a_plan_does_not_wait_for_a_transaction_that_is_open(past: Past) -> None:
    write(past.docs, "a", 3, b"# Text\n")
    past.run(past.config())
    with closing(sqlite3.connect(past.file, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DELETE FROM knowledge_base_documents")
        config = past.config(sink={"scripted": {"busy_timeout": 0}})
        assert plan(config, past.manager()).unchanged == 3
        connection.execute("ROLLBACK")


def test_a_target_that_does_not_exist_is_not_made(past: Past) -> None:
    config = past.config(to=f"sqlite:///{past.root}/new/kb.db")
    made = plan(config, PluginManager.load())
    assert (made.exists, made.documents, made.batches) == (False, 0, 0)
    assert not (past.root / "new").exists()


@pytest.fixture
def as_nobody() -> Iterator[Path]:
    """A folder of an account without privileges, which this process becomes for the test."""
    with nobody.open_folder() as folder, nobody.as_nobody():
        yield folder


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions of POSIX")
@pytest.mark.parametrize("is_open", [False, True])
def test_a_plan_is_made_of_a_target_that_can_only_be_read(as_nobody: Path, is_open: bool) -> None:
    folder = as_nobody / "target"
    folder.mkdir()
    past = Past(folder, "sqlite", random.Random(0))
    write(past.docs, "a", 3, b"# Text\n")
    past.run(past.config())
    write(past.docs, "b", 2, b"# Text\n")
    with closing(sqlite3.connect(past.file)) as connection:
        if is_open:  # a writer has its log beside the file
            connection.execute("SELECT * FROM knowledge_base_runs").fetchall()
            connection.execute("DELETE FROM knowledge_base_runs")
            connection.commit()
        past.file.chmod(0o444)
        folder.chmod(0o555)
        before = sorted(folder.iterdir())
        made = plan(past.config(), past.manager())
        assert sorted(folder.iterdir()) == before
        folder.chmod(0o777)
    assert (made.exists, made.unchanged, made.added) == (True, 3, 2)


def test_a_refusal_is_the_runs_own_and_counts_what_runs_published(past: Past) -> None:
    write(past.docs, "a", 6, b"# Text\n")
    past.run(past.config())
    with BatchProcessor(past.config(), manager=past.manager()) as processor:
        keys = ["a0002.md", "a0003.md", "own"]  # two of them are the program's from now on
        processor.insert_chunks([ProcessedChunk("text", source_file=key) for key in keys])
    for number in range(2):
        (past.docs / f"a{number:04}.md").unlink()
    refused = past.config(prune=True, prune_limit=0.49)
    made, result = plan(refused, past.manager()), past.run(refused)
    assert "2 of 4" in made.refusal
    assert (result.state, result.reason) == ("failed", made.refusal)
    assert made.removed == result.account.removed == 0
    allowed = past.config(prune=True, prune_limit=0.5)
    made, result = plan(allowed, past.manager()), past.run(allowed)
    assert (made.refusal, result.state) == ("", "done")
    assert made.removed == result.account.removed == 2
