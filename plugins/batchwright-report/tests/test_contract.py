"""The reporter keeps the contract of reporters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from batchwright.contracts.figures import Figure
from batchwright.testing import ReporterContract
from reading import Page

from batchwright_report import HtmlReporter, ReportOptions


class TestHtmlReporter(ReporterContract):
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "run.html"

    @pytest.fixture
    def make_reporter(self, path: Path) -> Callable[[], HtmlReporter]:
        def make() -> HtmlReporter:
            path.unlink(missing_ok=True)
            return HtmlReporter(ReportOptions(path=path))

        return make

    @pytest.fixture
    def output(self, path: Path) -> Callable[[], str]:
        return lambda: path.read_text("utf-8") if path.exists() else ""

    @pytest.fixture
    def figures(self, path: Path) -> Callable[[HtmlReporter], Mapping[Figure, float]]:
        return lambda reporter: figures_in(Page(path.read_text("utf-8")))


OTHERS = {
    "Batches stored": ("batches", "stored"),
    "Batches failed": ("batches", "failed"),
    "Retries": ("retries", ""),
    "Documents removed": ("removed", ""),
    "Documents not fetched": ("unfetched", ""),
    "Bytes read": ("bytes_read", ""),
}


def figures_in(page: Page) -> dict[Figure, float]:
    found: dict[Figure, float] = {}
    for noun in ("documents", "records"):
        counts = page.counts(noun)
        assert counts.pop("in_all") == sum(counts.values())
        found.update({(noun, kind): value for kind, value in counts.items()})
    for name, value in page.table("Other figures"):
        figure = next(figure for said, figure in OTHERS.items() if name.startswith(said))
        found[figure] = int(value.replace(",", ""))
    assert len(found) == 7 + 5 + 6
    return found
