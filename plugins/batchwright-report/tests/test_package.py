"""The distribution: what it says of itself, and what it uses."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import entry_points, requires
from pathlib import Path

import pytest
from batchwright import PluginManager
from batchwright.testing import make_corpus
from batchwright.testing.imports import private_imports
from reading import Page

import batchwright_report
from batchwright_report import HtmlReporter, ReportOptions

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def test_only_public_names_of_batchwright_are_used() -> None:
    assert private_imports([ROOT / "src", ROOT / "tests"]) == []


def test_the_public_names_are_these() -> None:
    assert batchwright_report.__all__ == ["HtmlReporter", "ReportOptions"]


def test_it_needs_nothing_but_batchwright() -> None:
    needed = [line for line in requires("batchwright-report") or () if "extra ==" not in line]
    assert [re.split(r"[<>=]", line)[0] for line in needed] == ["batchwright"]


def test_the_entry_point_offers_the_reporter(tmp_path: Path) -> None:
    [point] = [point for point in entry_points(group="batchwright") if point.name == "report"]
    assert point.dist is not None
    assert point.dist.name == "batchwright-report"
    section = {"path": str(tmp_path / "run.html")}
    reporter = PluginManager.load().make("reporter", "report", {"report": section})
    assert isinstance(reporter, HtmlReporter)
    assert reporter.options == ReportOptions(path=tmp_path / "run.html")


def test_finding_the_plugin_imports_little_and_writes_nothing(tmp_path: Path) -> None:
    code = (
        "import sys, batchwright_report.plugin as p; from pathlib import Path; "
        "[cls] = p.register_reporters(); "
        "cls(cls.options_type(path=Path('run.html'))); "
        "print([m for m in sys.modules if m.startswith('batchwright_report.')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60, cwd=tmp_path
    )
    names = re.findall(r"batchwright_report\.(\w+)", done.stdout)
    assert sorted(names) == ["options", "place", "plugin", "reporter"]
    assert not list(tmp_path.iterdir())


def test_the_readme_lists_every_option() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", README, re.MULTILINE))
    assert rows == {
        name: "required" if field.is_required() else f"{field.default:g}"
        for name, field in ReportOptions.model_fields.items()
    }


def test_the_code_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_corpus(tmp_path / "docs", 2)
    monkeypatch.chdir(tmp_path)
    for code in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
        exec(compile(code, "README.md", "exec"), {})
    assert Page(Path("run.html").read_text("utf-8")).title == "Done"
    [settings] = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    Path("batchwright.toml").write_text(settings, "utf-8")
    [line] = re.findall(r"^    batchwright (run .*)$", README, re.MULTILINE)
    for arguments in (["run", "docs"], line.split()):
        command = [sys.executable, "-m", "batchwright", *arguments, "--to", "sqlite:///kb.db"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
    assert Page(Path("run-docs.html").read_text("utf-8")).title == "Done"
