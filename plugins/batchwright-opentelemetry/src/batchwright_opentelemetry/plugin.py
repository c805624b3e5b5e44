"""The plugin: what the entry point names."""

from __future__ import annotations

from collections.abc import Iterable

import batchwright

from batchwright_opentelemetry.reporter import OpenTelemetryReporter


@batchwright.hookimpl
def register_reporters() -> Iterable[type[OpenTelemetryReporter]]:
    """Offer the reporter `opentelemetry`."""
    return [OpenTelemetryReporter]
