"""The plugin uses what batchwright offers to everyone, and nothing else."""

from __future__ import annotations

from pathlib import Path

import batchwright_duckdb
from batchwright_duckdb import DuckdbOptions, DuckdbSink

from batchwright.testing.imports import private_imports
from batchwright.testing.readme import undocumented


def test_only_public_names_of_batchwright_are_imported() -> None:
    assert private_imports([Path(batchwright_duckdb.__file__).parent, Path(__file__).parent]) == []


def test_the_public_names_are_these() -> None:
    assert batchwright_duckdb.__all__ == ["DuckdbOptions", "DuckdbSink", "classify_error", "register_sinks"]


def test_the_readme_tells_options_defaults_and_limits() -> None:
    assert undocumented(DuckdbSink, DuckdbOptions, Path(__file__).parents[1] / "README.md") == []
