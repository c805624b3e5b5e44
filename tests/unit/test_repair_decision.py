"""A repair restores what a plan calls unchanged, and nothing else; what a program stored, it leaves alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from batchwright import BatchConfig, BatchProcessor, PluginManager, ProcessedChunk
from batchwright.engine.reading.changes import Change
from batchwright.operations.plan import plan
from batchwright.operations.repair import repair
from batchwright.operations.target import existing
from batchwright.operations.verify import Verification


@pytest.fixture
def manager() -> PluginManager:
    return PluginManager.load()


@pytest.fixture
def config(tmp_path: Path, manager: PluginManager) -> BatchConfig:
    """A folder that is loaded, but all rows of it are lost."""
    docs = tmp_path / "docs"
    docs.mkdir()
    for name in ("same", "changed", "bytes", "gone"):
        (docs / f"{name}.md").write_text(f"# {name}\n\n{'word ' * 90}\n", "utf-8")
    config = BatchConfig(input_dir=docs, to=f"sqlite:///{tmp_path}/kb.db", reporters=(), chunk_max_tokens=32)
    with BatchProcessor(config, manager=manager) as processor:
        assert processor.run().state == "done"
        for key in ("own", "program.md"):
            processor.insert_chunks([ProcessedChunk("text", source_file=key)])
    with closing(sqlite3.connect(tmp_path / "kb.db", isolation_level=None)) as connection:
        connection.execute("DELETE FROM knowledge_base_records")
    (docs / "changed.md").write_text("# changed\n\nanew\n", "utf-8")
    (docs / "bytes.md").write_bytes(b"\xe9")
    (docs / "gone.md").unlink()
    (docs / "program.md").write_text("# A file under a program's key\n", "utf-8")
    return config


def repaired(config: BatchConfig, manager: PluginManager) -> dict[str, str]:
    with existing(config, manager) as target:
        repaired = repair(target, config, Verification(target), None)
        return {one.finding.key: one.reason for one in repaired}


def test_a_repair_and_a_plan_decide_alike(config: BatchConfig, manager: PluginManager) -> None:
    planned: list[Change] = []
    plan(config, manager, planned.append)
    reasons = repaired(config, manager)
    assert {change.key for change in planned if change.state == "unchanged"} == {"same.md"}
    assert [key for key, reason in reasons.items() if not reason] == ["same.md"]
    assert "has changed since" in reasons["changed.md"]
    assert "isn't UTF-8" in reasons["bytes.md"]
    assert "has it no more" in reasons["gone.md"]
    assert "a program stored it" in reasons["own"]
    assert "a program stored it" in reasons["program.md"]
    assert "same.md" not in repaired(config, manager)


@pytest.mark.parametrize("other", [{"chunk_max_tokens": 64}, {"unstorable": "strip"}])
def test_other_settings_restore_nothing(
    config: BatchConfig, manager: PluginManager, other: dict[str, Any]
) -> None:
    reasons = repaired(config.model_copy(update=other), manager)
    assert "other settings" in reasons["same.md"]
