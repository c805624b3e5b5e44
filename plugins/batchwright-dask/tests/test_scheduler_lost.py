"""The scheduler or the workers are out of reach, gone, or not fit: clear errors, in time."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from batchwright import BatchwrightError, ExecutorError
from batchwright.contracts.events import RunFinished
from distributed import Client
from distributed.comm import CommClosedError

from batchwright_dask.driver import Driver
from batchwright_dask.lost import outcome, scheduler_needed
from tests.cluster import Cluster
from tests.loading import Listener, Outcome, assert_same, config_of, run
from tests.support.postgres import free_port


def with_options(scheduler: str, **options: object) -> dict[str, Any]:
    return {"executor": "dask", "executors": {"dask": {"scheduler": scheduler, **options}}}


def test_a_scheduler_out_of_reach_is_named(corpus: Path, url: str) -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(ExecutorError, match=rf"{address} can't be reached.*dask scheduler"):
        run(config_of(corpus, url, **with_options(address, connect_timeout=1)))


def test_a_scheduler_that_dies_ends_the_run_and_another_goes_on(
    tmp_path: Path, cluster: Cluster, corpus: Path, url: str, reference: Outcome
) -> None:
    with Cluster(tmp_path / "cluster") as doomed:
        doomed.complete(1)
        listener = Listener(at=3, act=doomed.scheduler.kill)
        began = time.monotonic()
        with pytest.raises(ExecutorError, match=rf"{doomed.address} was lost.*run again"):
            run(config_of(corpus, url, **with_options(doomed.address, connect_timeout=2)), listener)
        assert time.monotonic() - began < 60
    [finished] = listener.of(RunFinished)
    assert finished.state == "failed"
    assert finished.account.documents.total == reference.account.documents.total
    again = run(config_of(corpus, url, cluster.address))
    assert again.contents.differences(reference.contents) == []
    assert not again.contents.pending


@pytest.mark.parametrize(
    "error",
    [OSError("gone"), TimeoutError("late"), RuntimeError("Cannot change state of expiring Timeout")],
    ids=lambda error: type(error).__name__,
)
def test_whatever_ends_a_call_to_the_scheduler_is_its_loss(error: Exception) -> None:
    client = SimpleNamespace(scheduler=SimpleNamespace(address="tcp://127.0.0.1:1"))
    with (
        pytest.raises(ExecutorError, match=r"127\.0\.0\.1:1 was lost .*run again"),
        scheduler_needed(client),
    ):
        raise error


@pytest.mark.parametrize(
    ("error", "raised"),
    [(CommClosedError("Stream is closed"), ExecutorError), (TimeoutError(), TimeoutError)],
)
def test_a_result_that_does_not_come_is_the_loss_of_its_worker_or_of_the_scheduler(
    error: Exception, raised: type[Exception]
) -> None:
    def fail(timeout: float) -> None:
        raise error

    client = SimpleNamespace(scheduler=SimpleNamespace(address="tcp://127.0.0.1:1"))
    future: Any = SimpleNamespace(client=client, exception=lambda timeout: None, result=fail)
    with pytest.raises(raised):
        outcome(future, 1.0)


def test_a_cluster_without_workers_is_given_up(tmp_path: Path, corpus: Path, url: str) -> None:
    with Cluster(tmp_path / "cluster") as empty:
        empty.wait()
        with pytest.raises(ExecutorError, match=r"no worker for 1 s \(executors.dask.worker_timeout\)"):
            run(config_of(corpus, url, **with_options(empty.address, worker_timeout=1)))


@pytest.mark.slow
def test_a_cluster_whose_workers_are_all_gone_is_given_up(
    cluster: Cluster, corpus: Path, url: str, reference: Outcome
) -> None:
    def kill_all() -> None:
        for worker in list(cluster.workers):
            worker.kill()

    with pytest.raises(ExecutorError, match="no worker for 1 s"):
        run(
            config_of(corpus, url, **with_options(cluster.address, worker_timeout=1)),
            Listener(at=3, act=kill_all),
        )
    cluster.complete()
    again = run(config_of(corpus, url, cluster.address))
    assert again.contents.differences(reference.contents) == []
    assert not again.contents.pending


def test_a_worker_of_another_version_is_refused(
    cluster: Cluster, corpus: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Driver.__init__

    def older(self: Driver, client: Client, execution: object, job: object, options: object) -> None:
        made(self, client, execution, replace(job, version="0.0.1"), options)  # type: ignore[arg-type, type-var]

    monkeypatch.setattr(Driver, "__init__", older)
    with pytest.raises(ExecutorError, match=r"no worker .*the driver 0\.0\.1; install the same on both"):
        run(config_of(corpus, url, cluster.address))


def test_a_worker_without_the_documents_is_refused(
    cluster: Cluster, corpus: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, gone = Driver.__init__, tmp_path / "gone"

    def elsewhere(self: Driver, client: Client, execution: object, job: object, options: object) -> None:
        gone.mkdir()
        config = job.config.model_copy(update={"source": str(gone)})  # type: ignore[attr-defined]
        gone.rmdir()
        made(self, client, execution, replace(job, config=config), options)  # type: ignore[arg-type, type-var]

    monkeypatch.setattr(Driver, "__init__", elsewhere)
    with pytest.raises(ExecutorError, match=f"no worker .* it has no access to {re.escape(str(gone))}"):
        run(config_of(corpus, url, cluster.address))


def test_a_wrong_worker_gets_nothing_and_the_others_load_all(
    tmp_path: Path, corpus: Path, url: str, reference: Outcome, caplog: pytest.LogCaptureFixture
) -> None:
    shadow = tmp_path / "shadow"
    shadow.mkdir()
    folder = f"pathlib.Path({str(corpus)!r})"
    # to this worker, all documents are missing: a folder where nothing is mounted
    (shadow / "sitecustomize.py").write_text(EMPTY.format(folder=folder))
    with Cluster(tmp_path / "cluster") as mixed:
        mixed.start_worker({"PYTHONPATH": str(shadow)})
        mixed.start_worker()
        mixed.wait()
        outcome = run(config_of(corpus, url, mixed.address))
    assert_same(outcome, reference)
    [warning] = [record.getMessage() for record in caplog.records if "gets nothing" in record.getMessage()]
    assert "none of the documents" in warning


EMPTY = """
import os
import pathlib

