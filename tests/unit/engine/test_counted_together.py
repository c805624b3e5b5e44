"""Unchanged documents, counted together or one by one: the account is the same."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import ClassVar

import pytest

from batchwright import Account, BatchConfig, BatchProcessor, Reporter, hookimpl
from batchwright.contracts.account import DOCUMENT_STATES, DocumentState
from batchwright.contracts.events import DocumentFinished, DocumentsFinished, Event
from batchwright.contracts.reporter import ReporterOptions
from batchwright.engine.reading.changes import AT_ONCE

COUNT = 3 * AT_ONCE + 7


class Listener(Reporter[ReporterOptions]):
    """Keeps the events."""

    name = "listener"
    events: ClassVar[list[Event]] = []

    def handle(self, event: Event) -> None:
        """Keep it."""
        self.events.append(event)


class Each(Listener):
    """Asks for each document."""

    name = "each"
    each_document: Collection[DocumentState] = DOCUMENT_STATES


class Plugin:
    """Offers both."""

    @hookimpl
    def register_reporters(self) -> Iterable[type[Listener]]:
        """Offer them."""
        return [Listener, Each]


def run(folder: Path, reporter: str) -> tuple[Account, list[Event]]:
    Listener.events.clear()
    config = BatchConfig(source=folder, to=f"sqlite:///{folder.parent}/kb.db", reporters=(reporter,))
    with BatchProcessor(config, plugins=[Plugin()]) as processor:
        result = processor.run()
    assert result.state == "done", result.reason
    return result.account, list(Listener.events)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(COUNT):
        (folder / f"{number:04}.md").write_text(f"# Note {number}\n\nabout apples\n" * (1 + number % 3))
    return folder


def test_the_account_is_the_same_whether_a_reporter_asks_for_each_document(folder: Path) -> None:
    run(folder, "listener")
    (folder / "0100.md").write_text("# Another\n")
    (folder / "0150.md").unlink()
    together, told = run(folder, "listener")
    assert (together.documents.changed, together.documents.deleted) == (1, 1)
    assert together.documents.unchanged == COUNT - 2
    assert not any(isinstance(event, DocumentFinished) for event in told)
    again, told = run(folder, "each")
    assert again.documents.unchanged == COUNT - 1
    assert sum(isinstance(event, DocumentFinished) for event in told) == COUNT
    assert (again.records.unchanged, again.bytes_read) == (together.records_seen, together.bytes_read)
    finished = [event for event in told if isinstance(event, DocumentsFinished)]
    assert sum(event.documents for event in finished) == COUNT
