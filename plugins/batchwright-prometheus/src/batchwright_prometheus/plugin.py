"""The plugin: what the entry point names."""

from __future__ import annotations

from collections.abc import Iterable

import batchwright

from batchwright_prometheus.reporter import PrometheusReporter


@batchwright.hookimpl
def register_reporters() -> Iterable[type[PrometheusReporter]]:
    """Offer the reporter `prometheus`."""
    return [PrometheusReporter]
