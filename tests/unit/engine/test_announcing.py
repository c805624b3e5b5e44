"""A store is told what probably comes after the next write, as far as that is known without waiting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from batchwright import Batch, BatchConfig, BatchProcessor, ProcessedChunk, Receipt
from batchwright.contracts.events import BatchWritten
from batchwright.engine.delivery.assembler import Assembler
from tests.support.listener import Listener
from tests.support.memory import MemoryPlugin, MemoryStore

Load = Callable[..., list[tuple[list[str], list[str]]]]


@pytest.fixture
def load(plugin: MemoryPlugin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Load documents of many chunks; return the ids of each write, and of what was announced before it."""
    found: list[tuple[list[str], list[str]]] = []
    announced: list[str] = []

    def announce(store: MemoryStore, records: Sequence[Any]) -> None:
        announced[:] = [record.id for record in records]

    def note(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if batch.documents:
            found.append(([chunk.id for chunk in batch.documents], [*announced]))
        announced.clear()

    def load(**settings: object) -> list[tuple[list[str], list[str]]]:
        monkeypatch.setattr(MemoryStore, "announce", announce)
        before = plugin.database.before

        def both(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
            note(batch, receipt)
            before(batch, receipt)

        plugin.database.before = both
        for number in range(4):
            text = "".join(f"## Section {part}\n\n{'word ' * 20}\n\n" for part in range(12))
            (tmp_path / f"{number}.md").write_text(f"# {number}\n\n{text}")
        values = {"to": "memory://x", "batch_size": 5, "chunk_max_tokens": 24, "reporters": (), **settings}
        config = BatchConfig.model_validate({"input_dir": tmp_path, **values})
        result = BatchProcessor(config, plugins=[plugin]).run()
        assert result.state == "done", result.reason
        return found

    return load


@pytest.mark.parametrize("own_ledger", [True, False], ids=["own ledger", "ledger beside"])
def test_what_is_announced_is_what_is_written_next(
    load: Load, plugin: MemoryPlugin, own_ledger: bool
) -> None:
    plugin.database.own_ledger = own_ledger
    found = load()
    assert len(found) > 8
    later = [*found[1:], ([], [])]
    for (_, announced), (written, _) in zip(found, later, strict=True):
        assert announced == written[: len(announced)]
    assert sum(len(announced) == 5 for _, announced in found) > len(found) / 2


def test_nothing_is_gathered_for_a_store_that_takes_no_note(
    plugin: MemoryPlugin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gathered: list[int] = []

    def gather(assembler: Assembler, rows: int) -> Sequence[Any]:
        gathered.append(rows)
        return ()

    monkeypatch.setattr(Assembler, "next", gather)
    for number in range(4):
        (tmp_path / f"{number}.md").write_text(f"# {number}\n\ntext\n")
    config = BatchConfig(input_dir=tmp_path, to="memory://x", batch_size=1, reporters=())
    result = BatchProcessor(config, plugins=[plugin]).run()
    assert result.account.records.written == 4
    assert gathered == []


def test_nothing_is_announced_before_the_parts_of_a_batch_that_is_halved(
    load: Load, plugin: MemoryPlugin
) -> None:
    writes: list[int] = []

    def refuse(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        writes.append(len(batch.documents))
        if any("Section 3" in (chunk.context_header or "") for chunk in batch.documents):
            raise ValueError("no")

    plugin.database.before = refuse
    found = load(batch_size=8)
    halves = [announced for written, announced in found if len(written) in (1, 2, 4)]
    assert len(halves) > 8
    assert not any(halves[:-1])


def test_each_try_of_a_batch_is_told_what_comes_next(load: Load, plugin: MemoryPlugin) -> None:
    failing = [2]

    def fail_twice(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        failing[0] -= 1
        if failing[0] >= 0:
            raise ConnectionError("lost")

    plugin.database.before = fail_twice
    found = load(retry_cap=0.01)
    assert found[0] == found[1] == found[2]
    assert found[2][1] == found[3][0][: len(found[2][1])]


def test_one_of_several_writers_takes_no_documents_early(tmp_path: Path) -> None:
    """With as many documents as writers each of them has one: see `test_batch_indices`."""
    plugin, listener = MemoryPlugin(), Listener()
    for number in range(8):
        (tmp_path / f"{number}.md").write_text(f"# {number}\n\n{'word ' * 40}\n")
    config = BatchConfig(input_dir=tmp_path, to="memory://x", workers=4, batch_size=1, reporters=())
    assert BatchProcessor(config, plugins=[plugin], reporters=[listener]).run().state == "done"
    assert len(listener.of(BatchWritten)) == 8
