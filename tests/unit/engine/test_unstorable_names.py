"""A document whose name, or reject, the sink can't hold costs that document, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchwright import Batch, ProcessedChunk, Receipt
from tests.support.memory import MemoryPlugin
from tests.support.quick_runs import quick_processor

BAD = "19.md"


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    for number in range(40):
        (folder / f"{number:02}.md").write_text(f"# A\n\nfirst {number}\n\n# B\n\nsecond {number}\n")
    return folder


def keys_of(receipt: Receipt) -> set[str]:
    published = [publication.version for publication in receipt.publications]
    versions = [*receipt.begun, *published, *receipt.refused, *receipt.patched]
    return {version.key for version in versions}


@pytest.mark.parametrize("batch_size", [1, 3, 16, 100])
@pytest.mark.parametrize("workers", [1, 3])
def test_a_name_that_the_sink_cannot_hold_costs_its_document_alone(
    docs: Path, batch_size: int, workers: int
) -> None:
    plugin = MemoryPlugin()

    def refuse(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if BAD in keys_of(receipt):
            raise ValueError("no such character")

    plugin.database.before = refuse
    made = quick_processor(docs, plugin, batch_size=batch_size, workers=workers, chunk_max_tokens=16)
    result = made.run()

    result.account.check()
    assert result.state == "done", result.reason
    assert result.account.documents.added == 39
    assert set(plugin.database.tables.published()) == {f"{n:02}.md" for n in range(40)} - {BAD}
    assert {reject.key for reject in plugin.database.tables.rejects.values()} == {BAD}


def test_a_reject_that_the_sink_cannot_hold_is_kept_in_plain_words(docs: Path) -> None:
    (docs / "naïve.md").write_bytes(b"\xff\xff")
    plugin = MemoryPlugin()

    def refuse(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if not all(reject.key.isascii() for reject in receipt.rejects):
            raise ValueError("no such character")

    plugin.database.before = refuse
    result = quick_processor(docs, plugin).run()
    result.account.check()
    assert (result.state, result.account.documents.added) == ("done", 40)
    assert [reject.key for reject in plugin.database.tables.rejects.values()] == ["na\\xefve.md"]


def test_a_sink_that_keeps_no_reject_at_all_costs_the_rejects_and_nothing_else(docs: Path) -> None:
    plugin = MemoryPlugin()

    def refuse(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if receipt.rejects or any(chunk.source_file == BAD for chunk in batch.documents):
            raise ValueError("bad")

    plugin.database.before = refuse
    result = quick_processor(docs, plugin, batch_size=4).run()
    result.account.check()
    assert (result.state, result.account.documents.added) == ("done", 39)
