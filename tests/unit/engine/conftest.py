"""What tests of the engine start from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.corpus import write_corpus
from tests.support.memory import Database, MemoryPlugin
from tests.support.shipping import State, ship


@pytest.fixture
def plugin() -> MemoryPlugin:
    return MemoryPlugin()


@pytest.fixture
def shipping_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty database, partitions that small documents fill."""
    monkeypatch.setattr(State, "database", Database())
    monkeypatch.setattr(State, "script", staticmethod(ship))
    monkeypatch.setattr(State, "jobs", [])
    monkeypatch.setattr(State, "partitions", [])
    monkeypatch.setattr("batchwright.engine.reading.partitions.SMALLEST", 1_500)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "corpus", seed=11, documents=16)
