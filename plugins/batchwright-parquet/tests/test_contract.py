"""The kit's contract of a sink, on a folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from batchwright_parquet import ParquetOptions, ParquetSink, read
from batchwright_parquet.folder import borrow, give_back
from pydantic import SecretStr

from batchwright.testing import SinkContract
from batchwright.testing.sinks.processes import ProcessChecks
from tests.support.held import held_elsewhere


class Steps:
    """Makes the n-th step fail: a file written, synced, renamed, removed."""

    def __init__(self) -> None:
        self.left: int | None = None

    def tap(self, owner: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        original = getattr(owner, name)

        def tapped(*arguments: Any, **named: Any) -> Any:
            if self.left is not None:
                self.left -= 1
                if self.left == 0:
                    raise OSError("injected")
            return original(*arguments, **named)

        monkeypatch.setattr(owner, name, tapped)


class TestParquetSink(SinkContract):
    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        return tmp_path / "kb"

    @pytest.fixture
    def make_sink(self, root: Path) -> Callable[[], ParquetSink]:
        return lambda: ParquetSink(ParquetOptions(url=SecretStr(f"parquet:///{root}")))

    @pytest.fixture
    def damage(self, root: Path) -> Callable[[], None]:
        def spoil() -> None:
            """Change some bytes in the middle of a file."""
            path = min((root / "data").glob("**/*.parquet"))
            content = bytearray(path.read_bytes())
            middle = len(content) // 2
            content[middle : middle + 64] = b"\xaa" * 64
            path.write_bytes(content)

        return spoil

    @pytest.fixture
    def stored(self, root: Path) -> Callable[[], Sequence[Mapping[str, Any]]]:
        def stored() -> Sequence[Mapping[str, Any]]:
            return read(root).to_pylist() if root.exists() else []

        return stored

    @pytest.fixture
    def stored_kinds(
        self, stored: Callable[[], Sequence[Mapping[str, Any]]]
    ) -> Callable[[], Sequence[Mapping[str, Any]]]:
        return stored

    @pytest.fixture
    def faults(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], AbstractContextManager[object]]:
        steps = Steps()
        steps.tap(os, "replace", monkeypatch)
        steps.tap(os, "fsync", monkeypatch)
        steps.tap(pq, "write_table", monkeypatch)

        @contextmanager
        def faults(step: int) -> Iterator[None]:
            steps.left = step
            try:
                yield
            finally:
                steps.left = None

        return faults

    @pytest.fixture
    def block(self, root: Path) -> Callable[[], AbstractContextManager[object]]:
        @contextmanager
        def turn() -> Iterator[None]:
            folder = borrow(root, durable=True)
            with folder.writing(5):
                yield
            give_back(folder)

        return lambda: held_elsewhere(turn)


class TestProcessesAtOnce(ProcessChecks):
    """Processes take turns by themselves, write by write."""

    concurrent_writers = 3

    @pytest.fixture
    def make_sink(self, tmp_path: Path) -> Callable[[], ParquetSink]:
        return lambda: ParquetSink(ParquetOptions(url=SecretStr(f"parquet:///{tmp_path}/kb")))

    @pytest.fixture
    def stored(self, tmp_path: Path) -> Callable[[], Sequence[Mapping[str, Any]]]:
        return lambda: read(tmp_path / "kb").to_pylist()


class TestThroughAGlob(TestParquetSink):
    """The same, seen by a reader who knows nothing of the manifest."""

    @pytest.fixture
    def stored(self, root: Path) -> Callable[[], Sequence[Mapping[str, Any]]]:
        def stored() -> Sequence[Mapping[str, Any]]:
            files = sorted((root / "data").glob("**/*.parquet"))
            tables = [pq.ParquetFile(file).read() for file in files]
            # columns by name: a file may be older than a field
            return pa.concat_tables(tables, promote_options="default").to_pylist() if tables else []

        return stored

    def test_a_failing_step_of_the_sink_stores_all_or_nothing(self, rig: Any, faults: Any) -> None:
        self.transactional = False  # type: ignore[misc]  # what fails after the commit, the next write fixes
        super().test_a_failing_step_of_the_sink_stores_all_or_nothing(rig, faults)
