"""The plugin uses what batchwright offers to everyone, and its README tells all of it."""

from __future__ import annotations

from pathlib import Path

import batchwright_tables
import pytest
from batchwright_tables import (
    ArrowReader,
    DbapiQuery,
    DbapiQueryOptions,
    ParquetReader,
    PostgresQuery,
    PostgresQueryOptions,
    TableOptions,
)

from batchwright import PluginManager
from batchwright.contracts.plugin import PluginOptions
from batchwright.testing.imports import private_imports

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def test_only_public_names_of_batchwright_are_imported() -> None:
    assert private_imports([Path(batchwright_tables.__file__).parent, Path(__file__).parent]) == []


def test_the_public_names_are_these() -> None:
    assert batchwright_tables.__all__ == [
        "ArrowReader",
        "DbapiQuery",
        "DbapiQueryOptions",
        "ParquetReader",
        "PostgresQuery",
        "PostgresQueryOptions",
        "TableOptions",
        "register_readers",
        "register_sources",
    ]


def test_they_are_found_by_the_entry_point() -> None:
    manager = PluginManager.load()
    assert (
        manager.offered("source").items()
        >= {"postgres_query": PostgresQuery, "dbapi_query": DbapiQuery}.items()
    )
    assert manager.offered("reader").items() >= {"parquet": ParquetReader, "arrow": ArrowReader}.items()


@pytest.mark.parametrize("options", [PostgresQueryOptions, DbapiQueryOptions, TableOptions])
def test_the_readme_tells_options_and_defaults(options: type[PluginOptions]) -> None:
    rows = [line for line in README.splitlines() if line.startswith("| `")]
    for name, info in options.model_fields.items():
        if name == "url":
            continue
        row = next((row for row in rows if f"`{name}`" in row.split("|")[1]), "")
        assert row, name
        if info.default and not info.is_required():
            assert str(info.default) in row.split("|")[2], name


def test_the_readme_tells_schemes_and_endings() -> None:
    for scheme in (*PostgresQuery.schemes, *DbapiQuery.schemes):
        assert f"{scheme}://" in README
    for suffix in (*ParquetReader.suffixes, *ArrowReader.suffixes):
        assert f"`{suffix}`" in README
