"""A third party's sink on an SQL database, with a ledger of its own: short, on public names, and right."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from batchwright.testing import Faults, SinkContract
from batchwright.testing.imports import private_imports
from tests.plugins.jot.batchwright_jot import JotOptions, JotSink
from tests.plugins.kit.statements import Statements
from tests.support.random_receipts import check_random_receipts

SOURCE = Path(__file__).parent / "jot"


class TestJotSink(SinkContract):
    @pytest.fixture
    def faults(self, monkeypatch: pytest.MonkeyPatch) -> Faults:
        statements = Statements()

        class Watched(sqlite3.Connection):
            execute = statements.watch(sqlite3.Connection.execute)
            executemany = statements.watch(sqlite3.Connection.executemany)

        monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Watched))
        return statements.failing

    @pytest.fixture
    def make_sink(self, tmp_path: Path) -> Callable[[], JotSink]:
        return lambda: sink_at(tmp_path / "kb.db")

    @pytest.fixture
    def stored(self, tmp_path: Path) -> Callable[[], list[Mapping[str, Any]]]:
        def read() -> list[Mapping[str, Any]]:
            with closing(sqlite3.connect(tmp_path / "kb.db")) as connection:
                connection.row_factory = sqlite3.Row
                rows = map(dict, connection.execute("SELECT * FROM notes"))
                return [{**row, "metadata": json.loads(row["metadata"])} for row in rows]

        return read

    @pytest.fixture
    def stored_kinds(self, tmp_path: Path) -> Callable[[], list[Mapping[str, Any]]]:
        def read() -> list[Mapping[str, Any]]:
            with closing(sqlite3.connect(tmp_path / "kb.db")) as connection:
                connection.row_factory = sqlite3.Row
                return list(map(dict, connection.execute("SELECT * FROM notes")))

        return read

    @pytest.fixture
    def block(self, tmp_path: Path) -> Callable[[], AbstractContextManager[object]]:
        @contextmanager
        def locked() -> Iterator[None]:
            with closing(sqlite3.connect(tmp_path / "kb.db", isolation_level=None)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                yield

        return locked


def test_random_receipts_leave_in_it_what_they_leave_in_the_model(tmp_path: Path, seed: int) -> None:
    with sink_at(tmp_path / "kb.db").open() as store:
        check_random_receipts(store, seed, 300)


def test_it_takes_150_lines_at_most() -> None:
    lines = sum(len(path.read_text("utf-8").splitlines()) for path in SOURCE.rglob("*.py"))
    assert lines <= 150


def test_it_imports_public_names_only_and_nothing_of_the_sink_that_is_built_in() -> None:
    assert private_imports([SOURCE]) == []
    for path in SOURCE.rglob("*.py"):
        text = path.read_text("utf-8")
        assert "sinkkit.sqlite" not in text
        assert "builtin" not in text.replace("built in", "")


def sink_at(path: Path) -> JotSink:
    return JotSink(JotOptions(url=SecretStr(f"jot:///{path}")))
