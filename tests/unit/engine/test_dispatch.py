"""Where events go: the account first, then every reporter, none of which can harm the run."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any

import pytest

from batchwright.contracts.account import DocumentState
from batchwright.contracts.events import BatchWritten, Event
from batchwright.contracts.reporter import Reporter, ReporterOptions
from batchwright.engine.dispatch import Dispatcher

FAILED: tuple[DocumentState, ...] = ("failed",)
BOTH: tuple[DocumentState, ...] = ("added", "failed")


class Noting(Reporter[ReporterOptions]):
    name = "noting"

    def __init__(self, each_document: Collection[DocumentState] = ()) -> None:
        super().__init__(ReporterOptions())
        self.each_document = each_document
        self.seen: list[Event] = []

    def handle(self, event: Event) -> None:
        self.seen.append(event)


class Confused(Reporter[ReporterOptions]):
    """Raises when it is asked which documents it wants."""

    name = "confused"

    def __init__(self) -> None:
        super().__init__(ReporterOptions())

    @property
    def each_document(self) -> Any:  # type: ignore[override]  # computed
        raise LookupError("the password is hunter2")

    def handle(self, event: Event) -> None:
        raise AssertionError("it was dropped")


def test_each_document_is_what_any_reporter_asks_for() -> None:
    assert Dispatcher().each_document == frozenset()
    assert Dispatcher([Noting(), Noting(FAILED), Noting(BOTH)]).each_document == {"added", "failed"}


def test_a_reporter_that_raises_when_asked_is_dropped_and_the_others_are_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    other = Noting(FAILED)
    with caplog.at_level(logging.WARNING, "batchwright"):
        dispatcher = Dispatcher([Confused(), other], secrets=["hunter2"])
    event = BatchWritten(0, 1)
    dispatcher.emit(event)
    dispatcher.close()
    assert dispatcher.each_document == {"failed"}
    assert other.seen == [event]
    [message] = caplog.messages
    assert "the reporter 'confused' raised LookupError: the password is ***" in message
