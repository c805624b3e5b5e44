"""Promise 4: the metrics of a run, and the attributes of its span, are the figures of its account."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from batchwright import Account, Batch, ProcessedChunk, RecordCounts, RunResult, events
from recorded import Recorded, attributes
from scripted import Store, fail_bad, fail_times, make_corpus, run

from batchwright_opentelemetry.metrics import MOST_VALUES


def check(recorded: Recorded, result: RunResult) -> None:
    account = result.account.as_dict()
    shown = attributes(recorded.run)
    for noun in ("records", "documents"):
        found = recorded.values(noun)
        for kind, number in account[noun].items():
            assert found.pop(kind, 0) == number, (noun, kind)
            assert shown[f"batchwright.{noun}.{kind}"] == number, (noun, kind)
        assert found == {}
    batches = {"stored": account["batches"], "failed": account["batches_failed"]}
    assert recorded.values("batches") == {kind: number for kind, number in batches.items() if number}
    assert {kind: shown[f"batchwright.batches.{kind}"] for kind in batches} == batches
    assert sum(recorded.values("retries").values()) == account["retries"] == shown["batchwright.retries"]
    for name, figure in (
        ("pruned_documents", "pruned"),
        ("cleaned_characters", "cleaned"),
        ("input.read", "bytes_read"),
    ):
        assert sum(recorded.values(name).values()) == account[figure]
    assert sum(recorded.values("batch.write.records").values()) == account["records"]["written"]
    written = [attributes(span)["batchwright.batch.records"] for span in recorded.spans("batchwright.batch")]
    assert sum(written) == account["records"]["written"]
    assert recorded.values("run.duration") == {result.state: account["seconds"]}
    assert recorded.values("active_runs") == {"": 0}


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
        pytest.param(refuse, {}, "failed", id="batches that are given up"),
    ],
)
@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("batch_size", [1, 7, 500])
def test_metrics_and_spans_equal_the_account(
    fault: Any, settings: dict[str, Any], state: str, workers: int, batch_size: int, tmp_path: Path
) -> None:
    recorded = Recorded()
    folder = make_corpus(tmp_path / "docs")
    (folder / "bytes.md").write_bytes(b"# A \xff byte\n")
    store = Store(fault=fault)
    result = run(folder, store, recorded.reporter(), workers=workers, batch_size=batch_size, **settings)
    check(recorded, result)
    assert result.account.records.written == len(store.rows)


def test_a_second_run_counts_what_is_unchanged_changed_and_gone(tmp_path: Path) -> None:
    folder = make_corpus(tmp_path / "docs")
    store = Store(fault=fail_bad)
    run(folder, store, Recorded().reporter(), batch_size=5)
    (folder / "001.md").write_text("# New\n\nWith a NUL: \x00.\n", "utf-8")
    (folder / "002.md").unlink()
    recorded = Recorded()
    result = run(folder, store, recorded.reporter(), batch_size=5, prune=True)
    account = result.account
    assert account.records.rejected > 0
    assert (account.documents.changed, account.documents.deleted, account.pruned) == (1, 1, 1)
    check(recorded, result)


def test_over_two_runs_of_one_reporter_counters_add_up(tmp_path: Path) -> None:
    recorded = Recorded()
    reporter = recorded.reporter()
    first = run(make_corpus(tmp_path / "a"), Store(), reporter, batch_size=5)
    second = run(make_corpus(tmp_path / "b", documents=3), Store(), reporter, batch_size=5)
    written = first.account.records.written + second.account.records.written
    assert recorded.values("records")["written"] == written
    assert len(recorded.spans("batchwright.run")) == 2


def test_attributes_have_few_values_whatever_the_plugins_say() -> None:
    recorded = Recorded()
    reporter = recorded.reporter()
    for number in range(500):
        reporter.handle(events.RecordRejected("a.md", number, f"Error{number}", "", "x"))
        reporter.handle(events.BatchRetrying(0, 1, 0.0, "", "x", f"{number:05}"))
    for name in ("rejects", "retries"):
        found = recorded.values(name)
        assert len(found) == MOST_VALUES + 1
        assert sum(found.values()) == 500


def test_time_of_outages_is_counted_even_if_the_run_ends_first() -> None:
    recorded = Recorded()
    reporter = recorded.reporter()
    reporter.handle(events.RunStarted("r", "docs", "scripted://kb"))
    reporter.handle(events.OutageStarted("refused"))
    assert recorded.values("active_outages") == {"": 1}
    reporter.handle(events.OutageEnded(3.5))
    assert recorded.values("outage.time") == {"": 3.5}
    reporter.handle(events.OutageStarted("refused"))
    reporter.handle(events.RunFinished("r", "failed", Account(), "down for too long"))
    assert recorded.values("active_outages") == {"": 0}
    assert recorded.values("outage.time")[""] > 3.5


def test_while_a_run_goes_on_only_what_is_certain_is_counted() -> None:
    recorded = Recorded()
    reporter = recorded.reporter()
    reporter.handle(events.RunStarted("r", "docs", "scripted://kb"))
    reporter.handle(events.BatchWritten(0, 7, 70, 0.1))
    reporter.handle(events.DocumentFinished("a.md", "unchanged", 5, 30))  # some may be rejects of old
    assert recorded.values("records").get("written", 0) == 7
    assert recorded.values("batches").get("stored", 0) == 0  # another part of it may fail
    reporter.handle(events.BatchWritten(1, 2, 20, 0.1, writer=1))
    reporter.handle(events.BatchWritten(2, 3, 30, 0.1))
    assert recorded.values("records").get("written", 0) == 12
    assert recorded.values("batches").get("stored", 0) == 1
    reporter.handle(events.BatchFailed(2, 4, "no", "x"))
    reporter.handle(events.BatchWritten(3, 1, 10, 0.1))
    assert recorded.values("batches").get("stored", 0) == 1
    assert recorded.values("batches").get("failed", 0) == 1
    records = RecordCounts(written=13, unchanged=4, rejected=1, failed=4)
    reporter.handle(events.RunFinished("r", "failed", Account(records, batches=3, batches_failed=1)))
    assert recorded.values("batches").get("stored", 0) == 3
    assert recorded.values("batches").get("failed", 0) == 1
    assert recorded.values("records").get("unchanged", 0) == 4
