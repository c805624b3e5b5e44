"""What an author gets: a package that needs pytest, says so, and is needed by nothing else."""

from __future__ import annotations

import ast
import subprocess
import sys
import textwrap
from pathlib import Path

import batchwright
import batchwright.testing
from batchwright.testing import SinkContract

SOURCE = Path(batchwright.__file__).parent


def test_without_pytest_it_says_what_to_install() -> None:
    script = "import sys; sys.modules['pytest'] = None\nimport batchwright.testing"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith("install it: pip install 'batchwright[testing]'")


def test_nothing_else_imports_pytest_or_the_kit() -> None:
    for path in SOURCE.rglob("*.py"):
        if "testing" in path.relative_to(SOURCE).parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [n for n in names if n.startswith(("pytest", "_pytest", "batchwright.testing"))], path


def test_the_public_names_are_these() -> None:
    assert batchwright.testing.__all__ == [
        "SECRET",
        "Block",
        "Case",
        "ClassifierContract",
        "Damage",
        "EmbedderContract",
        "EmbeddingsProcess",
        "EmbeddingsServer",
        "Fault",
        "Faults",
        "MakeSink",
        "ReaderContract",
        "ReporterContract",
        "RowReaderContract",
        "RunContract",
        "ScriptedTarget",
        "ServerFault",
        "ServerSettings",
        "Sever",
        "SinkContract",
        "SizerContract",
        "SourceContract",
        "Stored",
        "VectorsContract",
        "every_event",
        "fail_bad",
        "fail_times",
        "make_corpus",
        "ordinary_run",
    ]


def test_the_example_in_the_docstring_runs() -> None:
    example = (batchwright.testing.__doc__ or "").partition("::\n")[2].partition("\n\n`")[0]
    names: dict[str, object] = {"__name__": "example"}
    exec(compile(textwrap.dedent(example), "the docstring", "exec"), names)
    made = names["TestMySink"]
    assert isinstance(made, type)
    assert issubclass(made, SinkContract)
