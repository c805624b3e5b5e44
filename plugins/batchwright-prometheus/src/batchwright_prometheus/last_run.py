"""How the last run into each collection ended: gauges, which a run that is over leaves behind in the file.

A counter starts at 0 with every process, so that two runs of 100 records look like one to Prometheus if
no scrape came in between. These don't have that weakness.
"""

from __future__ import annotations

import time

from batchwright import Account
from batchwright.contracts import exits
from batchwright.contracts.figures import figures_of
from prometheus_client import CollectorRegistry, Gauge


class LastRun:
    """Gauges of the last attempt at a run. A collection without one has none: 0 would be a lie."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"batchwright_last_run_{name}", text, ("collection", *labels), registry=registry)

        self._figures = {
            "records": gauge("records", "Records of the last run by what became of them.", "state"),
            "documents": gauge("documents", "Documents of the last run by what became of them.", "state"),
            "batches": gauge("batches", "Batches of the last run by how they ended.", "result"),
            "retries": gauge("retries", "Batch writes that the last run repeated."),
        }
        self._duration = gauge("duration_seconds", "How long the last run took; 0 if it did not begin.")
        self._success = gauge("success", "1 if the last run ended with exit code 0, else 0.")
        self._exit_code = gauge("exit_code", "The exit code of the last run.")
        self._timestamp = gauge("timestamp_seconds", "When the last run ended, in Unix time.")

    def set(self, collection: str, exit_code: int, seconds: float, account: Account | None = None) -> None:
        """Note how a run ended; without an account the figures stay as they are."""
        if account is not None:
            for (figure, kind), number in figures_of(account).items():
                if figure in self._figures:
                    self._figures[figure].labels(collection, *filter(None, [kind])).set(number)
        self._duration.labels(collection).set(seconds)
        self._success.labels(collection).set(int(exit_code == exits.DONE))
        self._exit_code.labels(collection).set(exit_code)
        self._timestamp.labels(collection).set(time.time())
