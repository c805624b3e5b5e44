"""Postgres goes away in the middle of a parallel load, and comes back, or doesn't."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from batchwright.contracts.events import BatchFailed, OutageEnded, OutageStarted
from tests.support.corpus import edit_corpus, write_corpus
from tests.support.loads import Load, Watcher, config_of, run
from tests.support.postgres import PostgresServer
from tests.support.tables import batch_ids, contents
from tests.support.targets import PostgresTarget

Leave = Callable[[PostgresServer], None]


def _crash(server: PostgresServer) -> None:
    server.kill()


def _stop(server: PostgresServer) -> None:
    server.stop("fast")


def _outage(
    server: PostgresServer, corpus: Path, seconds: float, leave: Leave, *, after: int = 10
) -> tuple[Load, str]:
    """Begin a load, take the server away after some batches, and bring it back."""
    url = PostgresTarget(server).fresh()
    reached = threading.Event()
    watcher = Watcher(after, reached.set)
    load = Load(config_of(corpus, url, workers=3, max_retries=1, retry_cap=0.02), watcher)
    assert reached.wait(30)
    leave(server)
    time.sleep(seconds)
    server.start()
    return load, url


def _undisturbed(server: PostgresServer, corpus: Path, url: str) -> None:
    other = PostgresTarget(server).fresh()
    assert run(config_of(corpus, other)).state == "done"
    assert contents(url).differences(contents(other)) == []


@pytest.mark.parametrize(
    ("seconds", "leave"),
    [
        (3, _stop),
        pytest.param(0, _crash, marks=pytest.mark.slow),
        pytest.param(20, _stop, marks=pytest.mark.slow),
        pytest.param(20, _crash, marks=pytest.mark.slow),
    ],
)
def test_an_outage_in_a_parallel_load_fails_no_batch_and_doubles_nothing(
    own_postgres: PostgresServer, tmp_path: Path, seed: int, seconds: float, leave: Leave
) -> None:
    corpus = write_corpus(tmp_path / "corpus", seed, 40, sections=30)
    load, url = _outage(own_postgres, corpus, seconds, leave)
    result = load.result(timeout=60)

    assert result.state == "done", result.reason
    assert load.watcher.seen(OutageStarted) >= 1
    assert load.watcher.seen(OutageEnded) == load.watcher.seen(OutageStarted)
    assert load.watcher.seen(BatchFailed) == 0
    account = result.account
    assert (account.batches_failed, account.records.failed, account.records.not_attempted) == (0, 0, 0)
    assert account.batches == len(batch_ids(url))
    _undisturbed(own_postgres, corpus, url)


def test_an_outage_is_survived_by_what_the_run_asks_the_ledger_too(
    own_postgres: PostgresServer, tmp_path: Path, seed: int
) -> None:
    # more documents than one page of the ledger holds, so that it is read while batches are written
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number in range(1_200):
        (corpus / f"{number:05}.md").write_text(f"first {number} {seed}\n")
    url = PostgresTarget(own_postgres).fresh()
    assert run(config_of(corpus, url, batch_size=1_000)).state == "done"
    for number in range(1_200):
        (corpus / f"{number:05}.md").write_text(f"second {number} {seed} " + 100 * "and more " + "\n")
    reached = threading.Event()
    watcher = Watcher(3, reached.set)
    load = Load(config_of(corpus, url, workers=2, max_retries=0, batch_size=20, prune=True), watcher)
    assert reached.wait(30)
    own_postgres.stop("fast")
    time.sleep(1.5)
    own_postgres.start()
    result = load.result(timeout=60)

    assert result.state == "done", result.reason
    assert result.account.documents.changed == 1_200
    _undisturbed(own_postgres, corpus, url)


def test_a_server_that_stays_away_interrupts_the_run_which_resumes(
    own_postgres: PostgresServer, tmp_path: Path, seed: int
) -> None:
    corpus = write_corpus(tmp_path / "corpus", seed, 40, sections=30)
    url = PostgresTarget(own_postgres).fresh()
    assert run(config_of(corpus, url)).state == "done"
    edit_corpus(corpus, seed)
    reached = threading.Event()
    config = config_of(corpus, url, workers=3, max_retries=1, max_outage=1.5, prune=True)
    load = Load(config, Watcher(3, reached.set))
    assert reached.wait(30)
    own_postgres.stop("immediate")
    result = load.result(timeout=30)

    assert result.state == "interrupted"
    assert "max_outage" in result.reason
    assert result.account.records.not_attempted > 0
    own_postgres.start()
    assert run(config).state == "done"
    _undisturbed(own_postgres, corpus, url)
