"""The plugin uses what batchwright offers to everyone, and nothing else."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import batchwright_parquet

OFFERED = {
    "batchwright",
    "batchwright.columns",
    "batchwright.searching",
    "batchwright.targets",
    "batchwright.sink",  # Holding, AnySink
    "batchwright.payload",  # the JSON of a reject's record
    "batchwright.testing",
}
HERE = Path(__file__).parent
SOURCES = [*Path(batchwright_parquet.__file__).parent.glob("*.py"), *HERE.glob("*.py")]


def test_only_public_names_of_batchwright_are_imported() -> None:
    seen = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "batchwright":
                assert node.module in OFFERED, f"{path.name}: {node.module}"
                names = [alias.name for alias in node.names]
                module = importlib.import_module(str(node.module))
                assert not [name for name in names if name.startswith("_")], path.name
                if node.module == "batchwright":
                    assert set(names) <= set(module.__all__), path.name
                seen.update(names)
            elif isinstance(node, ast.Import):
                assert {a.name for a in node.names if a.name.split(".")[0] == "batchwright"} <= OFFERED
    assert "Sink" in seen


def test_the_public_names_are_these() -> None:
    assert batchwright_parquet.__all__ == [
        "ParquetOptions",
        "ParquetSink",
        "compact",
        "files",
        "read",
        "register_sinks",
    ]
