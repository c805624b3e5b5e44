"""Prometheus metrics of batchwright runs."""

from batchwright_prometheus.dashboard import alerts, dashboard
from batchwright_prometheus.options import PrometheusOptions
from batchwright_prometheus.reporter import PrometheusReporter

__all__ = ["PrometheusOptions", "PrometheusReporter", "alerts", "dashboard"]
