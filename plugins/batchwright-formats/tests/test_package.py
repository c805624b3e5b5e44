"""The plugin uses what batchwright offers to everyone, and its README tells what it has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import batchwright_formats
import pytest
from batchwright_formats import DocxReader, HtmlReader, PdfReader, register_readers

from batchwright import AnyReader
from batchwright.testing.imports import private_imports

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def test_only_public_names_of_batchwright_are_imported() -> None:
    assert private_imports([Path(batchwright_formats.__file__).parent, Path(__file__).parent]) == []


def test_the_readers_are_these() -> None:
    assert register_readers() == [HtmlReader, DocxReader, PdfReader]


@pytest.mark.parametrize("reader", register_readers())
def test_the_readme_tells_endings_and_options_with_their_defaults(reader: type[AnyReader]) -> None:
    assert all(f"`{suffix}`" in README for suffix in reader.suffixes)
    rows = [line for line in README.splitlines() if line.startswith("| `")]
    for name, info in reader.options_type.model_fields.items():
        default = str(info.default).lower() if isinstance(info.default, bool) else str(info.default)
        shown = "nothing" if info.default == () else default
        assert any(row.startswith(f"| `{name}` |") and shown in row for row in rows), name


def test_no_converter_is_imported_before_a_file_is_read() -> None:
    code = (
        "import sys, batchwright_formats as plugin; readers = [one(one.options_type()) for one in "
        "plugin.register_readers()]; print({'mammoth', 'pypdf', 'html_to_markdown'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "set()"
