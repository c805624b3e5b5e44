"""The kit's contract of a sink, on a database file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
from batchwright_duckdb import DuckdbOptions, DuckdbSink
from batchwright_duckdb.connecting import settings
from batchwright_duckdb.instance import Instance, borrow, give_back, is_open
from pydantic import SecretStr

from batchwright.testing import SinkContract
from tests.support.held import held_elsewhere


class Fuse:
    """Makes the n-th statement fail, on any connection."""

    def __init__(self) -> None:
        self.left: int | None = None

    def burn(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left == 0:
                raise duckdb.IOException("injected")


class Tapped:
    """A connection that asks the fuse before each statement; rolling back always works."""

    def __init__(self, connection: Any, fuse: Fuse) -> None:
        self._connection = connection
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        if name in ("execute", "begin", "commit"):
            self._fuse.burn()
        return getattr(self._connection, name)


def options(path: Path, **values: Any) -> DuckdbOptions:
    return DuckdbOptions(url=SecretStr(f"duckdb:///{path}"), **values)


class TestDuckdbSink(SinkContract):
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "kb.duckdb"

    @pytest.fixture
    def make_sink(self, path: Path) -> Callable[[], DuckdbSink]:
        return lambda: DuckdbSink(options(path))

    @pytest.fixture
    def damage(self, path: Path) -> Callable[[], None]:
        def spoil() -> None:
            """Change some bytes of each block."""
            content = bytearray(path.read_bytes())
            for place in range(4 * 4096, len(content) - 16, 4096):
                content[place : place + 16] = b"\xaa" * 16
            path.write_bytes(content)

        return spoil

    @pytest.fixture
    def stored(self, path: Path) -> Callable[[], Sequence[Mapping[str, Any]]]:
        def read() -> Sequence[Mapping[str, Any]]:
            if not path.exists():
                return []
            with duckdb.connect(str(path), config=settings(options(path))) as connection:
                found = connection.execute("FROM knowledge_base")
                names = [column[0] for column in found.description or ()]
                return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

        return read

    @pytest.fixture
    def stored_kinds(self, path: Path) -> Callable[[], Sequence[Mapping[str, Any]]]:
        def read() -> Sequence[Mapping[str, Any]]:
            with duckdb.connect(str(path), config=settings(options(path))) as connection:
                return connection.sql("FROM kinds").to_arrow_table().to_pylist()

        return read

    @pytest.fixture
    def fuse(self, monkeypatch: pytest.MonkeyPatch) -> Fuse:
        fuse, cursor = Fuse(), Instance.cursor

        def tapped(self: Instance) -> Any:
            return Tapped(cursor(self), fuse)

        monkeypatch.setattr(Instance, "cursor", tapped)
        return fuse

    @pytest.fixture
    def faults(self, fuse: Fuse) -> Callable[[int], AbstractContextManager[object]]:
        @contextmanager
        def faults(step: int) -> Iterator[None]:
            fuse.left = step
            try:
                yield
            finally:
                fuse.left = None

        return faults

    @pytest.fixture
    def block(self, path: Path) -> Callable[[], AbstractContextManager[object]]:
        @contextmanager
        def turn() -> Iterator[None]:
            instance = borrow(path, settings(options(path)), 0)
            with instance.turn:
                yield
            give_back(instance)

        return lambda: held_elsewhere(turn)

    def test_nothing_is_open_when_all_stores_are_closed(self, path: Path) -> None:
        stores = [DuckdbSink(options(path)).open() for _ in range(3)]
        assert is_open(path)
        for store in stores:
            store.close()
        assert not is_open(path)
