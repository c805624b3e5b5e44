"""Executors: a run loaded elsewhere, by workers that die, gives the same table and the same account."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest

from batchwright import (
    Execution,
    Job,
    Partition,
    PluginError,
    ProcessedChunk,
    Stop,
    load_partition,
)
from batchwright.contracts.events import (
    BatchRetrying,
    BatchWritten,
    DocumentFinished,
    RunFinished,
    StopRequested,
)
from tests.support.corpus import POISON, edit_corpus, write_corpus
from tests.support.loads import Watcher
from tests.support.memory import Database, fail_for, fail_once
from tests.support.shipped import figures, load, processor_of, stored, undisturbed
from tests.support.shipping import State, die, ship

pytestmark = pytest.mark.usefixtures("shipping_state")


def test_partitions_loaded_elsewhere_give_the_same_table_and_account(corpus: Path) -> None:
    result, tables = undisturbed(corpus)
    shipped = load(corpus)
    assert len(State.partitions) > 4
    assert shipped.state == "done"
    assert figures(shipped) == figures(result)
    assert stored(State.database.tables) == tables


def test_again_nothing_is_written_and_edits_are_told_from_removals(corpus: Path) -> None:
    load(corpus)
    before = len(State.database.writes)
    assert load(corpus).account.records.written == 0
    assert len([batch for batch in State.database.writes[before:] if batch]) == 0
    copy = shutil.copytree(corpus, corpus.parent / "copy")
    edit_corpus(copy, seed=3)
    documents = load(copy, prune=True).account.documents
    assert (documents.added, documents.changed > 2, documents.deleted > 0, documents.failed) == (
        1,
        True,
        True,
        0,
    )
    assert set(State.database.tables.known) == {
        path.relative_to(copy).as_posix() for path in copy.rglob("*.md")
    }


@pytest.mark.parametrize("after", [1, 2, 3, 5])
def test_what_a_dead_worker_did_counts_as_the_runs_and_is_not_done_again(corpus: Path, after: int) -> None:
    result, tables = undisturbed(corpus)

    def script(execution: Execution, job: Job, partition: Partition) -> None:
        die(job, partition, after, lambda events: execution.relay(partition.number, events))
        ship(execution, job, partition)

    State.script = staticmethod(script)
    watcher = Watcher(each_document={"added"})
    ids: list[str] = []
    shipped = processor_of(corpus, "shipping", watcher).run(on_stored=ids.extend)
    assert shipped.state == "done"
    assert figures(shipped) == figures(result)
    assert stored(State.database.tables) == tables
    assert sorted(ids) == sorted(State.database.tables.rows)
    finished = {event.key for event in watcher.events if isinstance(event, DocumentFinished)}
    assert finished == set(State.database.tables.known)


def test_a_dead_worker_that_changed_documents_leaves_no_old_version_and_no_wrong_account(
    corpus: Path,
) -> None:
    edited = edit_corpus(shutil.copytree(corpus, corpus.parent / "edited"), seed=5)
    load(corpus, "local")
    theirs, State.database = State.database, Database()
    load(corpus, "local")
    result = load(edited, "local")
    tables, State.database = stored(State.database.tables), theirs

    def script(execution: Execution, job: Job, partition: Partition) -> None:
        die(job, partition, 2, lambda _: None)
        ship(execution, job, partition)

    State.script = staticmethod(script)
    assert figures(load(edited)) == figures(result)
    assert stored(State.database.tables) == tables


def test_an_attempt_that_died_after_it_had_told_all_its_events_adds_nothing_to_the_account(
    corpus: Path,
) -> None:
    """Its events reach the driver, whose account comes from the shares alone."""
    result, _ = undisturbed(corpus)
    batches = 0

    def script(execution: Execution, job: Job, partition: Partition) -> None:
        nonlocal batches
        load_partition(  # to its end; the share is lost with the worker
            job,
            partition,
            report=lambda events: execution.relay(partition.number, events),
            stop=Stop(),
            report_every=0.0,
        )
        share = load_partition(
            job,
            partition,
            report=lambda events: execution.relay(partition.number, events),
            stop=Stop(),
            report_every=0.0,
        )
        batches += share.account.batches
        execution.settle(share)
        execution.settle(share)

    State.script = staticmethod(script)
    watcher = Watcher()
    shipped = load(corpus, watcher=watcher)
    written = [event for event in watcher.events if isinstance(event, BatchWritten)]
    earlier = [event for event in written if event.batch_index is None]
    assert 0 < len(earlier) < len(written)  # they were relayed
    assert sum(event.size for event in earlier) == shipped.account.bytes_read  # or progress would lag
    assert figures(shipped) == figures(result)
    assert shipped.account.batches == batches == 0  # the attempt that came back wrote none
    shipped.account.check()


def test_a_document_that_a_program_stored_is_changed_wherever_it_is_loaded(corpus: Path) -> None:
    key = next(path.relative_to(corpus).as_posix() for path in sorted(corpus.rglob("*.md")))
    chunk = ProcessedChunk("text", source_file=key, chunk_index=0, total_chunks=1)
    accounts = []
    for executor in ("local", "shipping"):
        State.database = Database()
        processor = processor_of(corpus, executor, Watcher())
        assert processor.insert_chunks([chunk]).account.records.written == 1
        accounts.append(figures(processor.run()))
    assert accounts[0] == accounts[1]
    assert (accounts[0].documents.changed, accounts[0].documents.added) == (1, 16)


def test_rejects_of_a_dead_worker_are_counted_once(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "bad", seed=12, documents=10, bad=True)
    State.database.before = fail_for(lambda chunk: POISON in chunk.chunk_text, lambda: ValueError("poison"))
    result, tables = undisturbed(corpus)

    def script(execution: Execution, job: Job, partition: Partition) -> None:
        die(job, partition, 3, lambda _: None)
        ship(execution, job, partition)

    State.script = staticmethod(script)
    ids: list[str] = []
    shipped = processor_of(corpus, "shipping", Watcher()).run(on_stored=ids.extend)
    assert result.account.records.rejected > 2
    assert figures(shipped) == figures(result)
    assert stored(State.database.tables) == tables
    assert sorted(ids) == sorted(State.database.tables.rows)


def test_a_partition_loaded_twice_counts_once(corpus: Path) -> None:
    result, tables = undisturbed(corpus)

    def script(execution: Execution, job: Job, partition: Partition) -> None:
        ship(execution, job, partition)
        ship(execution, job, partition)

    State.script = staticmethod(script)
    assert figures(load(corpus)) == figures(result)
    assert stored(State.database.tables) == tables


def test_batches_of_two_attempts_have_different_receipts(corpus: Path) -> None:
    def script(execution: Execution, job: Job, partition: Partition) -> None:
        die(job, partition, 1, lambda _: None)
        ship(execution, job, partition)

    State.script = staticmethod(script)
    load(corpus)
    written = [receipt for receipt in State.database.tables.receipts.values() if receipt.records]
    attempts = {receipt.batch_id.rpartition("/")[0] for receipt in written}
    assert len(attempts) > len(State.partitions)
    assert {receipt.run_id for receipt in written} == {State.jobs[0].run_id}


def test_events_reach_the_drivers_reporters_with_one_index_a_batch(corpus: Path) -> None:
    watcher = Watcher()
    result = load(corpus, watcher=watcher)
    written = [event for event in watcher.events if isinstance(event, BatchWritten)]
    assert sum(event.records for event in written) == result.account.records.written
    assert len({event.batch_index for event in written}) == len(written) == result.account.batches
    assert isinstance(watcher.events[-1], RunFinished)


def test_errors_on_workers_show_in_the_progress(corpus: Path) -> None:
    State.database.before = fail_once(TimeoutError("slow today"))
    watcher = Watcher()
    processor = processor_of(corpus, "shipping", watcher)
    processor.run()
    progress = processor.get_progress()
    assert progress.errors == ["batch 0: TimeoutError: slow today"]
    assert progress.percent_complete == 100.0
    assert watcher.seen(BatchRetrying) == 1


def test_more_rejects_than_allowed_end_the_run_wherever_they_were(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "bad", seed=12, documents=10, bad=True)
    State.database.before = fail_for(lambda chunk: POISON in chunk.chunk_text, lambda: ValueError("poison"))
    result = load(corpus, max_rejects=3)
    assert result.state == "failed"
    assert "max_rejects" in result.reason
    assert load(corpus, max_rejects=0.9).state == "done"
    share = load(edit_corpus(corpus, seed=1), max_rejects=0.001)
    assert share.state == "failed"
    assert "max_rejects (0.001)" in share.reason


def test_a_failure_on_a_worker_fails_the_run(corpus: Path) -> None:
    State.database.before = fail_for(lambda chunk: chunk.chunk_index == 3, lambda: PermissionError("no"))
    result = load(corpus)
    assert (result.state, result.reason) == ("failed", "a batch failed for good: PermissionError: no")
    assert result.account.records.failed
    assert result.account.documents.not_attempted
    State.database.before = lambda *_: None
    assert load(corpus).state == "done"


def test_a_stop_ends_the_run_and_the_next_goes_on(corpus: Path) -> None:
    watcher = Watcher()
    processor = processor_of(corpus, "shipping", watcher)

    def script(execution: Execution, job: Job, partition: Partition) -> None:
        ship(execution, job, partition)
        if partition.number == 1:
            processor.stop("enough")

    State.script = staticmethod(script)
    result = processor.run()
    assert (result.state, result.reason) == ("interrupted", "enough")
    assert watcher.seen(StopRequested) == 1
    documents = result.account.documents
    assert documents.not_attempted == 17 - documents.added > 0
    _, tables = undisturbed(corpus)
    State.script = staticmethod(ship)
    load(corpus)
    assert stored(State.database.tables) == tables


def test_a_partition_that_ends_early_ends_the_run_and_that_is_told_once(corpus: Path) -> None:
    def script(execution: Execution, job: Job, partition: Partition) -> None:
        stop = Stop()
        stop.request("the machine goes down")
        report = partial(execution.relay, partition.number)
        execution.settle(load_partition(job, partition, report=report, stop=stop))

    State.script = staticmethod(script)
    watcher = Watcher()
    result = load(corpus, watcher=watcher)
    assert (result.state, result.reason) == ("interrupted", "the machine goes down")
    assert watcher.seen(StopRequested) == 1
    assert len(State.partitions) == 1


def test_what_an_earlier_run_began_in_another_partition_is_left_to_that(corpus: Path) -> None:
    _, tables = undisturbed(corpus)

    def cut_off(execution: Execution, job: Job, partition: Partition) -> None:
        die(job, partition, 1, lambda _: None)

    State.script = staticmethod(cut_off)
    with pytest.raises(PluginError):
        load(corpus)
    assert len(State.database.tables.pending) > 1
    State.script = staticmethod(ship)
    load(corpus)
    assert stored(State.database.tables) == tables


def test_a_folder_that_cannot_be_read_keeps_what_is_published_from_it_in_later_partitions(
    tmp_path: Path,
) -> None:
    corpus = write_corpus(tmp_path / "corpus", seed=2, documents=4)
    for number in range(30):
        (corpus / "shut").mkdir(exist_ok=True)
        (corpus / "shut" / f"{number}.md").write_text(f"# {number}\n\n" + "word " * 200)
    load(corpus, "local")
    shutil.rmtree(corpus / "shut")
    (corpus / "shut").symlink_to(corpus / "shut")  # it leads to itself: nobody can look into it
    documents = load(corpus, prune=True, patterns=("*.md", "shut")).account.documents
    assert documents.deleted == 0
    assert documents.failed == 31
    assert len([name for name in State.database.tables.known if name.startswith("shut/")]) == 30
