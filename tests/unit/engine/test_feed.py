"""What a run says of its documents as it reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchwright.contracts.events import BatchStarted, DocumentsRead
from batchwright.engine.reading import counts
from batchwright.testing import ScriptedTarget, make_corpus
from tests.support.listener import Listener

DOCUMENTS = 20


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(counts, "SECONDS_AN_EVENT", 3600.0)
    return make_corpus(tmp_path / "docs", DOCUMENTS)


def test_the_first_document_is_counted_before_a_batch_is_sized_and_the_others_together(folder: Path) -> None:
    listener = Listener()
    ScriptedTarget().run(folder, listener)
    assert [event.documents for event in listener.of(DocumentsRead)] == [1, DOCUMENTS - 1]
    first = next(event for event in listener.events if isinstance(event, DocumentsRead | BatchStarted))
    assert isinstance(first, DocumentsRead)


def test_new_documents_are_counted_at_the_latest_after_so_many(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts, "DOCUMENTS_AN_EVENT", 8)
    listener = Listener()
    ScriptedTarget().run(folder, listener)
    assert [event.documents for event in listener.of(DocumentsRead)] == [1, 8, 8, 3]
