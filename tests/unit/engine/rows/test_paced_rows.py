"""Files of rows are fetched no faster than their source allows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path

import pytest

from batchwright import BatchConfig, BatchProcessor, Item, hookimpl
from batchwright.contracts.source import AnySource, Fetched, Source, SourceLimits, SourceOptions
from batchwright.engine.reading.fetching import Pace


class Bucket(Source[SourceOptions]):
    """Three files of a server."""

    name = "bucket"
    schemes = ("bucket",)
    limits = SourceLimits(requests_a_minute=60_000)

    def list(self, after: str = "", until: str | None = None, since: str | None = None) -> Iterator[Item]:
        """Yield the files."""
        return (Item(f"{name}.csv", None) for name in "abc")

    def fetch(self, item: Item) -> Fetched:
        """Return one."""
        return Fetched(lambda: BytesIO(f"id,name\n{item.key},x\n".encode()))

    @classmethod
    @hookimpl
    def register_sources(cls) -> Iterable[type[AnySource]]:
        """Offer it."""
        return [cls]


def test_each_fetch_of_a_file_of_rows_waits_for_its_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[float] = []
    wait = Pace.wait

    def counting(pace: Pace) -> None:
        turns.append(pace._apart)
        wait(pace)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Pace, "wait", counting)
    config = BatchConfig(source="bucket://shop", to="sqlite:///kb.db", key="id", reporters=())
    with BatchProcessor(config, plugins=[Bucket]) as processor:
        assert processor.run().account.documents.added == 3
    assert turns == [0.001] * 3
