"""Documents that programs bring chunk by chunk: what is there of them, the target knows, not the process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from batchwright import BatchConfig, BatchProcessor
from tests.support import insert
from tests.support.command import SOURCE
from tests.support.slow_statements import slow_statements
from tests.support.tables import TABLE, published, rows
from tests.support.two_runs import Visible, check_sound, wait_until

KEY = "fruit"


@contextmanager
def _program(url: str, text: str, *chunks: str, **environ: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, insert.__file__, url, text, *chunks],
        env={**os.environ, "PYTHONPATH": str(SOURCE), **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=30)


def _ended(process: subprocess.Popen[str]) -> None:
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err


def _store(url: str, text: str, *chunks: str) -> None:
    with _program(url, text, *chunks) as process:
        _ended(process)


def _store_and_die(url: str, text: str, *chunks: str) -> None:
    with _program(url, text, *chunks, STAY="1") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "stored\n", process.communicate(timeout=30)
        process.kill()
        process.wait(timeout=30)


def _chunks(total: int, *indices: int, key: str = KEY) -> list[str]:
    return [f"{key}:{index}:{total}" for index in indices or range(total)]


def _document(total: int, text: str, key: str = KEY) -> Visible:
    made = [insert.chunk(key, index, total, text) for index in range(total)]
    return {key: [(chunk.chunk_index, chunk.chunk_hash) for chunk in made]}


@pytest.mark.parametrize(
    "target", ["postgres", pytest.param("sqlite", marks=pytest.mark.slow)], indirect=True
)
def test_two_processes_that_store_half_a_document_each_make_it_whole(url: str, tmp_path: Path) -> None:
    _store(url, "a", *_chunks(4, 0, 1))
    assert published(url) == {}
    _store(url, "a", *_chunks(4, 2, 3))
    assert published(url) == _document(4, "a")
    check_sound(url, tmp_path)


def test_two_processes_that_store_their_halves_at_once_make_every_document_whole(
    url: str, tmp_path: Path
) -> None:
    names = [f"fruit{number}" for number in range(10)]
    halves = [[c for name in names for c in _chunks(2, half, key=name)] for half in (0, 1)]
    gate = tmp_path / "gate"
    gate.mkdir()
    with (
        _program(url, "a", *_chunks(1, key="left"), *halves[0], GATE=str(gate)) as left,
        _program(url, "a", *_chunks(1, key="right"), *halves[1], GATE=str(gate)) as right,
    ):
        both = lambda: len(list(gate.glob("reached-*"))) == 2  # noqa: E731 - a condition
        wait_until(both, "both programs have opened the target")
        if url.startswith("postgresql"):
            slow_statements(url, 0.1)  # so that both are within the statement that makes a document whole
        (gate / "open").touch()
        _ended(left)
        _ended(right)
    expected = _document(1, "a", "left") | _document(1, "a", "right")
    for name in names:
        expected |= _document(2, "a", name)
    assert published(url) == expected
    check_sound(url, tmp_path)


@pytest.mark.parametrize("processes", ["one process", "a process each"])
def test_a_shorter_version_leaves_no_rows_of_those_before(url: str, tmp_path: Path, processes: str) -> None:
    config = BatchConfig(input_dir=tmp_path, to=url)
    with BatchProcessor(config) as processor:
        for total in (4, 3, 2):
            if processes == "one process":
                processor.insert_chunks([insert.chunk(KEY, index, total, "a") for index in range(total)])
            else:
                _store(url, "a", *_chunks(total))
            assert published(url) == _document(total, "a")
            assert len(rows(url, f"{TABLE}_records")) == total, "rows of an older version are left"
    check_sound(url, tmp_path)


@pytest.mark.parametrize(
    "target", ["postgres", pytest.param("sqlite", marks=pytest.mark.slow)], indirect=True
)
def test_a_chunk_stored_again_replaces_its_row_whoever_stored_the_one_before(
    url: str, tmp_path: Path
) -> None:
    _store(url, "a", *_chunks(3))
    _store(url, "b", *_chunks(3, 1))
    expected, patch = _document(3, "a"), _document(3, "b")
    expected[KEY][1] = patch[KEY][1]
    assert published(url) == expected
    check_sound(url, tmp_path)


def test_what_a_killed_process_has_stored_is_completed_by_another(url: str, tmp_path: Path) -> None:
    _store_and_die(url, "a", *_chunks(4, 0, 3))
    assert published(url) == {}
    _store(url, "a", *_chunks(4, 1))
    assert published(url) == {}
    _store(url, "a", *_chunks(4, 2))
    assert published(url) == _document(4, "a")
    check_sound(url, tmp_path)


@pytest.mark.parametrize(
    "target", ["postgres", pytest.param("sqlite", marks=pytest.mark.slow)], indirect=True
)
def test_a_version_that_a_killed_process_has_begun_goes_when_another_is_published(
    url: str, tmp_path: Path
) -> None:
    _store(url, "a", *_chunks(4))
    _store_and_die(url, "a", *_chunks(3, 0, 1))
    assert published(url) == _document(4, "a"), "what is begun hides what is published"
    _store(url, "a", *_chunks(2))
    assert published(url) == _document(2, "a")
    check_sound(url, tmp_path)
