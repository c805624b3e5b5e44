"""The fixtures that a contract asks for, of a sink whose target is the SQLite file kb.db."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest

from batchwright.testing import Faults
from tests.plugins.kit.statements import Statements

Read = Callable[[], list[Mapping[str, Any]]]


class SqliteFile:
    """To be inherited beside a contract."""

    view: ClassVar[str]
    view_of_kinds: ClassVar[str]

    @pytest.fixture
    def faults(self, monkeypatch: pytest.MonkeyPatch) -> Faults:
        statements, connect = Statements(), sqlite3.connect

        def watched(*arguments: Any, factory: Any = sqlite3.Connection, **options: Any) -> Any:
            methods = {name: statements.watch(getattr(factory, name)) for name in ("execute", "executemany")}
            return connect(*arguments, factory=type("Watched", (factory,), methods), **options)

        monkeypatch.setattr(sqlite3, "connect", watched)
        return statements.failing

    @pytest.fixture
    def stored(self, tmp_path: Path) -> Read:
        rows = partial(_rows, tmp_path / "kb.db", self.view)
        return lambda: [{**row, "metadata": json.loads(row["metadata"])} for row in rows()]

    @pytest.fixture
    def stored_kinds(self, tmp_path: Path) -> Read:
        return partial(_rows, tmp_path / "kb.db", self.view_of_kinds)

    @pytest.fixture
    def block(self, tmp_path: Path) -> Callable[[], AbstractContextManager[object]]:
        @contextmanager
        def locked() -> Iterator[None]:
            with closing(sqlite3.connect(tmp_path / "kb.db", isolation_level=None)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                yield

        return locked


def _rows(path: Path, view: str) -> list[Mapping[str, Any]]:
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return list(map(dict, connection.execute(f"SELECT * FROM {view}")))
