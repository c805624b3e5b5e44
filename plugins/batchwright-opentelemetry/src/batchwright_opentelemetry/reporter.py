"""The reporter: events in, spans and metrics out."""

from __future__ import annotations

import logging
import os
from importlib.metadata import version
from typing import TYPE_CHECKING

from batchwright import Reporter
from batchwright.contracts.events import BatchStarted, Event, RunFinished, RunNotStarted, RunStarted

from batchwright_opentelemetry.options import OpenTelemetryOptions

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    from batchwright_opentelemetry.traces import RunTrace

logger = logging.getLogger("batchwright.opentelemetry")

NAME = "batchwright_opentelemetry"
"""The name of the instrumentation scope."""


class OpenTelemetryReporter(Reporter[OpenTelemetryOptions]):
    """Records a trace and metrics of a run, with the providers that the program or the environment set up.

    Args:
        options: What is recorded.
        tracer_provider: Takes the spans; by default the process's.
        meter_provider: Takes the metrics; by default the process's.
    """

    name = "opentelemetry"
    options_type = OpenTelemetryOptions

    def __init__(
        self,
        options: OpenTelemetryOptions | None = None,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        super().__init__(options or OpenTelemetryOptions())
        # they take a while to import, and every command imports the plugin
        from opentelemetry import metrics, trace

        from batchwright_opentelemetry.metrics import Metrics

        self._tracer_provider = tracer_provider
        self._meter_provider = meter_provider
        number = version("batchwright-opentelemetry")
        self._tracer = trace.get_tracer(NAME, number, tracer_provider)
        self._metrics = Metrics(metrics.get_meter(NAME, number, meter_provider))
        self._trace: RunTrace | None = None
        self._unsent = False
        self._spans = 0

    def handle(self, event: Event) -> None:
        """Take the event in."""
        self._unsent = True
        self._metrics.handle(event)
        if isinstance(event, BatchStarted):
            self._spans += self.options.batch_spans
        if isinstance(event, RunStarted):
            self._start(event)
        elif isinstance(event, RunNotStarted):
            self._not_started(event)
        elif self._trace is not None:
            self._trace.handle(event)
        if isinstance(event, RunFinished):
            self._trace = None

    def close(self) -> None:
        """Send what there is, within the time for that; say what is not sent by then."""
        from batchwright_opentelemetry.flush import flush

        self._abandon()
        if not self._unsent:
            return
        spans, self._spans, self._unsent = self._spans, 0, False
        tracers, meters = self._providers()
        holding = {f"{spans} spans": tracers, "metrics": meters, "log records": _logger_provider()}
        late = flush(holding, self.options.flush_timeout)
        if late:
            logger.warning(
                "not exported within %g s (flush_timeout in [reporter.opentelemetry]), and perhaps lost: %s. "
                "Does the collector answer?",
                self.options.flush_timeout,
                ", ".join(late),
            )

    def _start(self, event: RunStarted) -> None:
        from batchwright_opentelemetry.traces import RunTrace

        self._prepare()
        self._trace = RunTrace(
            self._tracer, event, batch_spans=self.options.batch_spans, messages=self.options.messages
        )

    def _not_started(self, event: RunNotStarted) -> None:
        from batchwright_opentelemetry.traces import record_not_started

        self._prepare()
        record_not_started(self._tracer, event, messages=self.options.messages)

    def _prepare(self) -> None:
        """End what is open, count the span that comes, and warn where nobody records it."""
        self._abandon()
        self._spans += 1
        if not any(map(_records, self._providers())) and not _is_disabled():
            logger.warning(
                "OpenTelemetry is not set up, so nothing is recorded: run `opentelemetry-instrument "
                "batchwright run …` (pip install opentelemetry-distro), or set providers in your program"
            )

    def _providers(self) -> tuple[TracerProvider, MeterProvider]:
        """Return the providers; a program may set them up late."""
        from opentelemetry import metrics, trace

        return (
            self._tracer_provider or trace.get_tracer_provider(),
            self._meter_provider or metrics.get_meter_provider(),
        )

    def _abandon(self) -> None:
        """End what belongs to a run that did not finish."""
        trace, self._trace = self._trace, None
        if trace is not None:
            trace.abandon()
            self._metrics.stop()


def _logger_provider() -> object:
    """Return the process's provider of log records, which the end of the process waits for as well."""
    from opentelemetry import _logs

    return _logs.get_logger_provider()


def _records(provider: object) -> bool:
    """Tell whether it is more than the API's own, which do nothing."""
    return not type(provider).__module__.startswith(("opentelemetry.trace", "opentelemetry.metrics"))


def _is_disabled() -> bool:
    return os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
