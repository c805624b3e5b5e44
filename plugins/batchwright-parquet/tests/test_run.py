"""``batchwright run`` into a folder: run, run again, edit, kill."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from batchwright_parquet import read

pytestmark = pytest.mark.timeout(300)
SUFFIX = "kb"
TARGET = f"parquet:///{SUFFIX}"


def published(folder: Path) -> list[tuple[Any, ...]]:
    rows = read(folder / SUFFIX).sort_by("id").to_pylist()
    return [tuple(row.values()) for row in rows]


# --- the same in batchwright-duckdb --------------------------------------------------------------------


def command(docs: Path) -> list[str]:
    return [
        sys.executable,
        "-m",
        "batchwright",
        "run",
        str(docs),
        "--to",
        TARGET,
        "--batch-size",
        "4",
        "--json",
    ]


def run(docs: Path, folder: Path) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    done = subprocess.run(command(docs), cwd=folder, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    account: dict[str, Any] = json.loads(done.stdout)["account"]
    return account


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    for number in range(30):
        path = tmp_path / "docs" / f"part{number % 3}" / f"{number:02}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        sections = (f"## Section {n}\n\n{f'word{n} ' * 500}\n\n" for n in range(number % 7 + 1))
        path.write_text(f"# Document {number} – größer 🜁\n\n{''.join(sections)}", "utf-8")
    return tmp_path / "docs"


def edit(docs: Path) -> None:
    (docs / "part0" / "00.md").write_text("# Anew\n\nquite different\n", "utf-8")
    (docs / "part1" / "01.md").unlink()
    (docs / "part1" / "new.md").write_text("# New\n\nrather fresh\n", "utf-8")


def test_run_run_again_edit_and_run(docs: Path, tmp_path: Path) -> None:
    first = run(docs, tmp_path / "one")
    assert (first["documents"]["added"], first["records"]["written"]) == (
        30,
        len(published(tmp_path / "one")),
    )
    before = published(tmp_path / "one")
    again = run(docs, tmp_path / "one")
    assert (again["documents"]["unchanged"], again["records"]["written"]) == (30, 0)
    assert published(tmp_path / "one") == before
    edit(docs)
    edited = run(docs, tmp_path / "one")["documents"]
    assert (edited["added"], edited["changed"], edited["unchanged"]) == (1, 1, 28)
    run(docs, tmp_path / "two")
    there = {row for row in published(tmp_path / "one") if row[4] != "part1/01.md"}  # kept without --prune
    assert there == set(published(tmp_path / "two"))


def test_killed_again_and_again_it_ends_as_undisturbed(docs: Path, tmp_path: Path) -> None:
    run(docs, tmp_path / "undisturbed")
    folder = tmp_path / "killed"
    folder.mkdir()
    killed = 0
    for delay in (0.02, 0.1, 0.3, 0.6):
        process = subprocess.Popen(
            command(docs), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while not (folder / SUFFIX).exists() and process.poll() is None:
            time.sleep(0.005)
        time.sleep(delay)
        killed += process.poll() is None
        process.kill()
        process.wait()
    assert killed
    run(docs, folder)
    assert published(folder) == published(tmp_path / "undisturbed")
