"""OpenTelemetry traces and metrics of batchwright runs."""

from batchwright_opentelemetry.options import OpenTelemetryOptions
from batchwright_opentelemetry.reporter import OpenTelemetryReporter

__all__ = ["OpenTelemetryOptions", "OpenTelemetryReporter"]
