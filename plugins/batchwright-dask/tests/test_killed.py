"""A worker killed with SIGKILL half-way: nothing is lost, nothing doubled, and the account is the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from batchwright import ExecutorError, Partition, Share
from distributed import Future

from batchwright_dask import driver
from batchwright_dask.tasks import Unfit
from tests.cluster import Cluster
from tests.loading import BIG, Listener, Outcome, assert_same, config_of, run, write_documents


@pytest.fixture(params=["first", "early", "late"])
def instant(request: pytest.FixtureRequest, seed: int, reference: Outcome) -> int:
    """After how many batches; the run has about as many as the reference."""
    batches = reference.account.batches
    where = {"first": (1, 1), "early": (2, batches // 3), "late": (batches // 3, 2 * batches // 3)}
    return random.Random(f"{seed} {request.param}").randint(*where[request.param])


def test_a_worker_killed_half_way_loses_and_doubles_nothing(
    cluster: Cluster, corpus: Path, url: str, reference: Outcome, instant: int
) -> None:
    with cluster.client() as client:
        listener = Listener(at=instant, act=lambda: cluster.kill_busy(client))
        outcome = run(config_of(corpus, url, cluster.address), listener)
    assert listener.acted, f"there were no {instant} batches"
    assert_same(outcome, reference)


def test_a_killed_worker_may_be_replaced(
    cluster: Cluster, corpus: Path, url: str, reference: Outcome, seed: int
) -> None:
    def replace() -> None:
        cluster.kill_busy(client)
        cluster.start_worker()

    with cluster.client() as client:
        listener = Listener(at=random.Random(seed).randint(2, 9), act=replace)
        outcome = run(config_of(corpus, url, cluster.address), listener)
    assert listener.acted
    assert_same(outcome, reference)


def test_both_workers_may_be_killed_when_there_are_others(
    cluster: Cluster, corpus: Path, url: str, reference: Outcome
) -> None:
    def replace() -> None:
        cluster.kill_busy(client)
        cluster.kill_busy(client)
        cluster.start_worker()

    with cluster.client() as client:
        outcome = run(config_of(corpus, url, cluster.address), Listener(at=5, act=replace))
    assert_same(outcome, reference)


def test_a_document_of_many_batches_is_taken_up_again(
    cluster: Cluster, tmp_path: Path, fresh: Callable[[], str], seed: int
) -> None:
    documents = write_documents(tmp_path / "docs", seed, megabytes=0)
    assert [path.name for path in documents.iterdir()] == [BIG]
    reference = run(config_of(documents, fresh(), batch_size=10))
    batches = reference.account.batches
    assert batches > 30
    instant = random.Random(seed).randint(2, batches // 2)
    with cluster.client() as client:
        listener = Listener(at=instant, act=lambda: cluster.kill_busy(client))
        outcome = run(config_of(documents, fresh(), cluster.address, batch_size=10), listener)
    assert listener.acted, instant
    assert_same(outcome, reference)


def test_a_change_that_is_killed_half_way_counts_as_a_change(
    cluster: Cluster, tmp_path: Path, fresh: Callable[[], str], seed: int
) -> None:
    documents = write_documents(tmp_path / "docs", seed)
    here, there = fresh(), fresh()
    run(config_of(documents, here))
    run(config_of(documents, there, cluster.address))
    for path in sorted(documents.iterdir()):
        path.write_text(path.read_text().replace("rain", "snow"))
    reference = run(config_of(documents, here))
    assert reference.account.documents.changed == reference.account.documents.total
    with cluster.client() as client:
        listener = Listener(at=random.Random(seed).randint(2, 20), act=lambda: cluster.kill_busy(client))
        outcome = run(config_of(documents, there, cluster.address), listener)
    assert listener.acted
    assert_same(outcome, reference)


@pytest.mark.parametrize("replaced", [True, False])
def test_a_share_that_dies_with_its_worker_is_made_again(
    cluster: Cluster,
    corpus: Path,
    url: str,
    reference: Outcome,
    monkeypatch: pytest.MonkeyPatch,
    replaced: bool,
) -> None:
    fetch = driver.answer_of
    victims = list(cluster.workers)

    def fetch_too_late(future: Future[Any], partition: Partition) -> Share | Unfit:
        while victims:  # the first time: the result is there, but lies in the memory of one of these
            victims.pop().kill()
            if replaced:
                cluster.start_worker()
        return fetch(future, partition)

    monkeypatch.setattr(driver, "answer_of", fetch_too_late)
    monkeypatch.setattr(driver, "FETCH", 1.0)
    config = config_of(corpus, url, cluster.address, worker_timeout=60 if replaced else 1)
    if replaced:
        assert_same(run(config), reference)
    else:
        with pytest.raises(ExecutorError, match="no worker for 1 s"):
            run(config)
