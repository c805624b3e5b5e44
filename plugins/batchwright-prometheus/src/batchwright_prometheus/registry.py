"""Registries: one whose scrapes show one moment, and what the endpoint has of it beside a file."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

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


class Part(CollectorRegistry):
    """Some of the metrics of another registry.

    Args:
        whole: The other registry.
        has: Tells whether a metric is among them.
    """

    def __init__(self, whole: CollectorRegistry, has: Callable[[Metric], bool]) -> None:
        super().__init__()
        self._whole = whole
        self._has = has

    def collect(self) -> Iterator[Metric]:
        """Return these metrics."""
        return filter(self._has, self._whole.collect())


def outlives_runs(metric: Metric) -> bool:
    """Tell whether a metric says something once no run goes on: a count over all, or how runs ended."""
    return metric.type == "counter" or is_by_collection(metric.name)


def is_by_collection(name: str) -> bool:
    """Tell whether a gauge of this name is kept for each collection, whoever loads it."""
    return name.startswith("batchwright_last_") or name == "batchwright_running"
