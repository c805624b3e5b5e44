"""What executors may not do, and what a worker says when it can't load a partition."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from batchwright import (
    BatchConfig,
    BatchProcessor,
    ConfigError,
    Execution,
    Executor,
    ExecutorError,
    ExecutorOptions,
    Job,
    Partition,
    PluginError,
    PluginManager,
    SinkError,
    SinkLimits,
    Stop,
    WorkerUnfit,
    check_worker,
    hookimpl,
    load_partition,
)
from batchwright.builtin.files.source import FilesOptions, FilesSource
from batchwright.contracts.events import BatchWritten, Event, RunFinished
from tests.support import shipping
from tests.support.loads import Watcher
from tests.support.memory import Database
from tests.support.shipped import load, report_to_nobody
from tests.support.shipping import State, ship

pytestmark = pytest.mark.usefixtures("shipping_state")


# --- what is refused --------------------------------------------------------------------------------


def test_an_executor_that_forgets_partitions_fails_the_run(corpus: Path) -> None:
    def script(execution: Execution, job: Job, partition: Partition) -> None:
        if partition.number != 2:
            ship(execution, job, partition)

    State.script = staticmethod(script)
    with pytest.raises(PluginError, match=r"'shipping' ended without a share of the partitions 2: a defect"):
        load(corpus)
    assert [run.state for run in State.database.tables.runs.values()] == ["failed"]


def test_an_executor_that_raises_fails_the_run_with_its_account(corpus: Path) -> None:
    def script(execution: Execution, job: Job, partition: Partition) -> None:
        if partition.number == 2:
            raise ExecutorError("the cluster burns")
        ship(execution, job, partition)

    State.script = staticmethod(script)
    watcher = Watcher()
    with pytest.raises(ExecutorError, match="burns"):
        load(corpus, watcher=watcher)
    finished = watcher.events[-1]
    assert isinstance(finished, RunFinished)
    assert (finished.state, finished.reason) == ("failed", "the cluster burns")
    assert finished.account.documents.not_attempted > 0


def test_a_sink_of_one_writer_is_refused(corpus: Path) -> None:
    State.database.limits = SinkLimits(writers=1)
    with pytest.raises(
        ConfigError, match=r"executor: 'shipping' has several processes write, and the sink takes one"
    ):
        load(corpus)


def test_a_sink_without_a_ledger_of_its_own_is_refused(corpus: Path, tmp_path: Path) -> None:
    State.database.own_ledger = False
    with pytest.raises(ConfigError, match="keeps its ledger in a file beside it"):
        load(corpus, ledger=tmp_path / "ledger.db")


def test_a_plugin_that_was_passed_as_an_object_is_refused(corpus: Path) -> None:
    class Mine:
        name = "mine"

        @hookimpl
        def classify_error(self) -> None:
            return None

    config = BatchConfig(input_dir=corpus, to="memory://x", executor="shipping", reporters=())
    with pytest.raises(ConfigError, match="'mine' was passed as an object"):
        BatchProcessor(config, plugins=[shipping.NAME, Mine()]).run()


def test_at_once_is_what_the_sinks_writers_allow(corpus: Path) -> None:
    seen: list[int] = []

    def script(execution: Execution, job: Job, partition: Partition) -> None:
        seen.append(execution.at_once)
        ship(execution, job, partition)

    State.script = staticmethod(script)
    State.database.limits = SinkLimits(writers=8)
    load(corpus, workers=3)
    assert set(seen) == {2}


def test_an_unknown_executor_is_named_with_the_nearest() -> None:
    manager = PluginManager.load([shipping.NAME])
    with pytest.raises(
        ConfigError,
        match=r"executors\.shiping: no executor has this name \(shiping\); did you mean 'shipping'\?",
    ):
        manager.make("executor", "shiping")
    with pytest.raises(ConfigError, match=r"executors\.local\.speed: no such setting"):
        manager.make("executor", "local", {"local": {"speed": 9}})


# --- the worker's side ------------------------------------------------------------------------------


@pytest.fixture
def job(corpus: Path) -> Job:
    load(corpus)
    return State.jobs[0]


def test_a_worker_with_another_version_says_so(job: Job) -> None:
    with pytest.raises(WorkerUnfit, match=r"it has batchwright .*, the driver 9\.9; install the same"):
        load_partition(replace(job, version="9.9"), State.partitions[0], report=report_to_nobody, stop=Stop())


def test_a_worker_that_does_not_see_the_documents_says_so(job: Job, corpus: Path) -> None:
    shutil.rmtree(corpus)
    with pytest.raises(WorkerUnfit, match="it has no access to"):
        load_partition(job, State.partitions[0], report=report_to_nobody, stop=Stop())


def test_a_worker_in_whose_folder_nothing_is_mounted_says_so(job: Job, corpus: Path) -> None:
    for document in corpus.rglob("*.md"):
        document.unlink()
    for call in (check_worker, load_first):
        with pytest.raises(WorkerUnfit, match=r"none of the documents.*mounted"):
            call(job)


def test_a_worker_with_another_folder_of_the_same_name_says_so(job: Job, corpus: Path) -> None:
    check_worker(job)
    documents = sorted(corpus.rglob("*.md"))
    assert len(documents) >= 4
    documents[0].write_text("changed since the run began\n")
    check_worker(job)
    for document in documents:
        document.write_text(f"another text of {document.name}\n")
    with pytest.raises(
        WorkerUnfit, match=r"holds other documents: of \d+ .* \d+ differ or are missing, such"
    ):
        check_worker(job)
    load_first(job)  # which is what runs do that find the documents changed


def test_a_worker_with_another_version_of_a_plugin_or_without_it_says_so(job: Job) -> None:
    needed = dict(job.needed)
    assert needed
    name = next(iter(needed))
    with pytest.raises(WorkerUnfit, match=rf"of the plugin '{name}' it has version .*, the driver 9\.9"):
        check_worker(replace(job, needed={**needed, name: "9.9"}))
    with pytest.raises(WorkerUnfit, match="it lacks the plugin 'mine'; install the driver's plugins"):
        check_worker(replace(job, needed={**needed, "mine": "1"}))
    with pytest.raises(WorkerUnfit, match=r"no file /not/there/mine.py"):
        load_first(replace(job, plugins=(*job.plugins, "/not/there/mine.py")))


def test_plugins_that_only_the_driver_uses_are_not_asked_of_workers(job: Job) -> None:
    assert not {"progress", "logging", "local"} & job.needed.keys()
    assert "sizing" in job.needed


def test_a_worker_without_access_to_the_target_may_get_it_later(job: Job) -> None:
    def refuse() -> None:
        raise SinkError("no route")

    State.database.on_open = refuse
    with pytest.raises(WorkerUnfit, match=r"no access to the target: .*no route") as caught:
        check_worker(job)
    assert caught.value.may_pass
    State.database.on_open = lambda: None
    check_worker(job)


def load_first(job: Job) -> None:
    load_partition(job, State.partitions[0], report=report_to_nobody, stop=Stop())


def test_a_target_that_the_worker_cannot_open_is_told_without_its_password(job: Job) -> None:
    def refuse() -> None:
        raise RuntimeError("no entry for s3cr3t-c4n4ry")

    State.database.on_open = refuse
    config = job.config.model_copy(update={"to": "memory://me:s3cr3t-c4n4ry@x"})
    with pytest.raises(WorkerUnfit) as caught:
        load_partition(replace(job, config=config), State.partitions[0], report=report_to_nobody, stop=Stop())
    assert "no entry for ***" in str(caught.value)


def test_a_sink_that_the_worker_cannot_make_is_told_without_its_password(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "leaky:///x?password=s3cr3t-c4n4ry"
    monkeypatch.setenv("LEAKED_URL", url)
    monkeypatch.setenv("LEAK", "init")
    leaky = Path(__file__).parents[2] / "support" / "leaky.py"
    config = job.config.model_copy(update={"to": url})
    job = replace(job, config=config, plugins=(str(leaky),))
    with pytest.raises(WorkerUnfit, match="'leaky' raised RuntimeError: can't reach leaky") as caught:
        load_partition(job, State.partitions[0], report=report_to_nobody, stop=Stop())
    assert "s3cr3t" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_job_shows_no_password(job: Job) -> None:
    config = job.config.model_copy(update={"to": "memory://me:s3cr3t-c4n4ry@x"})
    assert "s3cr3t" not in repr(replace(job, config=config))


def test_a_worker_that_is_to_stop_before_it_begins_loads_nothing(job: Job) -> None:
    State.database = Database()
    stop = Stop()
    stop.request("too late")
    share = load_partition(job, State.partitions[0], report=report_to_nobody, stop=stop)
    assert (share.state, share.reason, share.account.records_seen) == ("interrupted", "too late", 0)
    assert not State.database.tables.rows


def test_events_that_are_not_sent_come_with_the_share(job: Job) -> None:
    State.database = Database()
    sent: list[Event] = []
    share = load_partition(job, State.partitions[0], report=sent.extend, stop=Stop(), report_every=60.0)
    assert not sent
    written = [event for event in share.events if isinstance(event, BatchWritten)]
    assert sum(event.records for event in written) == share.account.records.written


class Nameless(Executor[ExecutorOptions]):
    def execute(self, execution: Execution) -> None:
        execution.load_here()


def test_a_worker_closes_every_source_that_it_makes(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[FilesSource] = []
    closed: list[FilesSource] = []
    make = FilesSource.__init__

    def making(source: FilesSource, options: FilesOptions) -> None:
        made.append(source)
        make(source, options)

    def close(source: FilesSource) -> None:
        closed.append(source)

    monkeypatch.setattr(FilesSource, "__init__", making)
    monkeypatch.setattr(FilesSource, "close", close)
    check_worker(job)
    load_first(job)
    with pytest.raises(WorkerUnfit):
        load_first(replace(job, version="9.9"))
    with pytest.raises(WorkerUnfit):
        check_worker(replace(job, needed={"nobody": "1"}))
    assert len(made) >= 4
    assert [*map(id, closed)] == [*map(id, made)]


def test_an_executor_without_a_name_is_refused() -> None:
    class Plugin:
        name = "nameless-plugin"

        @hookimpl
        def register_executors(self) -> list[type[Nameless]]:
            return [Nameless]

    with pytest.raises(PluginError, match="the executor Nameless has no name"):
        PluginManager.load([Plugin()])
