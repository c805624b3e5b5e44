"""What can be named on the command line: archives, compressed files, standard input."""

from __future__ import annotations

import bz2
import gzip
import json
import sqlite3
import subprocess
import sys
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.surroundings import without_settings

NOTEBOOK = {"nbformat": 4, "cells": [{"cell_type": "code", "source": "steep(3)", "outputs": [{}]}]}


def run(folder: Path, *arguments: str, given: bytes | None = None, code: int = 0) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "batchwright", "run", *arguments, "--json"],
        cwd=folder,
        env=without_settings(),
        input=given if given is not None else b"",
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == code, done.stderr.decode()
    return {"stderr": done.stderr.decode(), **(json.loads(done.stdout) if done.stdout else {})}


def texts(folder: Path) -> dict[str, str]:
    with closing(sqlite3.connect(folder / "batchwright.db")) as connection:
        return dict(connection.execute("SELECT source_file, chunk_text FROM knowledge_base"))


def test_compressed_files_and_notebooks_of_a_folder_are_read(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "a.md.gz").write_bytes(gzip.compress(b"# Apple\n"))
    (notes / "B.MD.BZ2").write_bytes(bz2.compress(b"# Banana\n"))
    (notes / "c.md.gz").write_bytes(b"# Cherry\n")
    (notes / "d.ipynb").write_text(json.dumps(NOTEBOOK))
    (notes / "e.txt").write_text("no pattern asks for it")
    (notes / "f.csv.gz").write_bytes(gzip.compress(b"a,b\n"))
    said = run(tmp_path, "notes", code=3)
    assert texts(tmp_path) == {
        "a.md.gz": "# Apple\n",
        "B.MD.BZ2": "# Banana\n",
        "d.ipynb": "```\nsteep(3)\n```\n",
    }
    assert said["account"]["documents"]["failed"] == 1
    left_out = said["account"]["left_out"]
    assert left_out["cell output"] == 1
    assert left_out["outside the patterns: .txt"] == 1

    (notes / "a.md.gz").write_bytes(gzip.compress(b"# Apple\n", compresslevel=1))
    (notes / "c.md.gz").unlink()
    assert run(tmp_path, "notes")["account"]["documents"]["unchanged"] == 3


def test_an_archive_is_loaded_and_what_did_not_change_in_it_is_not_unpacked_again(tmp_path: Path) -> None:
    def pack(**members: str) -> None:
        with zipfile.ZipFile(tmp_path / "notes.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in members.items():
                archive.writestr(zipfile.ZipInfo(f"{name}.md", (2026, 3, 4, 10, 0, 0)), text)

    pack(a="# Apple\n", b="# Banana\n", c="# Cherry\n")
    assert run(tmp_path, "notes.zip")["account"]["documents"]["added"] == 3
    data = (tmp_path / "notes.zip").read_bytes()
    place = data.index(b"b.md") + 4
    damaged = data[:place] + b"\xff" + data[place + 1 :]  # which nobody notices who doesn't unpack it
    (tmp_path / "notes.zip").write_bytes(damaged)
    assert run(tmp_path, "notes.zip")["account"]["documents"]["unchanged"] == 3
    pack(a="# Apple\n", b="# Blackberry\n")
    changed = run(tmp_path, "notes.zip", "--prune")["account"]["documents"]
    assert (changed["unchanged"], changed["changed"], changed["deleted"]) == (1, 1, 1)
    assert texts(tmp_path) == {"a.md": "# Apple\n", "b.md": "# Blackberry\n"}


def test_standard_input_is_loaded_under_the_ending_that_the_pattern_says(tmp_path: Path) -> None:
    run(tmp_path, "-", "--pattern", "*.md", "--collection", "piped", given=b"# Apple\n")
    assert texts(tmp_path) == {"stdin.md": "# Apple\n"}
    run(tmp_path, "-", "--pattern", "*.md.gz", "--collection", "other", given=gzip.compress(b"# Pear\n"))
    assert texts(tmp_path)["stdin.md.gz"] == "# Pear\n"


@pytest.mark.parametrize(
    ("arguments", "given", "code", "said"),
    [
        (["--collection", "x"], b"# Apple", 2, "--pattern '*.csv'"),
        (["--pattern", "*.md"], b"# Apple", 2, "--collection"),
        (["--pattern", "*.md", "--collection", "x"], b"", 1, "standard input is empty"),
    ],
)
def test_standard_input_that_cannot_be_loaded_says_why(
    tmp_path: Path, arguments: list[str], given: bytes, code: int, said: str
) -> None:
    shown = run(tmp_path, "-", *arguments, given=given, code=code)
    assert said in json.dumps(shown)
