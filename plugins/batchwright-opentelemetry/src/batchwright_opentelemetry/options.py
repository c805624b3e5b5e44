"""What the section ``[reporter.opentelemetry]`` may say."""

from __future__ import annotations

from batchwright import ReporterOptions
from pydantic import Field


class OpenTelemetryOptions(ReporterOptions):
    """What is recorded. OpenTelemetry's own settings (``OTEL_…``) say where it goes."""

    batch_spans: bool = True
    """Whether every batch gets a span, or only the run."""

    messages: bool = True
    """Whether spans hold the messages of errors, which may quote data."""

    flush_timeout: float = Field(default=3.0, ge=0, le=600)
    """Seconds that sending what is left may take after the run."""
