"""The pages about the inside of the house are true: files, layers and tables are those of the code."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import batchwright
from batchwright.sinkkit.sql_ledger.tables import LAYOUT, TABLES
from tests.support.pages import DOCS, ROOT

PACKAGE = Path(batchwright.__file__).parent
LINE = DOCS / "explanation" / "the-line.md"
_NAMED = re.compile(r"`((?:[\w-]+/)*[\w-]+(?:\.py|/))`|`((?:tests|src|docs|plugins)/[^`\s*]+)`")


@pytest.mark.parametrize("page", [LINE, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_every_file_and_room_that_a_page_names_exists(page: Path) -> None:
    named = {inside or top for inside, top in _NAMED.findall(page.read_text("utf-8"))}
    assert len(named) > 5, "the pattern finds nothing"
    places = [PACKAGE, PACKAGE / "engine", PACKAGE / "sinkkit", ROOT]
    assert [name for name in sorted(named) if not any((place / name).exists() for place in places)] == []


@pytest.mark.parametrize("way", ["From a file to a commit", "From an error to its verdict"])
def test_a_way_through_the_house_has_ten_steps_that_name_what_is_there(way: str) -> None:
    """Each step names files, and names that are defined, or imported from one another, in these."""
    text = LINE.read_text("utf-8").partition(f"### {way}\n")[2].partition("\n### ")[0].partition("\n[")[0]
    steps = re.findall(r"^\d+\. (.*(?:\n   .*)*)", text, re.M)
    assert len(steps) == 10
    for step in steps:
        files = [PACKAGE / name for name in re.findall(r"`([\w/]+\.py)`", step)]
        code = "\n".join(path.read_text("utf-8") for path in files)
        names = set(re.findall(r"`([A-Za-z_]\w*(?:\.\w+)?)`", step)) - {"plan", "sqlstates"}
        assert files, step
        assert names, step
        for name in names:
            owner, _, method = name.rpartition(".")
            known = rf"^(?:class|def) {owner or method}\b|^ *from .* import .*\b{owner or method}\b"
            assert re.search(known, code, re.M), name
            assert not owner or re.search(rf"^    def {method}\b", code, re.M), name


def test_the_page_of_the_line_lists_every_room_and_module() -> None:
    named = set(re.findall(r"`(\w+(?:\.py|/))`", LINE.read_text("utf-8")))
    there = {f"{path.name}/" for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    there |= {path.name for path in PACKAGE.glob("*.py") if not path.name.startswith("__")}
    assert sorted(there - named) == []


def test_the_page_of_the_line_shows_the_layers_that_the_imports_keep() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    [contract] = tomllib.loads(text)["tool"]["importlinter"]["contracts"]
    assert "\n".join(contract["layers"]) in LINE.read_text("utf-8")


def test_every_table_of_the_ledger_is_documented_with_its_columns_keys_and_indexes() -> None:
    text = (DOCS / "reference" / "tables.md").read_text("utf-8")
    assert f"layout {LAYOUT}" in text
    for suffix, table in TABLES.items():
        section = text.partition(f"### `knowledge_base_{suffix}`\n")[2].partition("\n### ")[0]
        found = re.findall(r"^\| `(\w+)` \| (\w+)(, or null)? \| (.+) \|$", section, re.M)
        shown = [(name, kind, bool(null)) for name, kind, null, _ in found]
        assert shown == [(name, kind, name in table.nullable) for name, kind in table.columns], suffix
        said = {name: what for name, _, _, what in found}
        if len(table.key) == 1:
            assert [name for name, what in said.items() if "primary key" in what] == list(table.key)
        else:
            assert f"Primary key: `({', '.join(table.key)})`" in section
        assert [name for name, what in said.items() if "unique" in what] == list(table.unique)
        for columns in table.indexes.values():
            assert f"`({', '.join(columns)})`" in section, (suffix, columns)
