"""Reading in this process or in others gives the same, and loads only what it needs."""

from __future__ import annotations

import logging
import subprocess
import sys
from itertools import islice
from pathlib import Path

import psutil
import pytest

from batchwright.config import BatchConfig
from batchwright.documents import discover
from batchwright.engine.reading.prepare import Pair, Prepared
from batchwright.engine.reading.preparing import prepare_all

TEXT = "---\ntitle: {0}\n---\n# Heading {0}\n\nSome words.\n\n## Below\n\nMore of them.\n"

LOADED = """
import sys
from pathlib import Path
from batchwright import BatchConfig, BatchProcessor

BatchProcessor(BatchConfig(input_dir=Path("in"), to="sqlite:///out.db", readers=int(sys.argv[1]))).run()
print(*sorted({"concurrent.futures.process", "toktok", "yaml"} & sys.modules.keys()))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of 600 documents, one of which can't be read."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(600):
        (folder / f"{number:03}.md").write_text(TEXT.format(number), encoding="utf-8")
    (folder / "300.md").write_bytes(b"\xff")
    return folder


def prepared(folder: Path, readers: int) -> list[Prepared | None]:
    pairs = (Pair(found, None) for found in discover(folder))
    return [result for _, result in prepare_all(pairs, BatchConfig(input_dir=folder), readers)]


def test_two_processes_make_the_same_of_documents_as_one(folder: Path) -> None:
    alone = prepared(folder, 1)
    assert [result.reason for result in alone if result and result.reason] == [
        "byte 0 (0xff, line 1) isn't UTF-8; convert the file, for example with: "
        "iconv -f WINDOWS-1252 -t UTF-8, or exclude it"
    ]
    assert prepared(folder, 2) == alone


def test_reading_goes_on_here_when_the_processes_die(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "batchwright.engine.reading.processes.WINDOW_DOCUMENTS", 20
    )  # most are not handed out at the kill
    pairs = (Pair(found, None) for found in discover(folder))
    results = prepare_all(pairs, BatchConfig(input_dir=folder), 2)
    with caplog.at_level(logging.WARNING, "batchwright"):
        first = [result for _, result in islice(results, 1)]
        for child in psutil.Process().children():
            if "spawn_main" in " ".join(child.cmdline()):
                child.kill()
        rest = [result for _, result in results]
    assert [record.message for record in caplog.records] == [
        "a reading process died; going on in one process"
    ]
    assert first + rest == prepared(folder, 1)


@pytest.mark.parametrize(("readers", "first"), [("1", "toktok yaml"), ("2", "concurrent.futures.process")])
def test_a_run_that_finds_nothing_new_loads_neither_vocabulary_nor_yaml(
    tmp_path: Path, folder: Path, readers: str, first: str
) -> None:
    def loaded(readers: str) -> str:
        command = [sys.executable, "-c", LOADED, readers]
        return subprocess.run(
            command, cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout.strip()

    (folder / "300.md").write_text("corrected", encoding="utf-8")
    assert loaded(readers) == first
    assert loaded("1") == ""
