"""Errors, retries, outages and rejects in the trace of a run."""

from __future__ import annotations

from pathlib import Path

import pytest
from batchwright import Account
from batchwright.contracts import events
from batchwright.testing import ScriptedTarget, fail_bad, fail_times, make_corpus
from happened import FINISHED, STARTED, batch, names
from opentelemetry.trace import StatusCode
from recorded import Recorded, attributes

from batchwright_opentelemetry.traces import MOST_OPEN, MOST_REJECTS


def test_retries_and_splits_are_events_of_the_batch(tmp_path: Path) -> None:
    recorded = Recorded()
    fault = fail_times(2, lambda: ConnectionResetError("reset by peer"), fail_bad)
    result = ScriptedTarget(fault).run(make_corpus(tmp_path / "docs"), recorded.reporter(), batch_size=500)
    [batch] = recorded.spans("batchwright.batch")
    assert names(batch)[:2] == ["batchwright.retry", "batchwright.retry"]
    assert set(names(batch)[2:]) == {"batchwright.split"}
    assert attributes(batch)["batchwright.batch.retries"] == 2 == result.account.retries
    assert attributes(batch)["batchwright.batch.writes"] > 1
    first = batch.events[0].attributes or {}
    assert first["batchwright.retry.attempt"] == 1
    assert first["exception.message"] == "reset by peer"
    assert first["batchwright.decided_by"] == "scripted"
    assert batch.status.status_code is StatusCode.UNSET
    assert names(recorded.run).count("batchwright.reject") == result.account.records.rejected == 4
    reject = recorded.run.events[0].attributes or {}
    assert (reject["batchwright.key"], reject["exception.type"]) == ("000.md", "ValueError")


def test_a_batch_that_fails_has_the_status_error_and_so_has_the_run(tmp_path: Path) -> None:
    recorded = Recorded()
    fault = fail_times(1, lambda: RuntimeError("out of paper"))
    result = ScriptedTarget(fault).run(make_corpus(tmp_path / "docs"), recorded.reporter(), batch_size=5)
    assert result.state == "failed"
    [batch] = [span for span in recorded.spans("batchwright.batch") if span.events]
    assert names(batch) == ["exception"]
    assert (batch.events[0].attributes or {})["exception.message"] == "out of paper"
    assert (batch.status.status_code, batch.status.description) == (StatusCode.ERROR, "out of paper")
    assert attributes(batch)["error.type"] == "RuntimeError"
    assert recorded.run.status.status_code is StatusCode.ERROR
    assert recorded.run.status.description == result.reason


@pytest.mark.parametrize(
    ("sqlstate", "kind", "told"),
    [
        ("42P01", "psycopg.errors.UndefinedTable", "42P01"),
        (None, "builtins.RuntimeError", "builtins.RuntimeError"),
        (None, "", "_OTHER"),
    ],
)
def test_the_type_of_an_error_is_its_sqlstate_or_its_class(
    sqlstate: str | None, kind: str, told: str
) -> None:
    recorded = Recorded()
    reporter = recorded.reporter()
    failed = events.BatchFailed(0, 3, "no such table", "x", 0, sqlstate, True, kind)
    for event in (STARTED, batch()[0], failed, events.BatchFinished(0, "failed", 0.1), FINISHED):
        reporter.handle(event)
    [own] = recorded.spans("batchwright.batch")
    assert attributes(own)["error.type"] == told
    assert attributes(own)["batchwright.batch.state"] == "failed"
    assert own.status.status_code is StatusCode.ERROR
    shown = own.events[0].attributes or {}
    assert shown.get("db.response.status_code") == sqlstate
    assert shown.get("exception.type", "") == kind


def test_a_batch_given_up_for_too_many_rejects_is_an_error_without_an_exception(tmp_path: Path) -> None:
    recorded = Recorded()
    folder = make_corpus(tmp_path / "docs")
    result = ScriptedTarget(fail_bad).run(folder, recorded.reporter(), batch_size=500, max_rejects=1)
    [own] = recorded.spans("batchwright.batch")
    assert result.account.batches_failed == 1
    assert (own.status.status_code, attributes(own)["error.type"]) == (StatusCode.ERROR, "_OTHER")


