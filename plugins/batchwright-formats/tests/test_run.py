"""The command loads a folder of all formats, and says what it left out."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from .printed import printed
from .word import saved, word


def make(folder: Path) -> None:
    """Write one document of each format, one file that is none, and one without a reader."""
    made = word()
    made.add_heading("Word", 1)
    made.add_paragraph("text of word")
    made.sections[0].header.paragraphs[0].text = "Draft"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.md").write_text("# Markdown\n\ntext of markdown\n")
    (folder / "b.HTML").write_text(
        '<title>Page</title><meta name="author" content="Ada"><p>text of html<img src=x>'
    )
    (folder / "sub/c.docx").write_bytes(saved(made))
    (folder / "sub/d.pdf").write_bytes(printed([["text of pdf"], []], [(1, 0, "Chapter")], title="Book"))
    (folder / "broken.pdf").write_bytes(b"not one")
    (folder / "old.doc").write_bytes(b"x")


def batchwright(folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Run the command in a folder; return its exit code and what it says as JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "batchwright", *arguments, "--json"],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("BATCHWRIGHT_")},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return done.returncode, json.loads(done.stdout)


def rows(folder: Path) -> list[tuple[Any, ...]]:
    """Return what is in the table."""
    with closing(sqlite3.connect(folder / "kb.db")) as connection:
        return connection.execute(
            "SELECT source_file, source_category, context_header, chunk_text, metadata ->> 'author' "
            "FROM knowledge_base ORDER BY source_file"
        ).fetchall()


def test_a_folder_of_all_formats_is_loaded_and_what_is_left_out_is_said(tmp_path: Path) -> None:
    make(tmp_path / "docs")
    code, said = batchwright(tmp_path, "run", "docs", "--to", "sqlite:///kb.db")
    assert code == 3
    assert rows(tmp_path) == [
        ("a.md", None, "a.md > Markdown", "# Markdown\n\ntext of markdown\n", None),
        ("b.HTML", None, "b.HTML > Page", "text of html![](x)\n", "Ada"),
        ("sub/c.docx", "sub", "sub/c.docx > Word", "# Word\n\ntext of word\n", "python-docx"),
        (
            "sub/d.pdf",
            "sub",
            "sub/d.pdf > Chapter",
            "# Chapter\n\n###### Page 1\n\ntext of pdf\n\n",
            "anonymous",
        ),
    ]
    assert said["account"]["left_out"] == {
        "no reader: .doc": 1,
        "image": 1,
        "header or footer": 1,
        "page without text": 1,
    }
    named = {(one["key"], one["reason"], one["what"]) for one in said["left_out"]}
    assert ("sub/d.pdf", "page without text", "page 2") in named
    (failed,) = said["failed_documents"]
    assert (failed["key"], failed["reason"]) == ("broken.pdf", "it isn't a PDF file; exclude it")


def test_a_hit_of_a_pdf_file_says_its_page(tmp_path: Path) -> None:
    lines = ["Wort " * 15] * 20
    pages = [[], ["about walruses", *lines], ["about gnus", *lines]]
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/zoo.pdf").write_bytes(printed(pages))
    (tmp_path / "docs/zoo.md").write_text("All about otters.\n")
    run = ("run", "docs", "--to", "sqlite:///kb.db", "--chunk-max-tokens", "128")
    assert batchwright(tmp_path, *run)[0] == 0
    found = batchwright(tmp_path, "search", "about", "--to", "sqlite:///kb.db")[1]["hits"]
    assert sorted((hit["key"], hit["page"]) for hit in found) == [
        ("zoo.md", None),
        ("zoo.pdf", 2),
        ("zoo.pdf", 3),
    ]


def test_again_nothing_is_written_and_another_option_reads_its_files_anew(tmp_path: Path) -> None:
    make(tmp_path / "docs")
    run = ("run", "docs", "--to", "sqlite:///kb.db", "--exclude", "broken.pdf")
    assert batchwright(tmp_path, *run)[0] == 0
    code, said = batchwright(tmp_path, *run)
    assert (code, said["account"]["documents"]["unchanged"]) == (0, 4)
    (tmp_path / "batchwright.toml").write_text('[reader.pdf]\npage_heading = "Seite {number}"\n')
    code, said = batchwright(tmp_path, *run)
    documents = said["account"]["documents"]
    assert (code, documents["changed"], documents["unchanged"]) == (0, 1, 3)
    assert "###### Seite 1" in rows(tmp_path)[-1][3]
