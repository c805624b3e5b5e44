"""Where a run's span belongs."""

from __future__ import annotations

import os

from opentelemetry import context, trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator


def parent() -> context.Context:
    """Return the context of the span that is current; else the one that the environment names.

    ``TRACEPARENT`` and ``TRACESTATE`` pass the trace of a pipeline to the commands that it starts:
    https://opentelemetry.io/docs/specs/otel/context/env-carriers/.
    """
    if trace.get_current_span().get_span_context().is_valid:
        return context.get_current()
    names = ("traceparent", "tracestate")
    carrier = {name: os.environ[name.upper()] for name in names if name.upper() in os.environ}
    return TraceContextTextMapPropagator().extract(carrier, context.get_current())
