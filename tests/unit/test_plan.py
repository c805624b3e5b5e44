"""Planning: it says what the run then does, and writes nothing anywhere."""

from __future__ import annotations

import os
from collections import Counter
from math import ceil
from pathlib import Path
from typing import Any

import pytest

from batchwright import RecordType, RunResult, Sink, Store, calculate_batch_size
from batchwright.operations.plan import Plan
from tests.support.memory import MemoryPlugin, fail_for
from tests.support.operations import Operations, write_documents


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write_documents(tmp_path / "docs", 6)


@pytest.fixture
def sqlite(folder: Path) -> Operations:
    return Operations(folder, "sqlite:///new/kb.db")


def everything(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
        if not path.name.endswith(("-shm", "-wal"))
    }


def assert_came_true(plan: Plan, result: RunResult) -> None:
    """Every figure of the plan is the run's."""
    documents, records = result.account.documents, result.account.records
    assert (plan.added, plan.changed, plan.unchanged, plan.deleted, plan.failed) == (
        documents.added, documents.changed, documents.unchanged, documents.deleted, documents.failed,
    )  # fmt: skip
    assert plan.documents == documents.total
    assert (plan.records, plan.records_unchanged) == (records.written, records.unchanged)
    assert plan.batches == result.account.batches
    assert plan.removed == result.account.removed


def test_nothing_is_made_for_a_target_that_does_not_exist(
    sqlite: Operations, folder: Path, tmp_path: Path
) -> None:
    before = everything(tmp_path)
    plan, planned = sqlite.plan()
    assert everything(tmp_path) == before
    assert not plan.exists
    assert (plan.added, plan.documents) == (6, 6)
    assert [document.key for document in planned] == sorted(path.name for path in folder.iterdir())
    assert_came_true(plan, sqlite.run())


def test_no_ledger_is_made_beside_a_sink_without_one(folder: Path, tmp_path: Path) -> None:
    plugin = MemoryPlugin()
    plugin.database.own_ledger = False
    plugin.database.opens = 1  # so that the sink says it exists
    operations = Operations(folder, "memory://", [plugin])
    before = everything(tmp_path)
    plan, _ = operations.plan()
    assert everything(tmp_path) == before
    assert plugin.database.writes == []
    assert_came_true(plan, operations.run())
    again, _ = operations.plan()
    assert (again.exists, again.unchanged) == (True, 6)


@pytest.mark.parametrize("settings", [{}, {"prune": True}, {"batch_size": 2}, {"batch_size": 1000}])
def test_a_plan_of_every_kind_of_change_comes_true(sqlite: Operations, settings: dict[str, Any]) -> None:
    sqlite.run()
    (sqlite.folder / "doc0.md").write_text("# Changed\n\nto this\n", "utf-8")
    (sqlite.folder / "doc1.md").unlink()
    (sqlite.folder / "doc6.md").write_text("# Added\n", "utf-8")
    (sqlite.folder / "doc7.md").write_text("", "utf-8")
    (sqlite.folder / "bytes.md").write_bytes(b"caf\xe9")
    content = everything(Path("new"))

    plan, planned = sqlite.plan(**settings)

    assert everything(Path("new")) == content
    assert Counter(document.state for document in planned) == {
        "added": 2, "changed": 1, "unchanged": 4, "deleted": 1, "failed": 1
    }  # fmt: skip
    assert plan.batches_exact
    assert plan.removed == (1 if "prune" in settings else 0)
    assert_came_true(plan, sqlite.run(**settings))


def test_other_chunking_settings_change_every_document(sqlite: Operations) -> None:
    sqlite.run()
    plan, _ = sqlite.plan(chunk_max_tokens=128)
    assert plan.changed == 6
    assert_came_true(plan, sqlite.run(chunk_max_tokens=128))


def test_without_a_batch_size_the_heuristic_is_asked(sqlite: Operations) -> None:
    plan, _ = sqlite.plan(batch_size=None, chunk_max_tokens=16)
    assert not plan.batches_exact
    assert plan.records > 32
    assert plan.batches == ceil(plan.records / calculate_batch_size(plan.records)) > 1


def test_a_prune_beyond_its_limit_is_refused_as_the_run_does(sqlite: Operations) -> None:
    sqlite.run()
    for number in range(4):
        (sqlite.folder / f"doc{number}.md").unlink()
    plan, _ = sqlite.plan(prune=True)
    assert "4 of 6" in plan.refusal
    assert plan.removed == 0
    result = sqlite.run(prune=True)
    assert result.state == "failed"
    assert "4 of 6" in result.reason


@pytest.mark.parametrize(("limit", "pruned"), [(0.5, 3), (0.49, 0)])
def test_a_prune_of_just_its_limit_is_planned_and_done(sqlite: Operations, limit: float, pruned: int) -> None:
    sqlite.run()
    for number in range(3):
        (sqlite.folder / f"doc{number}.md").unlink()
    plan, _ = sqlite.plan(prune=True, prune_limit=limit)
    assert (plan.removed, bool(plan.refusal)) == (pruned, not pruned)
    result = sqlite.run(prune=True, prune_limit=limit)
    assert (result.account.removed, result.state) == (pruned, "done" if pruned else "failed")
    assert result.reason == plan.refusal


def test_records_that_were_rejected_are_not_counted_as_stored(folder: Path) -> None:
    plugin = MemoryPlugin()
    plugin.database.before = fail_for(lambda chunk: "2.1" in chunk.chunk_text, lambda: ValueError("bad"))
    operations = Operations(folder, "memory://", [plugin])
    operations.run()
    plan, _ = operations.plan()
    assert_came_true(plan, operations.run())


def test_a_folder_that_cannot_be_listed_does_not_make_its_documents_deleted(
    sqlite: Operations, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = sqlite.folder / "inner"
    inner.mkdir()
    (inner / "a.md").write_text("# A\n", "utf-8")
    sqlite.run()
    scandir = os.scandir

    def refuse(path: Any) -> Any:
        if str(path) == str(inner):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    plan, _ = sqlite.plan()
    assert (plan.deleted, plan.failed) == (0, 2)
    assert_came_true(plan, sqlite.run())


def test_a_sink_tells_by_default_that_it_exists() -> None:
    class Plain(Sink[Any]):
        name = "plain"
        schemes = ("plain",)

        def open(self, record_type: RecordType | None = None, *, create: bool = True) -> Store:
            raise NotImplementedError

    assert Plain(None).exists()
