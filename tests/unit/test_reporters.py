"""The logging reporter and the progress reporter, as a program that embeds them sees them."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace

import pytest

from batchwright.builtin.logging import BELOW_DEBUG, JsonFormatter, LoggingReporter
from batchwright.builtin.progress import Progress, ProgressOptions, ProgressReporter
from batchwright.contracts import events
from batchwright.contracts.account import Account, DocumentCounts, RecordCounts
from batchwright.contracts.events import Event

ACCOUNT = Account(
    records=RecordCounts(written=9, rejected=1), documents=DocumentCounts(added=3), seconds=2.0, retries=1
)
OF_A_BATCH = events.ErrorClassified(0, 1, "write", "NUL", "app.Bad", "22021", "skip", "classifier")
NO_BATCH = replace(OF_A_BATCH, batch_index=None, phase="ledger", action="fail")
EVERY_EVENT: list[tuple[Event, int]] = [
    (events.RunStarted("r1", "docs", "sqlite:///kb.db", "docs", resumed=True), logging.INFO),
    (events.RowsRead(2_000, 4096), logging.INFO),
    (events.InputCounted(3, 4096), logging.INFO),
    (events.ItemLeftOut("a.md", "front matter field unreadable", "b (line 2): no"), logging.DEBUG),
    (events.DocumentsRead(3, 15, 4096), BELOW_DEBUG),
    (events.DocumentFinished("a.md", "added", 5, size=2048), logging.INFO),
    (events.DocumentFinished("b.md", "unchanged", 5, size=2048), logging.DEBUG),
    (events.DocumentFinished("c.md", "failed", reason="byte 3 is not UTF-8"), logging.WARNING),
    (events.DocumentFinished("d.md", "not_attempted"), BELOW_DEBUG),
    (events.DocumentsFinished("added", 1, 5, size=2048), BELOW_DEBUG),
    (events.DocumentsRemoved(2), logging.INFO),
    (events.BatchStarted(0, 32, 1.7e9), logging.DEBUG),
    (events.BatchWritten(0, 32, 4096, 0.01, retries=1), logging.INFO),
    (events.BatchWritten(None, 32), logging.DEBUG),
    (events.BatchFinished(0, "stored", 0.02), logging.DEBUG),
    (OF_A_BATCH, logging.DEBUG),
    (replace(OF_A_BATCH, action="retry"), BELOW_DEBUG),
    (NO_BATCH, logging.INFO),
    (replace(NO_BATCH, action="retry"), BELOW_DEBUG),
    (events.BatchRetrying(0, 1, 2.0, "deadlock", "classifier", "40P01"), logging.WARNING),
    (events.BatchSplit(0, 32, "a bad record"), logging.INFO),
    (events.RecordRejected("a.md", 4, "DataError", "NUL\nat 1", "classifier", "22021"), logging.WARNING),
    (events.RecordRejected("c.md", None, "DocumentError", "byte 3 is not UTF-8", "engine"), logging.DEBUG),
    (events.BatchFailed(0, 32, "no such table", "classifier", 0, "42P01", stops=True), logging.ERROR),
    (events.OutageStarted("connection refused"), logging.WARNING),
    (events.OutageEnded(12.0), logging.WARNING),
    (events.OutageEnded(12.0, "the embedder"), logging.WARNING),
    (events.EmbeddingStarted("openai", "small", 1536, "api.openai.com"), logging.INFO),
    (events.TextsQueued(40, 4_000), logging.DEBUG),
    (events.TextsEmbedded(40, 4_000, 0.5, 1), logging.DEBUG),
    (events.RowsEmbedded({"made": 7}), logging.INFO),
    (events.VectorsSwept(7), logging.INFO),
    (events.StopRequested("SIGINT"), logging.WARNING),
    (events.RunNotStarted("docs", "sqlite:///kb.db", "docs", "no such", "x.Error", 2), logging.ERROR),
    (events.RunFinished("r1", "done", ACCOUNT), logging.INFO),
    (events.RunFinished("r1", "failed", ACCOUNT, "no such table"), logging.ERROR),
]


@contextmanager
def logging_at(level: int) -> Iterator[None]:
    logger = logging.getLogger("batchwright.run")
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.setLevel(logging.NOTSET)


@pytest.fixture
def everything() -> Iterator[None]:
    with logging_at(1):
        yield


def test_every_kind_of_event_is_tried_here() -> None:
    kinds = {kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, Event)}
    assert kinds - {Event} == {type(event) for event, _ in EVERY_EVENT}


@pytest.mark.usefixtures("everything")
def test_one_event_is_one_record_of_one_line_with_all_fields(caplog: pytest.LogCaptureFixture) -> None:
    reporter = LoggingReporter()
    for event, level in EVERY_EVENT:
        caplog.clear()
        reporter.handle(event)
        [record] = caplog.records
        assert (record.name, record.levelno) == ("batchwright.run", level), event
        assert "\n" not in record.getMessage()
        values = vars(record)
        assert values["run_id"] == "r1"
        for field in fields(event):
            name = "error_message" if field.name == "message" else field.name
            assert values[name] == getattr(event, field.name)


@pytest.mark.usefixtures("everything")
def test_the_message_is_for_people(caplog: pytest.LogCaptureFixture) -> None:
    reporter = LoggingReporter()
    reporter.handle(events.BatchRetrying(3, 1, 2.0, "deadlock detected", "classifier", "40P01"))
    reporter.handle(events.BatchRetrying(None, 1, 0.5, "refused", "mine"))
    reporter.handle(events.BatchRetrying(None, 1, 2.0, "refused", "mine", phase="embed"))
    reporter.handle(NO_BATCH)
    reporter.handle(events.RecordRejected("a.md", 4, "DataError", "NUL", "mine"))
    reporter.handle(events.BatchStarted(3, 1, 1.7e9, writer=2))
    reporter.handle(events.BatchWritten(3, 1, 10, 0.5, retries=1))
    reporter.handle(events.BatchWritten(None, 7))
    reporter.handle(events.BatchFailed(3, 2, "", "mine", error_type="app.Busy"))
    reporter.handle(events.BatchFinished(3, "failed", 2.0))
    reporter.handle(events.DocumentsRead(2, 9, 4096))
    reporter.handle(events.DocumentsFinished("not_attempted", 2_000, 9))
    reporter.handle(events.DocumentsRemoved(1))
    assert caplog.messages == [
        "batch 3: attempt 1 failed, again in 2 s: deadlock detected (SQLSTATE 40P01, by classifier)",
        "using the target: attempt 1 failed, again in 0.5 s: refused (by mine)",
        "embedding: attempt 1 failed, again in 2 s: refused (by mine)",
        "using the target: attempt 1 failed, classified as fail: Bad: NUL (SQLSTATE 22021, by classifier)",
        "a.md #4: set aside: DataError: NUL (by mine)",
        "batch 3: writer 2, 1 record",
        "batch 3: 1 record written in 0.500 s after 1 retry",
        "7 records stored by an earlier attempt",
        "batch 3: 2 records not stored: Busy (by mine)",
        "batch 3: failed after 2.000 s",
        "2 documents read, 4,096 bytes",
        "2,000 documents not attempted",
        "1 document removed from the target",
    ]
    assert [vars(record)["event"] for record in caplog.records] == [
        "batch_retrying",
        "batch_retrying",
        "batch_retrying",
        "error_classified",
        "record_rejected",
        "batch_started",
        "batch_written",
        "batch_written",
        "batch_failed",
        "batch_finished",
        "documents_read",
        "documents_finished",
        "documents_removed",
    ]


@pytest.mark.parametrize(
    ("level", "named"),
    [
        (logging.WARNING, ["refused", "failed"]),
        (logging.INFO, ["added", "changed", "refused", "deleted", "failed"]),
        (logging.DEBUG, ["added", "changed", "unchanged", "refused", "deleted", "failed"]),
    ],
)
def test_it_asks_for_the_documents_that_it_names(level: int, named: list[str]) -> None:
    with logging_at(level):
        assert [*LoggingReporter().each_document] == named


@pytest.mark.parametrize(
    ("level", "messages"),
    [
        (logging.WARNING, []),
        (logging.INFO, ["new.md: added", "2 documents unchanged", "40 documents not attempted"]),
        (logging.DEBUG, ["new.md: added", "same.md: unchanged", "40 documents not attempted"]),
    ],
)
def test_documents_are_named_or_counted_but_not_both(
    level: int, messages: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    with logging_at(level):
        reporter = LoggingReporter()
        reporter.handle(events.DocumentsRead(3))
        reporter.handle(events.DocumentFinished("new.md", "added"))
        reporter.handle(events.DocumentsFinished("added", 1))
        reporter.handle(events.DocumentFinished("same.md", "unchanged"))
        reporter.handle(events.DocumentsFinished("unchanged", 2))
        reporter.handle(events.DocumentsFinished("not_attempted", 40))
    assert caplog.messages == messages


def test_a_disabled_level_costs_no_formatting(monkeypatch: pytest.MonkeyPatch) -> None:
    def formatted(event: Event) -> str:
        raise AssertionError("formatted in vain")

    monkeypatch.setattr("batchwright.builtin.logging._text", formatted)
    LoggingReporter().handle(events.DocumentFinished("a.md", "unchanged"))


def test_it_configures_no_logging() -> None:
    root, own = logging.getLogger(), logging.getLogger("batchwright.run")
    before = (list(root.handlers), root.level, list(own.handlers), own.level, own.propagate)
    LoggingReporter().handle(events.StopRequested("asked"))
    assert (list(root.handlers), root.level, list(own.handlers), own.level, own.propagate) == before


@pytest.mark.usefixtures("everything")
def test_json_is_one_object_a_line(caplog: pytest.LogCaptureFixture) -> None:
    reporter = LoggingReporter()
    for event, _ in EVERY_EVENT:
        reporter.handle(event)
    lines = [JsonFormatter().format(record) for record in caplog.records]
    assert len(lines) == len(EVERY_EVENT)
    assert not any("\n" in line for line in lines)
    last = json.loads(lines[-1])
    assert (last["event"], last["level"], last["account"]["records"]["written"]) == (
        "run_finished",
        "error",
        9,
    )
    [written] = [line for line in map(json.loads, lines) if line["event"] == "batch_written"][:1]
    assert (written["records"], written["batch_index"]) == (32, 0)


def test_json_keeps_an_exception_on_the_line() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError as error:
        record = logging.getLogger("x").makeRecord(
            "x", logging.ERROR, "f", 1, "it %s", ("broke",), (ValueError, error, error.__traceback__)
        )
    line = JsonFormatter().format(record)
    assert "\n" not in line
    assert json.loads(line)["message"] == "it broke"
    assert "ValueError: two\nlines" in json.loads(line)["exception"]


# --- progress -----------------------------------------------------------------------------------------


def test_figures_add_up() -> None:
    figures = Progress()
    figures.add(events.InputCounted(4, 10_000))
    figures.add(events.BatchWritten(0, 20, 3_000, 0.1))
    figures.add(events.BatchFinished(0, "stored", 0.1))
    figures.add(events.BatchWritten(1, 10, 2_000, 0.1))
    figures.add(events.BatchFinished(1, "stored", 0.1))
    figures.add(events.DocumentsFinished("added", 1, 30, size=5_000))
    figures.add(events.DocumentFinished("b.md", "unchanged", 9, size=1_000))  # counted by the next one
    figures.add(events.DocumentsFinished("unchanged", 1, 9, size=1_000))
    figures.add(events.DocumentsFinished("failed", 1, size=500))
    figures.add(events.DocumentsFinished("deleted", 1))
    figures.add(events.BatchRetrying(1, 1, 1.0, "x", "y"))
    figures.add(events.RecordRejected("a.md", 1, "x", "y", "z"))
    figures.add(events.RecordRejected("c.md", None, "x", "y", "z"))
    assert figures.position().startswith("3/4 documents")
    assert figures.done == 6_500
    rest = figures.rest()
    assert rest.startswith("30 chunks, 2 batches, ")
    assert rest.endswith("1 retry, 1 rejected, 1 document failed")


def test_bytes_done_never_exceed_the_total_though_overlap_repeats_some() -> None:
    figures = Progress()
    figures.add(events.InputCounted(1, 100))
    figures.add(events.BatchWritten(0, 2, 150, 0.1))
    assert figures.done == 100


def test_what_an_earlier_attempt_stored_counts_but_is_no_speed() -> None:
    figures = Progress()
    figures.add(events.InputCounted(1, 100))
    figures.add(events.BatchWritten(None, 2, 60))
    assert figures.done == 60
    assert figures.rest().startswith("2 chunks, 0 batches, 0 chunks/s")


def test_an_outage_is_shown_while_it_lasts() -> None:
    figures = Progress()
    figures.add(events.OutageStarted("refused"))
    assert "waiting for the sink" in figures.rest()
    figures.add(events.OutageEnded(3.0))
    assert "waiting" not in figures.rest()


def feed(reporter: ProgressReporter, batches: int) -> None:
    reporter.handle(events.RunStarted("r1", "docs", "sqlite:///kb.db", "docs"))
    reporter.handle(events.InputCounted(1, 100 * batches))
    for index in range(batches):
        reporter.handle(events.BatchWritten(index, 10, 100, 0.01))
        reporter.handle(events.BatchFinished(index, "stored", 0.01))
    reporter.handle(events.DocumentsFinished("added", 1, 10 * batches, size=100 * batches))
    account = Account(
        RecordCounts(written=10 * batches), DocumentCounts(added=1), batches=batches, seconds=2.0
    )
    reporter.handle(events.RunFinished("r1", "done", account))


def test_without_a_terminal_lines_are_plain_and_few(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = ProgressReporter(ProgressOptions(interval=60.0))
    feed(reporter, 500)
    reporter.close()
    captured = capsys.readouterr()
    assert captured.err == "done after 2.0 s: 1/1 document, 5,000 chunks, 500 batches\n"
    assert captured.out == ""


def test_a_run_that_finds_nothing_to_load_has_no_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = ProgressReporter()
    reporter.handle(events.RunStarted("r1", "docs", "x", "docs"))
    reporter.handle(events.RunFinished("r1", "done", Account()))
    assert capsys.readouterr().err == ""


def test_without_a_terminal_a_line_comes_every_so_often(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter(range(10_000))
    monkeypatch.setattr("batchwright.builtin.progress.time.monotonic", lambda: float(next(now)))
    feed(ProgressReporter(ProgressOptions(interval=50.0)), 100)
    lines = capsys.readouterr().err.splitlines()
    assert 3 <= len(lines) <= 10
    assert "%, 0/1 document, " in lines[0]
    assert "\x1b" not in "".join(lines)


def test_a_run_that_can_not_open_its_target_shows_no_line_of_zeros(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ProgressReporter().handle(events.BatchRetrying(None, 1, 1.0, "refused", "classifier"))
    assert capsys.readouterr().err == ""


def test_close_may_come_at_any_time_and_more_than_once() -> None:
    reporter = ProgressReporter()
    reporter.close()
    reporter.handle(events.RunStarted("r1", "docs", "x", "docs"))
    reporter.close()
    reporter.close()


def test_the_bar_of_a_run_that_did_not_finish_makes_way_for_the_next(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("batchwright.builtin.progress._is_terminal", lambda: True)
    threads = threading.active_count()
    reporter = ProgressReporter()
    for run_id in ("r1", "r2"):
        reporter.handle(events.RunStarted(run_id, "docs", "x", "docs"))
    reporter.close()
    deadline = time.monotonic() + 10
    while threading.active_count() > threads:  # the last drawing of a bar that was stopped
        assert time.monotonic() < deadline, "a bar is still drawn"
        time.sleep(0.01)


def test_the_last_line_shows_the_account_whatever_was_heard_before(
    capsys: pytest.CaptureFixture[str],
) -> None:
    reporter = ProgressReporter()
    reporter.handle(events.RunStarted("r1", "docs", "x", "docs"))
    for _ in range(2):  # work that was done again
        reporter.handle(events.BatchWritten(0, 10, 100, 0.01))
        reporter.handle(events.DocumentsFinished("added", 1, 10, size=100))
    account = Account(RecordCounts(written=10), DocumentCounts(added=1), batches=1, seconds=2.0)
    reporter.handle(events.RunFinished("r1", "done", account))
    assert capsys.readouterr().err == "done after 2.0 s: 1 document, 10 chunks, 1 batch\n"


def test_documents_that_came_meanwhile_are_not_more_than_all() -> None:
    figures = Progress()
    figures.add(events.InputCounted(3, 100))
    figures.add(events.DocumentsFinished("added", 4, 4))
    assert figures.documents_done() == "4 documents"


def test_while_the_sink_is_away_nobody_knows_how_long_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    figures = Progress()
    figures.add(events.InputCounted(4, 100))
    now += 10
    figures.add(events.BatchWritten(0, 5, 25, 1.0))
    assert figures.position().endswith(", 0:30 left")
    figures.add(events.OutageStarted("gone"))
    now += 3_600
    assert figures.position() == "0/4 documents"
    figures.add(events.OutageEnded(3_600))
    assert figures.position().endswith(", 0:30 left")  # the hour was no work


def test_one_cause_is_a_few_warnings_and_a_count(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "batchwright.run")
    reporter = LoggingReporter()
    for number in range(900):
        reporter.handle(events.DocumentFinished(f"{number}.md", "failed", reason="closed today"))
        reporter.handle(events.RecordRejected("a.md", number, "DataError", f"bad {number}", "mine"))
    reporter.handle(events.RunFinished("r", "done", Account(), ""))
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert sum("closed today" in warning for warning in warnings) == 4
    assert "897 more: failed: closed today" in warnings
    assert "878 more: warnings of other kinds" in warnings
    assert len(warnings) < 40
    assert sum("closed today" in record.getMessage() for record in caplog.records) == 901


def test_a_message_holds_nothing_that_a_terminal_obeys(caplog: pytest.LogCaptureFixture) -> None:
    reporter = LoggingReporter()
    reporter.handle(events.DocumentFinished("a\x1b[2J\n.md", "failed", reason="no\u202e"))
    assert caplog.messages == ["a\\x1b[2J .md: failed: no\\u202e"]


def test_rows_that_are_being_read_are_shown_before_the_run_starts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter(range(10_000))
    monkeypatch.setattr("batchwright.builtin.progress.time.monotonic", lambda: float(next(now)))
    reporter = ProgressReporter(ProgressOptions(interval=50.0))
    for thousands in range(200):
        reporter.handle(events.RowsRead(thousands * 1_000, thousands * 1_000_000))
    lines = capsys.readouterr().err.splitlines()
    assert 3 <= len(lines) <= 5
    assert all(line.startswith("reading rows ") and line.endswith(" MB …") for line in lines)
    reporter.handle(events.RunNotStarted("in", "to", "rows", "stopped", "RunInterrupted", 130))
    assert capsys.readouterr().err == ""


def test_on_a_terminal_the_line_of_rows_goes_away_when_the_run_starts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batchwright.builtin.progress._is_terminal", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    reporter = ProgressReporter()
    for rows in (1_000, 1_240_000):
        reporter.handle(events.RowsRead(rows, rows * 100))
    reporter.handle(events.RunStarted("r1", "in.csv", "sqlite:///kb.db", "in"))
    shown = capsys.readouterr().err
    assert "reading rows 1,240,000, 124 MB …" in shown
    assert "\x1b[2K" in shown, "the line is wiped"
    reporter.close()