def test_a_run_that_was_stopped_is_no_error() -> None:
    recorded = Recorded()
    reporter = recorded.reporter()
    reporter.handle(STARTED)
    reporter.handle(events.StopRequested("SIGINT"))
    reporter.handle(events.RunFinished("r1", "interrupted", Account(), "SIGINT"))
    assert recorded.run.status.status_code is StatusCode.UNSET
    assert names(recorded.run) == ["batchwright.stop"]
    shown = attributes(recorded.run)
    assert (shown["batchwright.run.state"], shown["batchwright.run.reason"]) == ("interrupted", "SIGINT")


def test_a_run_that_ends_without_an_account_is_an_error() -> None:
    recorded = Recorded()
    reporter = recorded.reporter()
    reporter.handle(STARTED)
    reporter.handle(batch()[0])
    reporter.close()
    assert recorded.run.status.status_code is StatusCode.ERROR
    assert len(recorded.spans("batchwright.batch")) == 1
    assert recorded.values("active_runs") == {"": 0}


def test_outages_and_retries_of_the_connection_are_events_of_the_run() -> None:
    recorded = Recorded()
    reporter = recorded.reporter()
    for event in (
        STARTED,
        events.BatchRetrying(None, 1, 2.0, "refused", "x", "08006"),
        events.ErrorClassified(None, 2, "ledger", "refused", "x.E", "08006", "retry", "x"),
        events.ErrorClassified(None, 3, "ledger", "no such role", "x.E", "28000", "fail", "x"),
        events.ErrorClassified(0, 3, "write", "of a batch", "x.E", "28000", "fail", "x"),
        events.BatchWritten(None, 7, 70),
        events.OutageStarted("refused"),
        events.OutageEnded(3.5),
        FINISHED,
    ):
        reporter.handle(event)
    assert names(recorded.run) == [
        "batchwright.retry",
        "exception",
        "batchwright.outage.started",
        "batchwright.outage.ended",
    ]
    assert (recorded.run.events[3].attributes or {})["batchwright.outage.duration"] == 3.5
    assert recorded.spans("batchwright.batch") == []


def test_a_flood_of_rejects_does_not_wash_away_the_rest() -> None:
    recorded = Recorded()
    reporter = recorded.reporter()
    reporter.handle(STARTED)
    reporter.handle(events.OutageStarted("refused"))
    for number in range(1_000):
        reporter.handle(events.RecordRejected("a.md", number, "ValueError", "no", "x"))
    reporter.handle(FINISHED)
    assert names(recorded.run)[0] == "batchwright.outage.started"
    assert names(recorded.run).count("batchwright.reject") == MOST_REJECTS
    assert recorded.values("rejects") == {"ValueError": 1_000}


def test_batches_of_which_no_end_is_heard_do_not_pile_up() -> None:
    recorded = Recorded()
    reporter = recorded.reporter()
    reporter.handle(STARTED)
    for number in range(MOST_OPEN + 10):
        reporter.handle(batch(number)[0])
    assert len(recorded.spans()) == 10
    reporter.handle(FINISHED)
    assert len(recorded.spans()) == MOST_OPEN + 11


def test_without_spans_of_batches_the_run_tells_of_their_trouble() -> None:
    recorded = Recorded()
    reporter = recorded.reporter(batch_spans=False)
    for event in (
        STARTED,
        batch(7)[0],
        events.BatchRetrying(7, 1, 2.0, "deadlock", "x", "40P01"),
        *batch(7)[1:],
        FINISHED,
    ):
        reporter.handle(event)
    [span] = recorded.spans()
    assert names(span) == ["batchwright.retry"]
    assert (span.events[0].attributes or {})["batchwright.batch.index"] == 7
