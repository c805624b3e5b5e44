"""A registry whose scrapes show one moment."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric


class MomentRegistry(CollectorRegistry):
    """Collects while nothing changes, so that the figures of one scrape belong together.

    Attributes:
        lock: To be held by whoever changes several metrics that belong together.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()

    def collect(self) -> Iterator[Metric]:
        """Return the metrics as they are at one moment."""
        with self.lock:
            return iter(list(super().collect()))
