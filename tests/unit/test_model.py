"""Batches, progress and results can't be made with figures that make no sense."""

from __future__ import annotations

from typing import Any

import pytest

from batchwright import Batch, BatchProgress, BatchResult


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: Batch([], -1), r"Batch\.batch_index is -1; it must be at least 0"),
        (lambda: Batch("abc", 0), r"Batch\.documents is of type str; it must be a list"),
        (lambda: Batch(b"abc", 0), "of type bytes"),
        (lambda: Batch(iter([1]), 0), "of type list_iterator"),  # type: ignore[arg-type]
        (lambda: Batch(None, 0), "of type NoneType"),  # type: ignore[arg-type]
        (lambda: BatchProgress(batches_completed=-1), r"BatchProgress\.batches_completed is -1"),
        (lambda: BatchProgress(batches_total=-1), "batches_total is -1"),
        (lambda: BatchProgress(documents_processed=-1), "documents_processed is -1"),
        (lambda: BatchProgress(current_batch_index=-1), "current_batch_index is -1"),
        (lambda: BatchResult(True, retry_count=-1), r"BatchResult\.retry_count is -1"),
        (lambda: BatchResult(True, documents_processed=-1), "documents_processed is -1"),
        (lambda: BatchResult(True, batch_index=-1), "batch_index is -1"),
        (lambda: BatchResult(True, error="refused"), "a success with an error: refused"),
        (lambda: BatchResult(False), "a failure without an error"),
        (lambda: BatchResult(False, error="refused", documents_processed=3), "a failure with 3 documents"),
    ],
)
def test_what_makes_no_sense_is_refused(made: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        made()


def test_the_least_there_can_be_is_accepted() -> None:
    assert list(Batch((), 0).documents) == []
    assert BatchProgress().percent_complete == 0.0
    assert BatchResult(True).documents_processed == 0
    assert BatchResult(False, error="").error == ""  # an exception may have no text


def test_an_estimate_of_the_total_may_be_too_low() -> None:
    assert BatchProgress(batches_completed=5, batches_total=4).percent_complete == 100.0
