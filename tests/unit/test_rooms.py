"""Who may import what: layers, no circles, and what built-ins and first-party plugins may use."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import batchwright
from batchwright.testing.imports import private_imports
from tests.support.pages import ROOT

PACKAGE = Path(batchwright.__file__).parent
SOURCES = sorted(ROOT.glob("plugins/*/src"))
PLUGINS = [file.parent for source in SOURCES for file in sorted(source.glob("*/__init__.py"))]


def test_built_ins_import_public_names_only() -> None:
    assert private_imports([PACKAGE / "builtin"], besides="batchwright.builtin") == []


def test_there_are_first_party_plugins_to_look_at() -> None:
    assert len(SOURCES) >= 5


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.parent.name)
def test_first_party_plugins_import_public_names_only(source: Path) -> None:
    assert private_imports([source], besides="") == []


@pytest.mark.parametrize(
    ("statement", "private"),
    [
        ("from batchwright.engine.run import Line", "batchwright.engine.run"),
        ("import batchwright.operations.plan", "batchwright.operations.plan"),
        ("from batchwright.config import load_config", "batchwright.config"),
        ("from batchwright import engine", "batchwright.engine"),
        ("from batchwright.testing import SinkContract", "batchwright.testing"),
        ("def late():\n    from batchwright.plugins import manager", "batchwright.plugins"),
        ("from batchwright.contracts.sink import _hidden", "batchwright.contracts.sink._hidden"),
        ("from batchwright.sinkkit_of_others import x", "batchwright.sinkkit_of_others"),
    ],
)
def test_a_built_in_that_imports_something_private_is_reported(
    statement: str, private: str, tmp_path: Path
) -> None:
    (tmp_path / "plugin.py").write_text(statement, "utf-8")
    assert private_imports([tmp_path], besides="batchwright.builtin") == [f"plugin.py: {private}"]


@pytest.mark.parametrize(
    "statement",
    [
        "from batchwright import Sink, hookimpl",
        "from batchwright.contracts.hookspecs import API_VERSION",
        "from batchwright.contracts import events",
        "from batchwright.sinkkit.sqlite.database import Database",
        "from batchwright.documents import discover",
        "from batchwright.secrets import mask",
        "from batchwright.builtin.sqlite import holdings",
        "import batchwrights.engine, json",
        "from . import engine",
    ],
)
def test_public_names_are_not_reported(statement: str, tmp_path: Path) -> None:
    (tmp_path / "plugin.py").write_text(statement, "utf-8")
    assert private_imports([tmp_path], besides="batchwright.builtin") == []


@pytest.mark.parametrize(
    ("module", "statement", "importer", "imported"),
    [
        ("contracts/stop.py", "import batchwright.engine.run", "batchwright.contracts", "batchwright.engine"),
        ("engine/tally.py", "import batchwright.builtin.sizing", "batchwright.engine", "batchwright.builtin"),
    ],
)
def test_an_import_upwards_or_sideways_breaks_the_contract_of_layers(
    module: str, statement: str, importer: str, imported: str, tmp_path: Path
) -> None:
    pytest.importorskip("importlinter")
    assert "KEPT" in _lint(tmp_path)
    with (tmp_path / "batchwright" / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{statement}\n")
    report = _lint(tmp_path)
    assert "BROKEN" in report
    assert f"{importer} is not allowed to import {imported}" in report


@pytest.mark.parametrize("package", [PACKAGE, *PLUGINS], ids=lambda package: package.name)
def test_no_modules_import_one_another(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(package.parent)
    assert _circle(package.name) == []


@pytest.mark.parametrize(
    "hidden",
    [
        "from hidden import first",
        "def late():\n    from hidden.first import x",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import hidden.first",
    ],
    ids=["open", "in a function", "for type checkers"],
)
def test_a_circle_is_found_however_it_is_hidden(
    hidden: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "hidden"
    package.mkdir()
    for name, text in {"__init__": "", "first": "import hidden.second", "second": hidden}.items():
        (package / f"{name}.py").write_text(text, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert set(_circle("hidden")) == {"hidden.first", "hidden.second"}


def _circle(package: str) -> list[str]:
    """Return modules that import one another, the first once more at the end; nothing is imported."""
    grimp = pytest.importorskip("grimp")
    graph = grimp.build_graph(package, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def _lint(folder: Path) -> str:
    """Lint a copy of the package in the folder, made on first use, by the contract of this repository."""
    if not (folder / "batchwright").exists():
        shutil.copytree(PACKAGE, folder / "batchwright", ignore=shutil.ignore_patterns("__pycache__"))
    command = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(*sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", command, str(ROOT / "pyproject.toml")],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout + done.stderr
