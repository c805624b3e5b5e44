"""The events of batches: a start and an end for each, and enough to know what went wrong."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from batchwright import RunResult
from batchwright.contracts.events import (
    BatchFailed,
    BatchFinished,
    BatchRetrying,
    BatchStarted,
    BatchWritten,
    DocumentFinished,
    Event,
    RecordRejected,
)
from batchwright.contracts.figures import Figures, figures_of
from batchwright.testing import Fault, ScriptedTarget, fail_bad, fail_times, make_corpus
from tests.support.listener import Listener


def load(tmp_path: Path, fault: Fault | None = None, **settings: object) -> tuple[Listener, RunResult]:
    listener = Listener(each_document={"added"})
    folder = tmp_path / "docs"
    if not folder.exists():
        make_corpus(folder)
    return listener, ScriptedTarget(fault).run(folder, listener, **settings)


def about(event: Event) -> int | None:
    return getattr(event, "batch_index", None)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(None, id="all goes well"),
        pytest.param(fail_bad, id="rejects"),
        pytest.param(fail_times(3, ConnectionResetError, fail_bad), id="retries and rejects"),
        pytest.param(fail_times(2, RuntimeError), id="a failure"),
    ],
)
@pytest.mark.parametrize("workers", [1, 4])
def test_each_batch_starts_once_before_all_else_and_ends_once_after(
    fault: Fault | None, workers: int, tmp_path: Path
) -> None:
    before = time.time()
    listener, result = load(tmp_path, fault, workers=workers, batch_size=5)
    started, ended = listener.of(BatchStarted), listener.of(BatchFinished)
    indices = [event.batch_index for event in started]
    assert len(set(indices)) == len(indices)
    assert sorted(event.batch_index for event in ended) == sorted(indices)
    states = [event.state for event in ended]
    assert states.count("stored") == result.account.batches
    assert states.count("failed") == result.account.batches_failed
    writers = {event.batch_index: event.writer for event in started}
    for event in ended:
        assert event.writer == writers[event.batch_index]
    for start in started:
        assert before <= start.started <= time.time()
    for index in indices:
        own = [
            event
            for event in listener.events
            if about(event) == index and not isinstance(event, RecordRejected)  # told with a later write
        ]
        assert isinstance(own[0], BatchStarted)
        assert isinstance(own[-1], BatchFinished)
        written = sum(event.seconds for event in own if isinstance(event, BatchWritten))
        assert own[-1].seconds >= written


@pytest.mark.parametrize("size", [1, 5, 17, 1_000])
def test_a_batch_says_of_which_documents_it_is(size: int, tmp_path: Path) -> None:
    listener, _ = load(tmp_path, batch_size=size)
    keys = sorted(path.name for path in (tmp_path / "docs").iterdir())
    seen: list[str] = []
    for batch in listener.of(BatchStarted):
        first, last = keys.index(batch.first_key), keys.index(batch.last_key)
        assert batch.documents == last - first + 1
        assert not seen or first - keys.index(seen[-1]) in (0, 1)
        seen += keys[first : last + 1]
    assert set(seen) == set(keys)


def test_the_figures_counted_are_those_of_the_account_where_nothing_is_repeated(tmp_path: Path) -> None:
    fault = fail_times(3, ConnectionResetError, fail_bad)
    listener, result = load(tmp_path, fault, batch_size=7, workers=3)
    figures = Figures()
    for event in listener.events[:-1]:
        figures.add(event)
    assert figures.values == figures_of(result.account)
    assert figures["records", "rejected"] == 4


def test_the_write_of_what_is_carried_at_the_end_is_no_batch(tmp_path: Path) -> None:
    load(tmp_path)
    (tmp_path / "docs" / "bytes.md").write_bytes(b"\xff")
    listener, result = load(tmp_path)
    assert [event.batch_index for event in listener.of(RecordRejected)] == [None]
    assert [*listener.of(BatchStarted), *listener.of(BatchFinished)] == []
    assert result.account.batches == 0


def test_a_retry_and_a_failure_say_what_and_where(tmp_path: Path) -> None:
    fault = fail_times(2, lambda: ConnectionResetError("reset by peer"))
    listener, _ = load(tmp_path, fault, batch_size=5)
    first, second = listener.of(BatchRetrying)
    assert (first.error, first.error_type, first.writer) == ("reset by peer", "ConnectionResetError", 0)
    assert (first.attempt, second.attempt) == (1, 2)


def test_a_failure_names_the_class_of_its_error_and_its_writer(tmp_path: Path) -> None:
    class OutOfPaper(Exception):
        pass

    listener, _ = load(tmp_path, fail_times(99, OutOfPaper), batch_size=5)
    [failed] = listener.of(BatchFailed)
    assert failed.error_type == f"{__name__}.{OutOfPaper.__qualname__}"
    assert failed.seconds > 0
    [ended] = listener.of(BatchFinished)
    assert (ended.state, ended.writer) == ("failed", failed.writer)


def test_a_reject_names_the_batch_that_it_was_in_and_a_document_its_rejects(tmp_path: Path) -> None:
    listener, result = load(tmp_path, fail_bad, batch_size=1)
    rejects = listener.of(RecordRejected)
    assert len(rejects) == result.account.records.rejected == 4
    written = {event.batch_index for event in listener.of(BatchWritten)}
    started = {event.batch_index for event in listener.of(BatchStarted)}
    for reject in rejects:
        assert reject.batch_index in started - written  # a batch of one, whose record is the reject
    documents = {event.key: event for event in listener.of(DocumentFinished)}
    bad = {reject.key for reject in rejects}
    assert {name: event.rejected for name, event in documents.items()} == {
        name: int(name in bad) for name in documents
    }
