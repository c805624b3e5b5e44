"""A source or a reader of rows that hangs ends in time, and what is published stays."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import pytest

from batchwright import BatchConfig, BatchProcessor, Field, Item, RecordType, RunResult, Stop, hookimpl
from batchwright.contracts.events import BatchRetrying, DocumentFinished
from batchwright.contracts.reader import AnyReader, BadLine, ReaderOptions, RowReader
from batchwright.contracts.reporter import AnyReporter
from batchwright.contracts.source import AnySource, Fetched, Source, SourceOptions
from batchwright.errors import DeadlineExceeded, RunInterrupted
from tests.support.loads import Watcher
from tests.unit.engine.rows.fruit import states

TO = "sqlite:///kb.db"
KIND = RecordType("rows", (Field("id", "integer"), Field("name", "text", nullable=True)), "id")
SOON = 0.4


class Hanging:
    """What hangs, where a test says so."""

    where = ""
    kept = threading.Event()
    closed_by: ClassVar[list[str]] = []


def here(place: str) -> None:
    """Hang at a place, until the test is over."""
    if Hanging.where == place:
        Hanging.kept.wait(60)


def rows(count: int, apart: float = 0.0) -> Iterator[Mapping[str, Any]]:
    """Yield rows, and hang before the last."""
    try:
        for number in range(1, count + 1):
            if number == count:
                here("rows")
            time.sleep(apart)
            yield {"id": number, "name": f"name {number}"}
    finally:
        Hanging.closed_by.append(threading.current_thread().name)


class Shop(Source[SourceOptions]):
    """Rows of a server."""

    name = "shop"
    schemes = ("shop",)
    count = 700
    apart = 0.0

    @property
    def record_type(self) -> RecordType:
        """Their type."""
        here("record_type")
        return KIND

    def list(self, after: str = "", until: str | None = None, since: str | None = None) -> Iterator[Item]:
        """Yield the one item."""
        yield Item("table", None)

    def fetch(self, item: Item) -> Fetched:
        """Return its rows."""
        here("fetch")
        return Fetched(rows(self.count, self.apart), cursor=self.highest)

    def highest(self) -> str | None:
        """There are no cursors."""
        here("cursor")
        return None


class Bucket(Source[SourceOptions]):
    """Files of a server."""

    name = "bucket"
    schemes = ("bucket",)

    def list(self, after: str = "", until: str | None = None, since: str | None = None) -> Iterator[Item]:
        """Yield the one file."""
        yield Item("a.lines", None)

    def fetch(self, item: Item) -> Fetched:
        """Return it."""
        return Fetched(self.opened)

    def opened(self) -> BinaryIO:
        """Return its bytes."""
        here("download")
        return BytesIO(b"1\n2\n")


class Lines(RowReader[ReaderOptions]):
    """A line a row."""

    name = "lines"
    suffixes = (".lines",)
    version = 1

    def sample(self, stream: BinaryIO) -> RecordType:
        """Return the one type."""
        here("sample")
        return KIND

    def rows(self, stream: BinaryIO, item: Item) -> Iterator[tuple[int, Mapping[str, Any] | BadLine]]:
        """Yield them."""
        here("reader")
        return enumerate(({"id": int(line)} for line in stream), 1)


class Plugin:
    """Offers all of them."""

    @hookimpl
    def register_sources(self) -> Iterable[type[AnySource]]:
        """Offer the sources."""
        return [Shop, Bucket]

    @hookimpl
    def register_readers(self) -> Iterable[type[AnyReader]]:
        """Offer the reader."""
        return [Lines]


@pytest.fixture(autouse=True)
def _released(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(Hanging, "where", "")
    monkeypatch.setattr(Hanging, "kept", threading.Event())
    monkeypatch.setattr(Hanging, "closed_by", [])
    yield
    Hanging.kept.set()


def processor(*reporters: AnyReporter, **settings: Any) -> BatchProcessor:
    config = {"source": "shop://shop", "to": TO, "collection": "shop", "reporters": (), "max_retries": 0}
    return BatchProcessor(BatchConfig(**{**config, **settings}), plugins=[Plugin()], reporters=reporters)


def load(*reporters: AnyReporter, **settings: Any) -> RunResult:
    with processor(*reporters, **settings) as loading:
        return loading.run()


def stored(table: str = "shop") -> int:
    with closing(sqlite3.connect("kb.db")) as database, database:
        found: int = database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    return found


@pytest.mark.parametrize("where", ["fetch", "rows", "cursor"])
def test_a_source_that_hangs_is_given_up_and_its_rows_stay(where: str) -> None:
    assert states(load()) == {"added": 700}
    Hanging.where = where
    result = load(prune=True, prune_limit=1.0, batch_timeout=SOON)
    assert states(result) == {"failed": 701}
    assert (result.state, result.exit_code, result.account.removed, stored()) == ("done", 3, 0, 700)


def test_a_query_is_not_asked_again_since_the_server_may_be_at_work_on_it() -> None:
    Hanging.where = "rows"
    watcher = Watcher(each_document={"failed"})
    assert states(load(watcher, batch_timeout=SOON, max_retries=3)) == {"failed": 1}
    assert not watcher.seen(BatchRetrying)
    [reason] = [event.reason for event in watcher.events if isinstance(event, DocumentFinished)]
    assert reason.startswith("the source 'shop' has not answered for 0.4 s, which is as long as it may take")


@pytest.mark.parametrize("where", ["download", "sample", "reader"])
def test_a_download_that_hangs_is_tried_again(where: str) -> None:
    Hanging.where = where
    done = threading.Timer(SOON * 2, lambda: setattr(Hanging, "where", ""))
    done.start()
    watcher = Watcher()
    result = load(watcher, source="bucket://shop", key="id", batch_timeout=SOON, max_retries=3)
    done.join()
    assert states(result) == {"added": 2}
    assert watcher.seen(BatchRetrying)


def test_rows_that_come_slowly_are_waited_for() -> None:
    Shop.count, Shop.apart = 9, SOON / 3
    try:
        assert states(load(batch_timeout=SOON)) == {"added": 9}
    finally:
        Shop.count, Shop.apart = 700, 0.0


def test_a_type_that_is_never_said_ends_the_run() -> None:
    Hanging.where = "record_type"
    with pytest.raises(DeadlineExceeded, match=r"the source 'shop' has not answered for 0\.4 s"):
        load(batch_timeout=SOON)


@pytest.mark.parametrize("where", ["sample", "reader"])
def test_a_reader_that_hangs_costs_its_file(where: str) -> None:
    Path("in").mkdir()
    Path("in/a.lines").write_text("1\n2\n")
    Path("in/b.jsonl").write_text('{"id": 9}\n')
    settings = {"source": "in", "patterns": ("*.lines", "*.jsonl"), "key": "id", "collection": "numbers"}
    assert states(load(**settings)) == {"added": 3}
    Path("in/a.lines").write_text("1\n2\n3\n")
    Path("in/b.jsonl").write_text('{"id": 9}\n{"id": 10}\n')
    Hanging.where = where
    watcher = Watcher()
    result = load(watcher, **settings, batch_timeout=SOON, max_retries=3)
    assert states(result) == {"added": 1, "unchanged": 1, "failed": 3}
    assert not watcher.seen(BatchRetrying)
    assert stored('"in"') == 4
    Hanging.where = ""
    assert states(load(**settings)) == {"added": 1, "unchanged": 4}


def test_a_run_that_is_stopped_does_not_wait_for_the_source() -> None:
    Hanging.where = "rows"
    stop = Stop()
    asked = threading.Timer(SOON, lambda: stop.request("enough"))
    asked.start()
    with processor() as loading, pytest.raises(RunInterrupted):
        loading.run(stop=stop)
    asked.join()


@pytest.mark.parametrize("raised", [SystemExit(3), KeyboardInterrupt(), RuntimeError("no")], ids=repr)
def test_what_a_source_raises_behind_some_rows_costs_the_item(
    raised: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    load()

    def broken(count: int, apart: float) -> Iterator[Mapping[str, Any]]:
        yield from rows(300)
        raise raised

    monkeypatch.setattr("tests.unit.engine.rows.test_hanging_rows.rows", _with(broken))
    result = load()
    assert states(result) == {"failed": 701}
    assert stored() == 700


def _with(broken: Callable[[int, float], Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    own = rows

    def made(count: int, apart: float = 0.0) -> Iterator[Any]:
        return broken(count, apart) if count == Shop.count else own(count, apart)

    return made


def test_rows_that_are_not_read_to_their_end_are_closed_by_the_thread_that_read_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stop = Stop()

    def stopping(count: int, apart: float) -> Iterator[Mapping[str, Any]]:
        try:
            for row in rows(10_000):
                if row["id"] == 500:
                    stop.request("enough")
                yield row
        finally:
            Hanging.closed_by.append(threading.current_thread().name)

    monkeypatch.setattr("tests.unit.engine.rows.test_hanging_rows.rows", _with(stopping))
    with processor() as loading, pytest.raises(RunInterrupted):
        loading.run(stop=stop)
    assert Hanging.closed_by == ["batchwright-rows"] * 2
