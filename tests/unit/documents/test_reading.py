"""Reading in this process or in others gives the same, and loads only what it needs."""

from __future__ import annotations

import errno
import logging
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import count, islice
from pathlib import Path
from typing import Any

import psutil
import pytest

from batchwright.config import BatchConfig
from batchwright.documents import Chunker, MarkdownReader, discover
from batchwright.engine.reading.pairs import Pair
from batchwright.engine.reading.prepare import Prepared
from batchwright.engine.reading.preparing import prepare_all
from tests.support.deadly import deadly_site
from tests.support.reading import fetcher_of

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
    return [
        result
        for _, result in prepare_all(
            pairs, fetcher_of(BatchConfig(input_dir=folder, readers=readers)), "in", 1
        )
    ]


def test_two_processes_make_the_same_of_documents_as_one(folder: Path) -> None:
    alone = prepared(folder, 1)
    assert [result.reason for result in alone if result and result.reason] == [
        "byte 0 (0xff, line 1) isn't UTF-8; convert the file, for example with: "
        "iconv -f WINDOWS-1252 -t UTF-8, or exclude it"
    ]
    assert prepared(folder, 2) == alone


def test_all_documents_are_read_when_a_process_is_killed(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "batchwright.engine.reading.processes.WINDOW_DOCUMENTS", 20
    )  # most are not handed out at the kill
    pairs = (Pair(found, None) for found in discover(folder))
    fetcher = fetcher_of(BatchConfig(input_dir=folder, readers=2))
    results = prepare_all(pairs, fetcher, "in", 1)
    with caplog.at_level(logging.WARNING, "batchwright"):
        first = [result for _, result in islice(results, 1)]
        for child in psutil.Process().children():
            if "spawn_main" in " ".join(child.cmdline()):
                child.kill()
        rest = [result for _, result in results]
    assert {record.message for record in caplog.records} == {
        "a reading process died; its documents are read one at a time"
    }
    assert first + rest == prepared(folder, 1)


def test_a_document_that_kills_its_process_costs_that_document(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fault is in a file that Python runs when a process starts; this process has started already."""
    monkeypatch.setenv("PYTHONPATH", str(deadly_site(tmp_path)))
    for name in ("100.md", "101.md", "599.md"):
        (folder / name).write_text("deadly")
    found = {result.key: result.reason for result in prepared(folder, 2) if result}
    assert len(found) == 600
    died = [
        name for name, reason in found.items() if reason.startswith("the process that read it died of it")
    ]
    assert died == ["100.md", "101.md", "599.md"]
    assert sum(bool(reason) for reason in found.values()) == 4


def test_where_no_process_can_be_started_reading_goes_on_here(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text("import os; os._exit(3)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    with caplog.at_level(logging.WARNING, "batchwright"):
        found = prepared(folder, 2)
    assert found == prepared(folder, 1)
    assert caplog.records[-1].message == "no reading process can be started; going on in one process"


@pytest.mark.parametrize(("failing", "at"), [("__init__", 0), ("submit", 0), ("submit", 2)])
@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EMFILE, "Too many open files"),
        BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"),
        RuntimeError("can't start new thread"),
        NotImplementedError("This Python build lacks multiprocessing.synchronize"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_where_no_more_may_be_had_for_processes_reading_goes_on_here(
    folder: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    failing: str,
    at: int,
    error: Exception,
) -> None:
    """Limits of open files, processes and threads, and systems without semaphores (no /dev/shm)."""
    real, calls = getattr(ProcessPoolExecutor, failing), count()

    def refused(*arguments: Any, **named: Any) -> Any:
        if next(calls) >= at:
            raise error
        return real(*arguments, **named)

    alone = prepared(folder, 1)
    monkeypatch.setattr("batchwright.engine.reading.processes.WINDOW_DOCUMENTS", 200)
    monkeypatch.setattr(ProcessPoolExecutor, failing, refused)
    with caplog.at_level(logging.WARNING, "batchwright"):
        assert prepared(folder, 2) == alone
    assert [record.message for record in caplog.records] == [
        f"no reading process can be started ({error}); going on in one process"
    ]


@pytest.mark.parametrize("error", [KeyError("x"), RecursionError(), RuntimeError("two\nlines"), OSError()])
@pytest.mark.parametrize("where", ["reader.MarkdownReader.parse", "chunker.Chunker.chunk"])
def test_whatever_reading_a_document_raises_costs_that_document(
    folder: Path, monkeypatch: pytest.MonkeyPatch, where: str, error: Exception
) -> None:
    name = where.rpartition(".")[2]
    real = getattr(Chunker if name == "chunk" else MarkdownReader, name)

    def work(self: object, what: Any, rest: Any) -> object:
        if "123.md" in (rest, getattr(what, "source_file", "")):
            raise error
        return real(self, what, rest)

    monkeypatch.setattr(f"batchwright.documents.{where}", work)
    found = {result.key: result.reason for result in prepared(folder, 1) if result and result.reason}
    assert list(found) == ["123.md", "300.md"]
    assert type(error).__name__ in found["123.md"]
    assert "\n" not in found["123.md"]


def test_a_lack_of_memory_is_no_fault_of_a_document(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def work(*_: Any) -> object:
        raise MemoryError

    monkeypatch.setattr("batchwright.documents.Chunker.chunk", work)
    with pytest.raises(MemoryError):
        prepared(folder, 1)


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
