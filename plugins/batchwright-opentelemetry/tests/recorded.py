"""Providers of the SDK that keep what is recorded in memory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, Metric, NumberDataPoint
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from batchwright_opentelemetry import OpenTelemetryOptions, OpenTelemetryReporter


class Recorded:
    """A reporter's providers, and what they took."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.reader = InMemoryMetricReader()
        self.tracer_provider = TracerProvider()
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.meter_provider = MeterProvider([self.reader])

    def reporter(self, **options: Any) -> OpenTelemetryReporter:
        return OpenTelemetryReporter(
            OpenTelemetryOptions(**options),
            tracer_provider=self.tracer_provider,
            meter_provider=self.meter_provider,
        )

    def spans(self, name: str = "") -> list[ReadableSpan]:
        return [span for span in self.exporter.get_finished_spans() if name in span.name]

    @property
    def run(self) -> ReadableSpan:
        [span] = self.spans("batchwright.run")
        return span

    def metrics(self) -> dict[str, Metric]:
        data = self.reader.get_metrics_data()
        if data is None:
            return {}
        scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics]
        return {metric.name: metric for scope in scopes for metric in scope.metrics}

    def values(self, name: str) -> dict[str, float]:
        """What a metric says, by the value of its last attribute; the sum of a histogram."""
        metric = self.metrics().get(f"batchwright.{name}")
        found: dict[str, float] = {}
        for point in metric.data.data_points if metric else ():
            *_, key = (point.attributes or {"": ""}).values()
            found[str(key)] = point.value if isinstance(point, NumberDataPoint) else point.sum
        return found

    def text(self) -> str:
        """All spans, and what the metrics say; not when they were read."""
        spans = [json.loads(span.to_json()) for span in self.exporter.get_finished_spans()]
        points = [
            (name, dict(point.attributes or {}), getattr(point, "value", None) or getattr(point, "sum", None))
            for name, metric in self.metrics().items()
            for point in metric.data.data_points
        ]
        return json.dumps([spans, points], ensure_ascii=False)


def attributes(span: ReadableSpan) -> Mapping[str, Any]:
    return span.attributes or {}
