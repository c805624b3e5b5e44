"""`RunContract` lets SQLite pass, and catches sinks that go wrong from run to run."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from batchwright.testing import RunContract
from batchwright.testing.runs import write_documents
from tests.plugins.kit import run_doubles

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
CHECKS = [name.removeprefix("test_") for name in dir(RunContract) if name.startswith("test_")]


def read(folder: Path, name: str = "kb.db") -> list[Any]:
    with closing(sqlite3.connect(folder / name)) as connection:
        return connection.execute("SELECT * FROM knowledge_base ORDER BY id").fetchall()


class TestSqliteRuns(RunContract):
    target = "sqlite:///kb.db"

    @pytest.fixture
    def published(self) -> Callable[[Path], list[Any]]:
        return read


@pytest.mark.parametrize("check", CHECKS)
def test_the_check_catches_its_double(check: str, tmp_path: Path) -> None:
    class Trial(RunContract):
        target = f"{run_doubles.RUNS[check].schemes[0]}:///kb.db"
        arguments = ("--plugin", run_doubles.__file__)

    with pytest.raises(AssertionError):
        getattr(Trial(), f"test_{check}")(write_documents(tmp_path / "docs"), tmp_path, read)


def test_a_target_that_would_be_compared_with_itself_is_refused(tmp_path: Path) -> None:
    class Trial(RunContract):
        target = f"sqlite:///{tmp_path}/the-same.db"

    docs, check = write_documents(tmp_path / "docs"), "test_what_is_loaded_is_not_loaded_again"
    with pytest.raises(AssertionError, match=r"not a new one for each folder.*Override `target_in`"):
        getattr(Trial(), check)(docs, tmp_path, lambda folder: read(tmp_path, "the-same.db"))
    assert not (tmp_path / "two" / "the-same.db").exists()
