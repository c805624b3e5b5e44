"""The reporter keeps the contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from batchwright.contracts.figures import FIGURES, Figure
from batchwright.testing import ReporterContract
from recorded import Recorded, attributes

from batchwright_opentelemetry import OpenTelemetryReporter

KINDS = ("records", "documents", "batches", "retries")
NAMES = {
    **{figure: figure for figure in KINDS},
    **{f"run.{figure}": figure for figure in KINDS},
    "removed_documents": "removed",
    "unfetched_documents": "unfetched",
    "input.read": "bytes_read",
    "left_out": "left_out",
}
"""The metrics that show a figure of the account."""


def shown(recorded: Recorded) -> dict[Figure, float]:
    """All figures, which the metrics and the attributes of the run's span must agree on."""
    found: dict[Figure, float] = {}
    spans = recorded.spans("batchwright.run")  # none of a run whose start was not heard
    span = attributes(spans[-1]) if spans else {}
    for name, figure in NAMES.items():
        values = recorded.values(name)
        for kind in FIGURES[figure]:
            value = values.get(kind, 0)  # a counter that never grew is not there
            assert found.setdefault((figure, kind), value) == value, (name, kind)
            told = f"batchwright.{figure}.{kind}" if kind else f"batchwright.{figure}"
            assert span.get(told, value) == value, told
    return found


class TestOpenTelemetryReporter(ReporterContract):
    @pytest.fixture
    def recorded(self) -> list[Recorded]:
        return []

    @pytest.fixture
    def make_reporter(self, recorded: list[Recorded]) -> Callable[[], OpenTelemetryReporter]:
        def make() -> OpenTelemetryReporter:
            recorded.append(Recorded())
            return recorded[-1].reporter()

        return make

    @pytest.fixture
    def output(self, recorded: list[Recorded]) -> Callable[[], str]:
        return lambda: "".join(one.text() for one in recorded)

    @pytest.fixture
    def figures(self, recorded: list[Recorded]) -> Callable[[OpenTelemetryReporter], Mapping[Figure, float]]:
        return lambda reporter: shown(recorded[-1])
