"""The reporter keeps the contract."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from batchwright.testing import ReporterContract
from recorded import Recorded

from batchwright_opentelemetry import OpenTelemetryReporter


class TestOpenTelemetryReporter(ReporterContract):
    @pytest.fixture
    def recorded(self) -> Recorded:
        return Recorded()

    @pytest.fixture
    def make_reporter(self, recorded: Recorded) -> Callable[[], OpenTelemetryReporter]:
        return recorded.reporter

    @pytest.fixture
    def output(self, recorded: Recorded) -> Callable[[], str]:
        return recorded.text
