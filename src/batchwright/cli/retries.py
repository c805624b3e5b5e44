"""Says on stderr that a command waits, and for what."""

from __future__ import annotations

from batchwright.cli.terminal import Terminal
from batchwright.contracts.events import BatchRetrying, Event, OutageStarted
from batchwright.contracts.reporter import Reporter, ReporterOptions


class RetryNotices(Reporter[ReporterOptions]):
    """Says of each retry when it comes and why, for commands that show no progress."""

    name = "retries"

    def __init__(self, terminal: Terminal) -> None:
        super().__init__(ReporterOptions())
        self._terminal = terminal

    def handle(self, event: Event) -> None:
        """Say so if the command waits."""
        match event:
            case BatchRetrying():
                self._terminal.tell(f"trying again in {event.wait:.1f} s: {event.error or event.error_type}")
            case OutageStarted():
                self._terminal.tell(f"{event.who} seems to be down, waiting for it: {event.error}")
            case _:
                pass
