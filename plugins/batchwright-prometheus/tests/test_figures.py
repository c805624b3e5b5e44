"""Promise 4: the metrics of a run are the figures of its account."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from batchwright import Account, Batch, ProcessedChunk, RecordCounts, RunResult
from batchwright.contracts import events
from batchwright.contracts.figures import FIGURES
from batchwright.testing import ScriptedTarget, fail_bad, fail_times, make_corpus
from prometheus_client import CollectorRegistry

from batchwright_prometheus import PrometheusReporter
from batchwright_prometheus.metrics import MOST_VALUES


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    for sample in (sample for family in registry.collect() for sample in family.samples):
        if (
            sample.name == f"batchwright_{name}"
            and sample.labels.items() - {("collection", "docs")} == labels.items()
        ):
            return sample.value
    return None


def total(registry: CollectorRegistry, name: str) -> float:
    samples = (sample for family in registry.collect() for sample in family.samples)
    return sum(sample.value for sample in samples if sample.name == f"batchwright_{name}")


def check(registry: CollectorRegistry, result: RunResult) -> None:
    """Compare every figure of the account with the counters and with the gauges of the last run."""
    account = result.account.as_dict()
    for state, number in account["records"].items():
        assert value(registry, "records_total", state=state) == number, state
        assert value(registry, "run_records", state=state) == number, state
        assert value(registry, "last_run_records", state=state) == number, state
    for state, number in account["documents"].items():
        assert value(registry, "documents_total", state=state) == number, state
        assert value(registry, "run_documents", state=state) == number, state
        assert value(registry, "last_run_documents", state=state) == number, state
    for kind, figure in (("stored", "batches"), ("failed", "batches_failed")):
        assert value(registry, "batches_total", result=kind) == account[figure], kind
        assert value(registry, "run_batches", result=kind) == account[figure], kind
        assert value(registry, "last_run_batches", result=kind) == account[figure], kind
    for name in ("retries_total", "run_retries", "last_run_retries", "faults_total"):
        assert total(registry, name) == account["retries"], name
    assert value(registry, "removed_documents_total") == account["removed"]
    assert value(registry, "unfetched_documents_total") == account["unfetched"]
    assert value(registry, "read_bytes_total") == account["bytes_read"]
    assert value(registry, "batch_records_sum") == account["records"]["written"]
    assert value(registry, "last_run_duration_seconds") == account["seconds"]
    assert value(registry, "last_run_success") == (result.exit_code == 0)
    assert value(registry, "last_run_exit_code") == result.exit_code
    assert value(registry, "running") == 0


def refuse(batch: Batch[ProcessedChunk]) -> None:
    if any("bad" in (chunk.context_header or "") for chunk in batch.documents):
        raise ConnectionError("not now")


@pytest.mark.parametrize(
    ("fault", "settings", "state"),
    [
        pytest.param(lambda batch: None, {}, "done", id="all goes well"),
        pytest.param(fail_bad, {}, "done", id="bad records are set aside"),
        pytest.param(fail_bad, {"max_rejects": 2}, "failed", id="more rejects than allowed"),
        pytest.param(fail_times(3, ConnectionResetError), {}, "done", id="transient faults"),
        pytest.param(fail_times(2, ConnectionResetError, fail_bad), {}, "done", id="both"),
        pytest.param(fail_times(1, RuntimeError), {}, "failed", id="a failure that ends the run"),
        pytest.param(refuse, {"max_outage": 0.5}, "failed", id="batches that are given up"),
    ],
)
@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("batch_size", [1, 7, 500])
def test_the_metrics_equal_the_account(
    fault: Any, settings: dict[str, Any], state: str, workers: int, batch_size: int, tmp_path: Path
) -> None:
    reporter = PrometheusReporter()
    folder = make_corpus(tmp_path / "docs")
    (folder / "bytes.md").write_bytes(b"# A \xff byte\n")
    target = ScriptedTarget(fault)
    result = target.run(folder, reporter, workers=workers, batch_size=batch_size, **settings)
    if "transient" in str(result.reason):
        pytest.fail(result.reason)
    check(reporter.registry, result)
    assert value(reporter.registry, "records_total", state="written") == len(target.rows)


def test_a_second_run_by_another_reporter_counts_what_is_unchanged_changed_and_gone(tmp_path: Path) -> None:
    folder = make_corpus(tmp_path / "docs")
    target = ScriptedTarget(fail_bad)
    target.run(folder, PrometheusReporter(), batch_size=5)
    (folder / "001.md").write_text("# New\n\nWith a NUL: \x00.\n", "utf-8")
    (folder / "002.md").unlink()
    reporter = PrometheusReporter()
    result = target.run(folder, reporter, batch_size=5, prune=True)
    account = result.account
    assert account.records.rejected > 0
    assert account.records.unchanged > 0
    assert (account.documents.changed, account.documents.deleted, account.removed) == (1, 1, 1)
    check(reporter.registry, result)


def test_over_two_runs_of_one_reporter_counters_add_up_and_gauges_start_anew(tmp_path: Path) -> None:
    reporter = PrometheusReporter()
    target = ScriptedTarget()
    first = target.run(make_corpus(tmp_path / "a"), reporter, batch_size=5)
    second = target.run(make_corpus(tmp_path / "b", documents=3), reporter, batch_size=5)
    written = first.account.records.written + second.account.records.written
    assert value(reporter.registry, "records_total", state="written") == written
    assert (
        value(reporter.registry, "last_run_records", state="written", collection="b")
        == second.account.records.written
    )
    assert total(reporter.registry, "run_info") == 1
    runs = [
        s.labels["run_id"] for f in reporter.registry.collect() for s in f.samples if "run_info" in s.name
    ]
    assert runs == [second.run_id]


def test_no_counter_ever_goes_down_while_threads_scrape(tmp_path: Path) -> None:
    reporter = PrometheusReporter()
    ended = threading.Event()
    falls: list[str] = []

    def scrape() -> None:
        before: dict[tuple[Any, ...], float] = {}
        while not ended.is_set():
            for family in reporter.registry.collect():
                for sample in family.samples:
                    if sample.name.endswith("_total"):
                        key = (sample.name, *sample.labels.items())
                        if sample.value < before.get(key, 0):
                            falls.append(str(key))
                        before[key] = sample.value

    thread = threading.Thread(target=scrape)
    thread.start()
    try:
        ScriptedTarget(fail_bad).run(make_corpus(tmp_path / "docs", 40), reporter, batch_size=3, workers=4)
    finally:
        ended.set()
        thread.join()
    assert falls == []


def test_a_scrape_shows_one_moment(tmp_path: Path) -> None:
    reporter = PrometheusReporter()
    ended = threading.Event()
    differing: list[float] = []

    def scrape() -> None:
        while not ended.is_set():
            values = {
                sample.name: sample.value
                for family in reporter.registry.collect()
                for sample in family.samples
                if sample.labels.get("state", "written") == "written"
            }
            if values["batchwright_run_records"] != values["batchwright_batch_records_sum"]:
                differing.append(values["batchwright_batch_records_sum"])

    thread = threading.Thread(target=scrape)
    thread.start()
    try:
        ScriptedTarget().run(make_corpus(tmp_path / "docs", 40), reporter, batch_size=3, workers=4)
    finally:
        ended.set()
        thread.join()
    assert differing == []


def test_labels_have_few_values_whatever_the_plugins_say() -> None:
    reporter = PrometheusReporter()
    reporter.handle(events.RunStarted("r", "docs", "scripted://kb", "docs"))
    for number in range(500):
        reporter.handle(events.RecordRejected("a.md", number, f"Error{number}", "", "x"))
        reporter.handle(events.BatchRetrying(0, 1, 0.0, "", "x", f"{number:05}"))
        reporter.handle(events.BatchRetrying(None, 1, 0.0, "", "x", f"state {number}"))
        reporter.handle(events.BatchRetrying(None, 1, 0.0, "", "x", None, f"app.Error{number}"))
    samples = [sample for family in reporter.registry.collect() for sample in family.samples]
    for name, number in (("rejects_total", 500), ("faults_total", 1_500)):
        found = [sample for sample in samples if sample.name == f"batchwright_{name}"]
        assert len(found) <= MOST_VALUES + 3
        assert sum(sample.value for sample in found) == number
    reporter.close()


def test_a_sink_that_is_down_shows_and_its_time_is_counted_even_if_the_run_ends_first() -> None:
    reporter = PrometheusReporter()
    reporter.handle(events.RunStarted("r", "docs", "scripted://kb", "docs"))
    reporter.handle(events.OutageStarted("refused"))
    assert value(reporter.registry, "outage") == 1
    reporter.handle(events.OutageEnded(3.5))
    assert (value(reporter.registry, "outage"), value(reporter.registry, "outage_seconds_total")) == (0, 3.5)
    reporter.handle(events.OutageStarted("refused"))
    reporter.handle(events.RunFinished("r", "failed", Account(), "down for too long"))
    assert value(reporter.registry, "outage") == 0
    assert (value(reporter.registry, "outage_seconds_total") or 0) > 3.5


def test_progress_goes_from_0_to_1_by_bytes() -> None:
    reporter = PrometheusReporter()
    reporter.handle(events.RunStarted("r", "docs", "scripted://kb", "docs"))
    reporter.handle(events.InputCounted(2, 400))
    assert value(reporter.registry, "progress_ratio") == 0
    reporter.handle(events.DocumentsRead(2, 6, 400))  # which is not yet done with
    reporter.handle(events.DocumentsFinished("added", 1, 3, size=100))
    reporter.handle(events.DocumentsFinished("deleted", 1, 3, size=300))
    assert value(reporter.registry, "progress_ratio") == 0.25
    reporter.handle(events.DocumentsFinished("failed", 1, size=50))
    assert value(reporter.registry, "progress_ratio") == 0.375
    account = Account(RecordCounts(written=6), bytes_read=400)
    reporter.handle(events.RunFinished("r", "done", account))
    assert value(reporter.registry, "progress_ratio") == 1
    assert (value(reporter.registry, "input_documents"), value(reporter.registry, "input_bytes")) == (2, 400)


def test_what_an_earlier_attempt_wrote_is_no_write_of_this_one() -> None:
    reporter = PrometheusReporter()
    reporter.handle(events.RunStarted("r", "docs", "scripted://kb", "docs"))
    reporter.handle(events.BatchWritten(None, 7, 70))
    assert value(reporter.registry, "run_records", state="written") == 7
    assert value(reporter.registry, "batch_records_count") == 0
    assert value(reporter.registry, "batch_write_seconds_count") == 0


def test_there_is_nothing_of_a_last_run_before_one_ended() -> None:
    reporter = PrometheusReporter()
    reporter.handle(events.RunStarted("r", "docs", "scripted://kb", "docs"))
    names = {sample.name for family in reporter.registry.collect() for sample in family.samples}
    assert not [name for name in names if "last_run" in name]


def test_a_run_that_ends_without_an_account_is_no_success() -> None:
    reporter = PrometheusReporter()
    reporter.handle(events.RunStarted("r", "docs", "scripted://kb", "docs"))
    reporter.close()
    assert (value(reporter.registry, "running"), value(reporter.registry, "last_run_success")) == (0, 0)


def test_an_event_of_a_kind_that_is_not_known_yet_passes() -> None:
    class Unheard(events.Event):
        pass

    PrometheusReporter().handle(Unheard())


def test_the_password_of_the_target_is_in_no_metric(tmp_path: Path) -> None:
    reporter = PrometheusReporter()
    ScriptedTarget().run(make_corpus(tmp_path / "docs"), reporter)
    text = str([sample for family in reporter.registry.collect() for sample in family.samples])
    assert "db.example" in text
    assert "hunter2" not in text


def test_while_a_run_goes_on_gauges_tell_how_far_it_is_and_counters_wait_for_the_account() -> None:
    reporter = PrometheusReporter()
    reporter.handle(events.RunStarted("r", "docs", "scripted://kb", "docs"))
    for event in (
        events.BatchWritten(0, 7, 70, 0.1),
        events.BatchFinished(0, "stored", 0.1),
        events.BatchWritten(0, 7, 70, 0.1),  # by a worker that does it again
        events.BatchFinished(0, "stored", 0.1),
        events.DocumentsFinished("unchanged", 1, 5, rejected=1, size=30),
        events.BatchFailed(1, 4, "no", "x"),
        events.BatchFinished(1, "failed", 0.1),
    ):
        reporter.handle(event)
    assert value(reporter.registry, "run_records", state="written") == 14
    assert value(reporter.registry, "run_batches", result="stored") == 2
    assert value(reporter.registry, "run_batches", result="failed") == 1
    assert value(reporter.registry, "run_records", state="unchanged") == 4
    assert total(reporter.registry, "records_total") == 0
    assert total(reporter.registry, "batches_total") == 0
    records = RecordCounts(written=7, unchanged=4, rejected=1, failed=4)
    reporter.handle(events.RunFinished("r", "failed", Account(records, batches=1, batches_failed=1)))
    for name in ("run_records", "records_total", "last_run_records"):
        found = {state: value(reporter.registry, name, state=state) for state in FIGURES["records"]}
        assert found == {"written": 7, "unchanged": 4, "rejected": 1, "failed": 4, "not_attempted": 0}
    assert value(reporter.registry, "batches_total", result="stored") == 1
    reporter.handle(events.RunStarted("r2", "docs", "scripted://kb", "docs"))
    assert total(reporter.registry, "run_records") == total(reporter.registry, "run_batches") == 0
    assert value(reporter.registry, "records_total", state="written") == 7
    reporter.close()


def test_a_fault_is_named_by_its_sqlstate_or_else_its_class() -> None:
    reporter = PrometheusReporter()
    reporter.handle(events.BatchRetrying(0, 1, 0.0, "reset", "x", "40P01", "psycopg.OperationalError"))
    reporter.handle(events.BatchRetrying(None, 1, 0.0, "reset", "x", None, "ConnectionResetError"))
    assert value(reporter.registry, "faults_total", call="write", error="40P01") == 1
    assert value(reporter.registry, "faults_total", call="connection", error="ConnectionResetError") == 1
