"""The trace of a run."""

from __future__ import annotations

import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest
from batchwright import Account, Batch, ProcessedChunk
from batchwright.contracts import events
from batchwright.testing import ScriptedTarget, fail_times, make_corpus
from happened import FINISHED, STARTED, batch, context, names
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode
from recorded import Recorded, attributes


@pytest.mark.parametrize("workers", [1, 4])
def test_a_span_a_batch_and_each_a_child_of_the_run(workers: int, tmp_path: Path) -> None:
    recorded = Recorded()
    barrier = threading.Barrier(workers)

    def together(batch: Batch[ProcessedChunk]) -> None:
        if batch.documents and batch.batch_index < workers:
            barrier.wait(10)  # all writers write at once
        if batch.documents and batch.batch_index < 2 * workers:
            time.sleep(0.2)  # a span that began too early would be seen

    result = ScriptedTarget(together).run(
        make_corpus(tmp_path / "docs", 40),
        recorded.reporter(),
        workers=workers,
        batch_size=5,
    )
    spans = recorded.spans("batchwright.batch")
    assert len(spans) == result.account.batches
    top = recorded.run
    assert top.parent is None
    assert top.start_time is not None
    assert top.end_time is not None
    for span in spans:
        assert span.parent is not None
        assert span.parent.span_id == context(top).span_id
        assert context(span).trace_id == context(top).trace_id
        assert span.start_time is not None
        assert span.end_time is not None
        assert top.start_time <= span.start_time <= span.end_time <= top.end_time
    indices = [attributes(span)["batchwright.batch.index"] for span in spans]
    assert sorted(indices) == list(range(len(spans)))
    by_writer: dict[int, list[ReadableSpan]] = {}
    for span in sorted(spans, key=lambda span: span.start_time or 0):
        by_writer.setdefault(attributes(span)["batchwright.writer"], []).append(span)
    assert len(by_writer) == workers
    for own in by_writer.values():
        for before, after in pairwise(own):
            assert (after.start_time or 0) > (before.end_time or 0) - 100_000_000  # two clocks


def test_no_span_is_current_after_an_event(tmp_path: Path) -> None:
    recorded = Recorded()
    reporter = recorded.reporter()
    for event in (STARTED, *batch(), FINISHED):
        reporter.handle(event)
        assert not trace.get_current_span().get_span_context().is_valid


def test_a_run_belongs_to_the_span_of_the_program(tmp_path: Path) -> None:
    recorded = Recorded()
    tracer = recorded.tracer_provider.get_tracer("program")
    with tracer.start_as_current_span("job") as job:
        ScriptedTarget().run(make_corpus(tmp_path / "docs", 2), recorded.reporter())
    assert recorded.run.parent is not None
    assert recorded.run.parent.span_id == job.get_span_context().span_id


def test_a_run_belongs_to_the_span_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    recorded = Recorded()
    reporter = recorded.reporter()
    for event in (STARTED, *batch(), FINISHED):
        reporter.handle(event)
    assert recorded.run.parent is not None
    assert recorded.run.parent.span_id == 0xB7AD6B7169203331
    traces = {context(span).trace_id for span in recorded.spans()}
    assert traces == {0x0AF7651916CD43DD8448EB211C80319C}


def test_a_parent_that_makes_no_sense_is_no_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACEPARENT", "what?")
    recorded = Recorded()
    reporter = recorded.reporter()
    reporter.handle(STARTED)
    reporter.handle(FINISHED)
    assert recorded.run.parent is None


def test_the_database_is_described_by_the_conventions() -> None:
    recorded = Recorded()
    reporter = recorded.reporter()
    for event in (STARTED, *batch(writer=2), FINISHED):
        reporter.handle(event)
    [own] = recorded.spans("batchwright.batch")
    for span in (recorded.run, own):
        shown = attributes(span)
        assert shown["db.system.name"] == "postgresql"
        assert shown["db.namespace"] == "kb"
        assert (shown["server.address"], shown["server.port"]) == ("db.example", 5433)
    assert own.kind is SpanKind.CLIENT
    assert attributes(own)["db.operation.batch.size"] == 3
    assert attributes(own)["batchwright.batch.size"] == 30
    assert attributes(own)["batchwright.batch.state"] == "stored"
    assert attributes(own)["batchwright.writer"] == 2


def test_one_record_is_no_batch_by_the_conventions() -> None:
    recorded = Recorded()
    reporter = recorded.reporter()
    for event in (STARTED, *batch(records=1), FINISHED):
        reporter.handle(event)
    [own] = recorded.spans("batchwright.batch")
    assert "db.operation.batch.size" not in attributes(own)


@pytest.mark.parametrize("target", ["parquet:///kb", "postgresql://[::1", "postgresql://h:port/kb", "", "x"])
def test_a_target_that_is_no_known_database_has_no_attributes_of_one(target: str) -> None:
    recorded = Recorded()
    reporter = recorded.reporter()
    reporter.handle(events.RunStarted("r1", "docs", target, "docs"))
    reporter.handle(FINISHED)
    assert not [key for key in attributes(recorded.run) if key.startswith(("db.", "server."))]


