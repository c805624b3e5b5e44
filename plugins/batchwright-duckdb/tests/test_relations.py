"""Several relations in one database: one for each record type, in one schema."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from batchwright import BatchConfig, BatchProcessor, ConfigError, SinkError, Target


class Order(BaseModel):
    id: int
    item: str


@pytest.fixture
def to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database with chunks of a folder, and with orders, of which one is a reject."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# A\n\nText.\n")
    url = "duckdb:///kb.duckdb"
    with BatchProcessor(BatchConfig(source="docs", to=url, reporters=())) as processor:
        assert processor.run().state == "done"
        processor.load([Order(id=1, item="pear"), Order.model_construct(id=2, item=None)], record=Order)
    return url


def test_all_relations_of_the_schema_are_looked_at(to: str) -> None:
    with Target(to) as target:
        assert target.relations == ["knowledge_base", "order"]
        held = [(one.relation, one.name, one.records, one.rejects) for one in target.collections()]
        assert held == [("knowledge_base", "docs", 1, 0), ("order", "order", 1, 1)]
        assert [reject.relation for reject in target.rejects()] == ["order"]
        assert list(target.verify()) == []
    with Target(to, table="order") as target:
        assert [one.name for one in target.collections()] == ["order"]


def test_those_of_another_schema_are_not(to: str) -> None:
    config = BatchConfig(to=f"{to}?schema=Other%20one&table=fruit", reporters=())
    with BatchProcessor(config) as processor:
        processor.load([Order(id=1, item="pear")])
    with Target(f"{to}?schema=other%20one") as target:
        assert target.relations == ["fruit"]
        assert [one.name for one in target.collections()] == ["order"]
    with pytest.raises(ConfigError, match="there is no relation fruit"):
        Target(to, table="fruit").open()


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="nothing is loaded"):
        Target(f"duckdb:///{tmp_path}/none.duckdb").open()
    assert not list(tmp_path.iterdir())


def test_a_folder_is_not_taken_for_a_target_without_anything(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="is a folder; name a file"):
        Target(f"duckdb:///{tmp_path}").open()
