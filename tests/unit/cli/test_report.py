"""``--report``: it names a reporter of a plugin, and where that writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Command, Engine

PLUGIN = """
from pathlib import Path

import batchwright


class PageOptions(batchwright.ReporterOptions):
    path: Path


class Page(batchwright.Reporter[PageOptions]):
    name = "report"
    options_type = PageOptions

    def handle(self, event):
        with self.options.path.open("a") as file:
            print(type(event).__name__, file=file)


@batchwright.hookimpl
def register_reporters():
    return [Page]
"""


@pytest.fixture
def plugin() -> list[str]:
    Path("page.py").write_text(PLUGIN, "utf-8")
    return ["--plugin", "page.py"]


def test_without_the_plugin_the_command_says_what_to_install(batchwright: Command) -> None:
    outcome = batchwright("run", "docs", "--report", "run.html")
    assert outcome.code == 2
    assert outcome.err == "error: --report: this needs a plugin; pip install batchwright-report\n"
    assert not Path("batchwright.db").exists(), "nothing is begun"


def test_a_reporter_of_ours_that_is_not_installed_is_named_with_what_to_install(
    batchwright: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BATCHWRIGHT_REPORTERS", "prometheus")
    outcome = batchwright("run", "docs")
    assert outcome.code == 2
    assert "no reporter has this name (prometheus); pip install batchwright-prometheus" in outcome.err


def test_the_reporter_is_added_to_those_that_are_used(
    batchwright: Command, plugin: list[str], engine: Engine
) -> None:
    assert batchwright("run", "docs", "--report", "run.html", *plugin).code in (0, 2)
    assert [reporter.name for reporter in engine.reporters] == ["progress", "logging", "report", "summary"]


def test_the_reporter_of_the_settings_gets_the_file_of_the_option(
    batchwright: Command, plugin: list[str]
) -> None:
    Path("batchwright.toml").write_text(
        'reporters = ["report", "logging"]\n[reporter.report]\npath = "other.html"\n', "utf-8"
    )
    assert batchwright("run", "docs", "--report", "run.html", *plugin).code == 0
    assert Path("run.html").read_text("utf-8").split()[-1] == "RunFinished"
    assert not Path("other.html").exists()
    assert batchwright("run", "docs", *plugin).code == 0
    assert Path("other.html").exists()


def test_a_wrong_value_names_the_option(batchwright: Command, plugin: list[str]) -> None:
    Path("page.py").write_text(PLUGIN.replace("path: Path", "path: int"), "utf-8")
    outcome = batchwright("run", "docs", "--report", "run.html", *plugin)
    assert outcome.code == 2
    assert outcome.err.startswith("error: --report: ")


@pytest.mark.parametrize(
    ("given", "place"),
    [(["--report", "run.html"], "--report"), ([], "batchwright.toml: reporter.report.path")],
)
def test_several_sources_need_a_file_each(
    batchwright: Command, plugin: list[str], given: list[str], place: str
) -> None:
    Path("more").mkdir()
    Path("more/more.md").write_text("# More\n", "utf-8")
    if not given:
        Path("batchwright.toml").write_text(
            'reporters = ["report"]\n[reporter.report]\npath = "run.html"\n', "utf-8"
        )
    outcome = batchwright("run", "docs", "more", *given, *plugin)
    assert outcome.code == 2
    assert f"{place}: several sources are several reports; write {{collection}}" in outcome.err
    assert "as in run-{collection}.html" in outcome.err
    assert not Path("batchwright.db").exists()
    Path("batchwright.toml").unlink(missing_ok=True)
    assert batchwright("run", "docs", "more", "--report", "{collection}.html", *plugin).code == 0


def test_a_page_that_would_be_loaded_as_a_document_is_refused(
    batchwright: Command, plugin: list[str]
) -> None:
    outcome = batchwright("run", "docs", "--report", "docs/run.md", *plugin)
    assert outcome.code == 2
    assert "--report: run.md would be loaded as a document of docs; write it elsewhere" in outcome.err
    assert not Path("batchwright.db").exists()
    for arguments in (["docs/run.md", "--exclude", "run.md"], ["docs/run.html"], ["run.md"]):
        assert batchwright("run", "docs", "--report", *arguments, *plugin).code == 0
