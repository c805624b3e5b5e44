"""A run that is stopped, and a database that is away for a while."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from batchwright import BatchProcessor, Stop
from batchwright.contracts.events import BatchWritten, OutageEnded, OutageStarted, RunFinished, StopRequested

from batchwright_dask import tasks
from tests.cluster import Cluster
from tests.loading import BIG, Listener, Outcome, assert_same, config_of, run, write_documents
from tests.support.postgres import PostgresServer, PostgresTemplate


def test_a_stopped_run_ends_soon_and_the_next_one_completes_it(
    cluster: Cluster, tmp_path: Path, url: str, seed: int
) -> None:
    documents = write_documents(tmp_path / "docs", seed, megabytes=4)
    listener = Listener(at=2, act=lambda: processor.stop("enough"))
    config = config_of(documents, url, cluster.address)
    processor = BatchProcessor(config, reporters=[listener])
    result = processor.run()
    result.account.check()
    assert (result.state, result.reason) == ("interrupted", "enough")
    assert [event.reason for event in listener.of(StopRequested)] == ["enough"]
    total = len(list(documents.iterdir()))
    counts = result.account.documents
    assert counts.total == total
    assert counts.not_attempted > 0
    # what was in flight on the two workers was cut short too, and not just what was still to come
    assert counts.not_attempted > total / 2
    again = run(config)
    assert again.account.documents.added == total - counts.added
    assert again.account.documents.unchanged == counts.added
    assert not again.contents.pending
    assert [row for row in again.contents.documents if f'"{BIG}"' in row]


def test_what_is_in_flight_on_a_worker_is_cut_short(
    cluster: Cluster, tmp_path: Path, url: str, seed: int
) -> None:
    documents = write_documents(tmp_path / "docs", seed, megabytes=0, sections=4000)
    listener = Listener(at=1, act=lambda: processor.stop())
    config = config_of(documents, url, cluster.address, batch_size=1)
    processor = BatchProcessor(config, reporters=[listener])
    result = processor.run()
    assert result.state == "interrupted"
    assert 0 < result.account.records.written < result.account.records.not_attempted
    assert result.account.documents.not_attempted == 1
    assert run(config_of(documents, url, cluster.address)).state == "done"


def test_a_stop_before_there_are_workers_is_heard(tmp_path: Path, corpus: Path, url: str) -> None:
    with Cluster(tmp_path / "cluster") as empty:
        empty.wait()
        processor = BatchProcessor(config_of(corpus, url, empty.address), reporters=())
        timer = threading.Timer(1.5, processor.stop)
        timer.start()
        result = processor.run()
        timer.join()
    assert result.state == "interrupted"
    assert result.account.documents.not_attempted == result.account.documents.total > 0


def test_a_task_that_arrives_after_the_word_is_stopped_as_well() -> None:
    tasks.stop_run("a run", "enough", False)
    with tasks._stoppable("a run") as stop:
        assert stop.reason == "enough"
    with tasks._stoppable("another") as other:
        assert not other.event.is_set()
        tasks.stop_run("another", "why", True)
        assert other.event.wait(10)
        assert (other.reason, other.failed) == ("why", True)
    assert isinstance(other, Stop)
    assert not tasks._running


@pytest.mark.slow
def test_workers_hold_while_the_database_is_away(
    cluster: Cluster, template: PostgresTemplate, tmp_path: Path, corpus: Path, reference: Outcome
) -> None:
    with PostgresServer(template) as own:
        url = own.create_database("loaded")

        back = threading.Timer(3, own.start)

        def stop_for_a_while() -> None:
            own.stop()
            back.start()

        listener = Listener(at=4, act=stop_for_a_while)
        outcome = run(config_of(corpus, url, cluster.address), listener)
        back.join()
    assert listener.acted
    assert len(listener.of(OutageStarted)) >= 1
    assert len(listener.of(OutageEnded)) == len(listener.of(OutageStarted))
    assert_same(outcome, reference)


def test_a_database_that_stays_away_ends_the_run(
    cluster: Cluster, template: PostgresTemplate, corpus: Path
) -> None:
    with PostgresServer(template) as own:
        url = own.create_database("loaded")
        listener = Listener(at=4, act=own.stop)
        processor = BatchProcessor(
            config_of(corpus, url, cluster.address, max_outage=1.0), reporters=[listener]
        )
        result = processor.run()
        assert result.state == "interrupted"
        [finished] = listener.of(RunFinished)
        assert finished.account.documents.not_attempted > 0
        assert listener.of(BatchWritten)
        own.start()
        again = run(config_of(corpus, url, cluster.address))
        assert not again.contents.pending
