"""A reporter that keeps the events."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar

from batchwright import Reporter, ReporterOptions
from batchwright.contracts.account import DocumentState
from batchwright.contracts.events import Event

Kind = TypeVar("Kind", bound=Event)


class Listener(Reporter[ReporterOptions]):
    name = "listener"

    def __init__(self, each_document: Collection[DocumentState] = ()) -> None:
        super().__init__(ReporterOptions())
        self.each_document = each_document
        self.events: list[Event] = []

    def handle(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [event for event in self.events if isinstance(event, kind)]
