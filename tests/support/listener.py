"""A reporter that keeps the events."""

from __future__ import annotations

from typing import TypeVar

from batchwright import Reporter, ReporterOptions
from batchwright.contracts.events import Event

Kind = TypeVar("Kind", bound=Event)


class Listener(Reporter[ReporterOptions]):
    name = "listener"

    def __init__(self) -> None:
        super().__init__(ReporterOptions())
        self.events: list[Event] = []

    def handle(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [event for event in self.events if isinstance(event, kind)]
