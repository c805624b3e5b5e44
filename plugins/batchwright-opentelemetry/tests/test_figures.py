"""Promise 4: the metrics of a run, and the attributes of its span, are the figures of its account."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from batchwright import Account, Batch, ProcessedChunk, RecordCounts, RunResult
from batchwright.contracts import events
from batchwright.testing import ScriptedTarget, fail_bad, fail_times, make_corpus
from recorded import Recorded, attributes

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
    assert sum(recorded.values("faults").values()) == account["retries"]
    for name in ("records", "documents", "batches", "retries"):
        run = {kind: number for kind, number in recorded.values(f"run.{name}").items() if number}
        assert run == recorded.values(name)
    for name, figure in (
        ("removed_documents", "removed"),
        ("unfetched_documents", "unfetched"),
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
        pytest.param(refuse, {"max_outage": 0.5}, "failed", id="batches that are given up"),
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
    target = ScriptedTarget(fault)
    result = target.run(folder, recorded.reporter(), workers=workers, batch_size=batch_size, **settings)
    check(recorded, result)
    assert result.account.records.written == len(target.rows)


def test_a_second_run_counts_what_is_unchanged_changed_and_gone(tmp_path: Path) -> None:
    folder = make_corpus(tmp_path / "docs")
    target = ScriptedTarget(fail_bad)
    target.run(folder, Recorded().reporter(), batch_size=5)
    (folder / "001.md").write_text("# New\n\nWith a NUL: \x00.\n", "utf-8")
    (folder / "002.md").unlink()
    recorded = Recorded()
    result = target.run(folder, recorded.reporter(), batch_size=5, prune=True)
    account = result.account
    assert account.records.rejected > 0
    assert (account.documents.changed, account.documents.deleted, account.removed) == (1, 1, 1)
    check(recorded, result)


def test_over_two_runs_of_one_reporter_counters_add_up(tmp_path: Path) -> None:
    recorded = Recorded()
    reporter = recorded.reporter()
    first = ScriptedTarget().run(make_corpus(tmp_path / "a"), reporter, batch_size=5)
    second = ScriptedTarget().run(make_corpus(tmp_path / "b", documents=3), reporter, batch_size=5)
    written = first.account.records.written + second.account.records.written
    assert recorded.values("records")["written"] == written
    assert len(recorded.spans("batchwright.run")) == 2


def test_attributes_have_few_values_whatever_the_plugins_say() -> None:
    recorded = Recorded()
    reporter = recorded.reporter()
    for number in range(500):
        reporter.handle(events.RecordRejected("a.md", number, f"Error{number}", "", "x"))
        reporter.handle(events.BatchRetrying(0, 1, 0.0, "", "x", f"{number:05}"))
    for name in ("rejects", "faults"):
        found = recorded.values(name)
        assert len(found) == MOST_VALUES + 1
        assert sum(found.values()) == 500


def test_time_of_outages_is_counted_even_if_the_run_ends_first() -> None:
    recorded = Recorded()
    reporter = recorded.reporter()
    reporter.handle(events.RunStarted("r", "docs", "scripted://kb", "docs"))
    reporter.handle(events.OutageStarted("refused"))
    assert recorded.values("active_outages") == {"": 1}
    reporter.handle(events.OutageEnded(3.5))
    assert recorded.values("outage.time") == {"": 3.5}
    reporter.handle(events.OutageStarted("refused"))
    reporter.handle(events.RunFinished("r", "failed", Account(), "down for too long"))
    assert recorded.values("active_outages") == {"": 0}
    assert recorded.values("outage.time")[""] > 3.5


def test_while_a_run_goes_on_its_own_counters_tell_how_far_it_is_and_the_others_wait() -> None:
    recorded = Recorded()
    reporter = recorded.reporter()
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
    assert recorded.values("run.records") == {"written": 14, "unchanged": 4, "rejected": 1, "failed": 4}
    assert recorded.values("run.batches") == {"stored": 2, "failed": 1}
    assert recorded.values("records") == recorded.values("batches") == {}
    records = RecordCounts(written=7, unchanged=4, rejected=1, failed=4)
    reporter.handle(events.RunFinished("r", "failed", Account(records, batches=1, batches_failed=1)))
    told = {"written": 7, "unchanged": 4, "rejected": 1, "failed": 4}
    assert recorded.values("run.records") == recorded.values("records") == told
    assert recorded.values("run.batches") == recorded.values("batches") == {"stored": 1, "failed": 1}
    reporter.handle(events.RunStarted("r2", "docs", "scripted://kb", "docs"))
    assert set(recorded.values("run.records").values()) == {0}
    assert recorded.values("records") == told