def test_the_span_of_a_batch_lasts_from_its_start_to_its_end_however_late_it_is_heard() -> None:
    recorded = Recorded()
    reporter = recorded.reporter()
    reporter.handle(STARTED)
    started = time.time() + 0.05
    threading.Event().wait(0.4)
    for event in batch(started=started, seconds=0.2):  # from another process, say
        reporter.handle(event)
    reporter.handle(FINISHED)
    [own] = recorded.spans("batchwright.batch")
    assert own.start_time == round(started * 1e9)
    assert (own.end_time or 0) - (own.start_time or 0) == 200_000_000


@pytest.mark.parametrize("wrong", [-100.0, 100.0])
def test_no_batch_is_outside_its_run_though_a_clock_is_wrong(wrong: float) -> None:
    recorded = Recorded()
    reporter = recorded.reporter()
    for event in (STARTED, *batch(started=time.time() + wrong, seconds=50), FINISHED):
        reporter.handle(event)
    [own] = recorded.spans("batchwright.batch")
    times = (recorded.run.start_time, own.start_time, own.end_time, recorded.run.end_time)
    assert sorted(times, key=lambda moment: moment or 0) == list(times)


def test_a_batch_that_a_killed_worker_leaves_is_ended_and_done_again_in_a_span_of_its_own() -> None:
    recorded = Recorded()
    reporter = recorded.reporter()
    for event in (STARTED, *batch()[:2], *batch(), *batch(1)[:1], FINISHED):
        reporter.handle(event)
    spans = recorded.spans("batchwright.batch")
    told = [
        (attributes(s)["batchwright.batch.index"], attributes(s).get("batchwright.batch.state"))
        for s in spans
    ]
    assert told == [(0, None), (0, "stored"), (1, None)]
    assert {span.status.status_code for span in spans} == {StatusCode.UNSET}


def test_an_end_or_a_write_of_a_batch_that_never_started_is_no_span() -> None:
    recorded = Recorded()
    reporter = recorded.reporter()
    for event in (STARTED, *batch()[1:], events.BatchFailed(0, 3, "no", "x"), FINISHED):
        reporter.handle(event)
    assert recorded.spans("batchwright.batch") == []
    assert names(recorded.run) == ["exception"]
    assert (recorded.run.events[0].attributes or {})["batchwright.batch.index"] == 0


def test_messages_can_be_left_out() -> None:
    recorded = Recorded()
    reporter = recorded.reporter(messages=False)
    for event in (
        STARTED,
        batch()[0],
        events.BatchRetrying(0, 1, 2.0, "data of mine", "x"),
        events.BatchSplit(0, 3, "data of mine"),
        events.RecordRejected("a.md", 0, "ValueError", "data of mine", "x"),
        events.OutageStarted("data of mine"),
        events.BatchFailed(0, 3, "data of mine", "x"),
        events.RunFinished("r1", "failed", Account(), "data of mine"),
    ):
        reporter.handle(event)
    assert len(recorded.spans()) == 2
    assert "data of mine" not in recorded.text()


def test_no_password_is_in_what_is_exported(tmp_path: Path) -> None:
    for fault in (
        fail_times(3, lambda: ConnectionResetError("postgresql://user:hunter2@db.example/kb: reset")),
        fail_times(1, lambda: RuntimeError("password=hunter2 is wrong")),
        fail_times(1, lambda: ValueError("hunter2 is no date")),
    ):
        recorded = Recorded()
        folder = tmp_path / str(id(recorded))
        folder.mkdir()
        ScriptedTarget(fault).run(make_corpus(folder / "docs"), recorded.reporter(), batch_size=5)
        assert "db.example" in recorded.text()
        assert "***" in recorded.text()
        assert "hunter2" not in recorded.text()


def test_text_that_no_exporter_could_send_is_replaced() -> None:
    recorded = Recorded()
    reporter = recorded.reporter()
    reporter.handle(events.RunStarted("r1", "docs\udcff", "scripted://kb", "docs"))
    reporter.handle(events.RecordRejected("\udcff.md", 0, "E\udcff", "m\udcff" + "x" * 10_000, "x\udcff"))
    reporter.handle(events.BatchFailed(0, 1, "\udcff", "\udcff", 0, "\udcff", True))
    reporter.handle(events.RunFinished("r1", "failed", Account(), "\udcff"))
    recorded.text().encode("utf-8")
    assert attributes(recorded.run)["batchwright.source"] == "docs?"
    assert max(len(line) for line in recorded.text().split('"')) < 5_000


def test_a_run_that_could_not_begin_is_a_span_with_an_error_and_counted() -> None:
    recorded = Recorded()
    reporter = recorded.reporter()
    reporter.handle(
        events.RunNotStarted("docs", "postgresql://db.example/kb", "docs", "refused", "builtins.OSError", 1)
    )
    reporter.close()
    span = recorded.run
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "refused")
    assert attributes(span) == {
        "db.system.name": "postgresql",
        "db.namespace": "kb",
        "server.address": "db.example",
        "batchwright.collection": "docs",
        "batchwright.source": "docs",
        "batchwright.target": "postgresql://db.example/kb",
        "batchwright.run.state": "not_started",
        "batchwright.run.exit_code": 1,
        "error.type": "builtins.OSError",
    }
    assert recorded.values("runs") == {"1": 1}


def test_messages_are_left_out_of_a_run_that_could_not_begin_too() -> None:
    recorded = Recorded()
    reporter = recorded.reporter(messages=False)
    reporter.handle(events.RunNotStarted("docs", "sqlite:///kb.db", "docs", "secret", "builtins.OSError", 1))
    reporter.close()
    assert "secret" not in recorded.text()
