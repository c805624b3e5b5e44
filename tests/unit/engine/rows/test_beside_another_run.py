"""Rows that were read before another run stored newer ones are read again, and don't replace these."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import batchwright
from batchwright import BatchConfig, BatchProcessor, Fetched, Item, RunResult, Source, SourceOptions


class Shelf(Source[SourceOptions]):
    """One file; once, something happens right after it was read."""

    name: ClassVar[str] = "shelf"
    schemes: ClassVar[tuple[str, ...]] = ("shelf",)
    content: ClassVar[bytes] = b""
    meanwhile: ClassVar[Callable[[], Any] | None] = None

    def list(self, after: str = "", until: str | None = None, since: str | None = None) -> Iterator[Item]:
        yield Item("orders.csv")

    def fetch(self, item: Item) -> Fetched:
        content = Shelf.content
        meanwhile, Shelf.meanwhile = Shelf.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return Fetched(lambda: io.BytesIO(content))


class Plugin:
    name = "shelf"

    @batchwright.hookimpl
    def register_sources(self) -> Iterable[type[Source[Any]]]:
        return [Shelf]


def test_a_run_whose_rows_were_read_before_another_stored_newer_ones_reads_them_again(tmp_path: Path) -> None:
    config = BatchConfig(
        source="shelf://x/orders",
        to=f"sqlite:///{tmp_path}/kb.db",
        key="id",
        patterns=("*.csv",),
        reporters=(),
    )

    def run() -> RunResult:
        return BatchProcessor(config, plugins=[Plugin()]).run()

    def another() -> None:
        Shelf.content = b"id,name\n1,new\n2,two\n"
        assert run().account.documents.changed == 1

    Shelf.content = b"id,name\n1,old\n2,two\n"
    run()
    Shelf.meanwhile = another
    result = run()
    assert (result.state, result.account.documents.unchanged, result.account.documents.changed) == (
        "done",
        2,
        0,
    )
    with closing(sqlite3.connect(tmp_path / "kb.db")) as connection:
        found = connection.execute("SELECT id, name FROM orders ORDER BY 1").fetchall()
    assert found == [(1, "new"), (2, "two")]
