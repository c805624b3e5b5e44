"""Where the reporter's telemetry goes, and when."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from batchwright import Account
from batchwright.contracts import events
from batchwright.testing import make_corpus
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from recorded import Recorded

from batchwright_opentelemetry import OpenTelemetryOptions, OpenTelemetryReporter

STARTED = events.RunStarted("r1", "docs", "scripted://kb", "docs")
FINISHED = events.RunFinished("r1", "done", Account())


def test_closing_sends_what_is_left() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=60_000))
    reporter = OpenTelemetryReporter(tracer_provider=provider, meter_provider=Recorded().meter_provider)
    reporter.handle(STARTED)
    reporter.handle(FINISHED)
    assert exporter.get_finished_spans() == ()
    reporter.close()
    reporter.close()
    assert len(exporter.get_finished_spans()) == 1
    with provider.get_tracer("program").start_as_current_span("after"):
        pass
    provider.force_flush()
    assert len(exporter.get_finished_spans()) == 2, "the provider is the program's, and not shut down"
    provider.shutdown()


def test_an_exporter_that_hangs_holds_nobody_up(caplog: pytest.LogCaptureFixture) -> None:
    class Hanging(TracerProvider):
        def force_flush(self, timeout_millis: int = 30_000) -> bool:
            ended.wait(30)
            return True

    ended = threading.Event()
    reporter = OpenTelemetryReporter(
        OpenTelemetryOptions(flush_timeout=0.2),
        tracer_provider=Hanging(),
        meter_provider=Recorded().meter_provider,
    )
    reporter.handle(STARTED)
    reporter.handle(FINISHED)
    began = time.monotonic()
    reporter.close()
    assert time.monotonic() - began < 5
    assert "flush_timeout" in caplog.text
    ended.set()


def test_a_provider_that_raises_costs_a_warning_that_shows_no_secret(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Raising(TracerProvider):
        def force_flush(self, timeout_millis: int = 30_000) -> bool:
            raise RuntimeError("the token hunter2 is wrong")

    reporter = OpenTelemetryReporter(tracer_provider=Raising(), meter_provider=Recorded().meter_provider)
    reporter.handle(STARTED)
    reporter.handle(FINISHED)
    reporter.close()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "RuntimeError" in caplog.text
    assert "hunter2" not in caplog.text


def test_an_exporter_that_fails_costs_the_run_nothing() -> None:
    class Failing(SpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            return SpanExportResult.FAILURE

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Failing()))
    reporter = OpenTelemetryReporter(tracer_provider=provider, meter_provider=Recorded().meter_provider)
    reporter.handle(STARTED)
    reporter.handle(FINISHED)
    reporter.close()
    provider.shutdown()


WITHOUT_PROVIDERS = """
import logging
logging.basicConfig(format="%(levelname)s %(name)s %(message)s")
from batchwright import Account
from batchwright.contracts import events
from batchwright_opentelemetry import OpenTelemetryReporter
reporter = OpenTelemetryReporter()
reporter.handle(events.RunStarted("r1", "docs", "scripted://kb", "docs"))
reporter.handle(events.BatchWritten(0, 3, 30, 0.1))
reporter.handle(events.RunFinished("r1", "done", Account()))
reporter.close()
"""


@pytest.mark.parametrize("disabled", ["", "true"])
def test_without_providers_nothing_happens_and_it_is_said(disabled: str) -> None:
    environment = {**os.environ, "OTEL_SDK_DISABLED": disabled}
    command = [
        sys.executable,
        "-c",
        WITHOUT_PROVIDERS,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, env=environment)
    if disabled:
        assert done.stderr == ""
    else:
        assert done.stderr.count("WARNING batchwright.opentelemetry") == 1
        assert "opentelemetry-instrument" in done.stderr


LATE_PROVIDERS = """
from batchwright import Account
from batchwright.contracts import events
from batchwright_opentelemetry import OpenTelemetryReporter
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
reporter = OpenTelemetryReporter()
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(ConsoleSpanExporter(), schedule_delay_millis=60_000))
trace.set_tracer_provider(provider)
reporter.handle(events.RunStarted("r1", "docs", "scripted://kb", "docs"))
reporter.handle(events.RunFinished("r1", "done", Account()))
print("before")
reporter.close()
print("after")
"""


def test_providers_may_be_set_up_after_the_reporter() -> None:
    command = [sys.executable, "-c", LATE_PROVIDERS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    sent = done.stdout.partition("before")[2].partition("after")[0]
    assert '"name": "batchwright.run"' in sent
    assert done.stderr == ""


DEAD = """
import time
import batchwright
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

class DeadSpans(SpanExporter):
    def export(self, spans):
        time.sleep(40)

class DeadMetrics(MetricExporter):
    def export(self, data, timeout_millis=10_000, **more):
        time.sleep(40)

    def force_flush(self, timeout_millis=10_000):
        return True

    def shutdown(self, timeout_millis=30_000, **more):
        pass

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(DeadSpans()))
trace.set_tracer_provider(provider)
metrics.set_meter_provider(MeterProvider([PeriodicExportingMetricReader(DeadMetrics())]))

@batchwright.hookimpl
def classify_error(failure):
    return None
"""


def test_a_dead_collector_delays_the_end_by_seconds_and_the_summary_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "dead.py").write_text(DEAD)
    make_corpus(tmp_path / "docs", 2)
    (tmp_path / "batchwright.toml").write_text(
        'reporters = ["logging", "opentelemetry"]\nplugins = ["dead.py"]\n'
        "[reporter.opentelemetry]\nflush_timeout = 2.0\n"
    )
    command = [sys.executable, "-m", "batchwright", "run", "docs", "--to", "sqlite:///kb.db"]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("done: ")
    printed = time.monotonic()
    _, said = process.communicate(timeout=50)
    assert process.returncode == 0, said
    assert 1.5 < time.monotonic() - printed < 20, "it waits for flush_timeout and a second more"
    [line] = [line for line in said.splitlines() if "flush_timeout" in line]
    assert re.search(r"not exported within 2 s .* lost: \d+ spans, metrics\. Does the collector answer", line)
