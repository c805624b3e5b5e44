"""While rows are read, and nothing is written yet, events say how far it is: now and then, not one a row."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchwright import BatchConfig, BatchProcessor, Reporter
from batchwright.contracts.events import Event, RowsRead, RunStarted
from batchwright.engine.rows import row_intake

ROWS = 10_500


class Listener(Reporter):  # type: ignore[type-arg]  # it has no options
    """Keeps what it gets."""

    name = "listener"

    def __init__(self) -> None:
        self.events: list[Event] = []

    def handle(self, event: Event) -> None:
        self.events.append(event)


def load(tmp_path: Path, files: int) -> list[Event]:
    for number in range(files):
        lines = "".join(f"{number}-{row},x\n" for row in range(ROWS))
        (tmp_path / f"{number}.csv").write_text(f"id,name\n{lines}")
    listener = Listener()
    config = BatchConfig(
        source=tmp_path, patterns=("*.csv",), to=f"sqlite:///{tmp_path}/kb.db", key="id", reporters=()
    )
    BatchProcessor(config, reporters=[listener]).run()
    return listener.events


def test_events_say_how_many_rows_were_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_intake, "SECONDS_BETWEEN_EVENTS", 0.0)
    events = load(tmp_path, 2)
    told = [event for event in events if isinstance(event, RowsRead)]
    expected = [n * 1_000 for n in range(1, 11)]
    assert [event.rows for event in told] == [*expected, *(ROWS + n for n in expected)]
    sizes = [event.size for event in told]
    assert sizes == sorted(sizes)
    assert sizes[0] > 0
    assert events.index(told[-1]) < next(n for n, one in enumerate(events) if isinstance(one, RunStarted))


def test_where_reading_takes_no_time_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_intake, "SECONDS_BETWEEN_EVENTS", 600.0)
    assert not any(isinstance(event, RowsRead) for event in load(tmp_path, 1))
