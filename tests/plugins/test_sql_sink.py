"""A third party's sink on an SQL database, with a ledger of its own: short, on public names, and right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from batchwright.testing import SinkContract
from batchwright.testing.imports import private_imports
from tests.plugins.jot.batchwright_jot import JotOptions, JotSink
from tests.plugins.kit.sqlite_file import SqliteFile
from tests.support.random_receipts import check_random_receipts

SOURCE = Path(__file__).parent / "jot"


class TestJotSink(SqliteFile, SinkContract):
    view = view_of_kinds = "notes"

    @pytest.fixture
    def make_sink(self, tmp_path: Path) -> Callable[[], JotSink]:
        return lambda: sink_at(tmp_path / "kb.db")


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