real = os.open


def missing(path, *arguments, **more):
    if {folder} in pathlib.Path(os.fsdecode(path)).parents:
        raise FileNotFoundError(2, "No such file or directory", path)
    return real(path, *arguments, **more)


os.open = missing
"""


@pytest.mark.parametrize("missing", ["batchwright", "batchwright_dask"])
def test_a_worker_without_batchwright_is_told_of(
    cluster: Cluster, tmp_path: Path, fresh: Callable[[], str], corpus: Path, missing: str
) -> None:
    package = tmp_path / "shadow" / missing
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(f"raise ModuleNotFoundError('No module named {missing}')\n")
    for worker in list(cluster.workers):
        worker.kill()
    cluster.workers.clear()
    bare = cluster.start_worker({"PYTHONPATH": str(package.parent)})
    try:
        cluster.wait()
        with pytest.raises(BatchwrightError, match=f"No module named {missing}.*install"):
            run(config_of(corpus, fresh(), cluster.address))
        assert bare.process.poll() is None, "a task took its worker down"
    finally:
        bare.kill()


def test_the_scheduler_itself_needs_no_batchwright(
    tmp_path: Path, corpus: Path, url: str, reference: Outcome
) -> None:
    shadow = tmp_path / "shadow"
    for name in ("batchwright", "batchwright_dask"):
        (shadow / name).mkdir(parents=True)
        (shadow / name / "__init__.py").write_text("raise ModuleNotFoundError(__name__)\n")
    with Cluster(tmp_path / "cluster", {"PYTHONPATH": str(shadow)}) as bare:
        bare.start_worker({"PYTHONPATH": ""})
        bare.wait()
        assert_same(run(config_of(corpus, url, bare.address)), reference)
