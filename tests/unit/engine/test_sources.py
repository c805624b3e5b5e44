"""Sources that fail, lie, go away or know what has changed: what becomes of a run."""

from __future__ import annotations

import io
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import pytest

import batchwright
from batchwright import (
    BatchConfig,
    BatchProcessor,
    ConfigError,
    DocumentError,
    Fetched,
    Item,
    PluginError,
    Reporter,
    ReporterOptions,
    RunResult,
    Source,
    SourceError,
    SourceOptions,
    Target,
)
from batchwright.contracts.events import BatchRetrying, Event, OutageEnded, OutageStarted
from batchwright.engine.store.policy import DeliveryPolicy
from batchwright.engine.store.retry import Schedule
from batchwright.operations.plan import plan
from batchwright.plugins.manager import PluginManager


class Shelf:
    """A source's content, and a script of its faults. It is a plugin, too.

    Attributes:
        texts: The documents, by key.
        fingerprints: Of the documents, by key.
        fetched: How often each was fetched.
        on_fetch: Called with the key and how often it was fetched.
        on_list: Called with the number of each item before it is listed.
        on_probe: Called when the source is probed.
        on_close: Called when the source is closed.
        opened: The sources that were made and not closed.
        since: What the listings began with.
    """

    name = "shelf"

    def __init__(self, documents: int = 8) -> None:
        self.texts = {f"{number:02}.md": f"# Document {number}\n" for number in range(documents)}
        self.fingerprints: dict[str, str] = {}
        self.cursors: dict[str, str] = {}
        self.deleted: list[str] = []
        self.order: Callable[[Iterable[str]], list[str]] = sorted
        self.fetched: Counter[str] = Counter()
        self.on_fetch: Callable[[str, int], None] = lambda key, number: None
        self.on_list: Callable[[int], None] = lambda number: None
        self.on_probe: Callable[[], None] = lambda: None
        self.on_close: Callable[[], None] = lambda: None
        self.opened: set[int] = set()
        self.since: list[str | None] = []
        self.traits: dict[str, Any] = {}
        self.lock = threading.Lock()

    @batchwright.hookimpl
    def register_sources(self) -> Iterable[type[Source[Any]]]:
        return [type("ShelfSource", (_ShelfSource,), {"shelf": self, **self.traits})]


class _ShelfSource(Source[SourceOptions]):
    name: ClassVar[str] = "shelf"
    schemes: ClassVar[tuple[str, ...]] = ("shelf",)
    shelf: ClassVar[Shelf]

    def __init__(self, options: SourceOptions) -> None:
        super().__init__(options)
        self.shelf.opened.add(id(self))

    def list(self, after: str = "", until: str | None = None, since: str | None = None) -> Iterator[Item]:
        shelf = self.shelf
        shelf.since.append(since)
        for number, key in enumerate(shelf.order([*shelf.texts, *shelf.deleted])):
            shelf.on_list(number)
            if since is None or shelf.cursors.get(key, since) >= since:
                fingerprint = shelf.fingerprints.get(key, "")
                yield Item(key, fingerprint=fingerprint, deleted=key in shelf.deleted)

    def fetch(self, item: Item) -> Fetched:
        with self.shelf.lock:
            self.shelf.fetched[item.key] += 1
        self.shelf.on_fetch(item.key, self.shelf.fetched[item.key])
        return Fetched(lambda: io.BytesIO(self.shelf.texts[item.key].encode()))

    def cursor(self, item: Item) -> str | None:
        return self.shelf.cursors.get(item.key)

    def probe(self) -> None:
        self.shelf.on_probe()

    def close(self) -> None:
        self.shelf.opened.discard(id(self))
        self.shelf.on_close()


class Noting(Reporter[ReporterOptions]):
    name = "noting"

    def __init__(self) -> None:
        super().__init__(ReporterOptions())
        self.events: list[Event] = []

    def handle(self, event: Event) -> None:
        self.events.append(event)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


QUICK = DeliveryPolicy(
    retries=Schedule(max_retries=2, base=0.01), batch_timeout=20.0, first_probe=0.01, slowest_probe=0.05
)


def run(shelf: Shelf, place: Path, reporter: Noting | None = None, **settings: Any) -> RunResult:
    config = BatchConfig(source="shelf://there/docs", to=f"sqlite:///{place}/kb.db", reporters=(), **settings)
    reporters = [reporter] if reporter else []
    return BatchProcessor(config, plugins=[shelf], policy=QUICK, reporters=reporters).run()


def published(place: Path) -> list[str]:
    with Target(f"sqlite:///{place}/kb.db") as target:
        return [known.version.key for known in target.documents()]


# --- fetching -----------------------------------------------------------------------------------------


def test_what_fails_for_a_moment_is_fetched_again_and_said(shelf: Shelf, tmp_path: Path) -> None:
    def fail(key: str, number: int) -> None:
        if key == "03.md" and number < 3:
            raise ConnectionError("a moment")

    shelf.on_fetch, noting = fail, Noting()
    result = run(shelf, tmp_path, noting)
    assert (result.account.documents.added, result.account.retries) == (8, 0)
    assert shelf.fetched["03.md"] == 3
    said = [one for one in noting.events if isinstance(one, BatchRetrying)]
    assert [(one.batch_index, one.attempt, one.phase) for one in said] == [
        (None, 1, "read"),
        (None, 2, "read"),
    ]


@pytest.mark.parametrize("error", [DocumentError("05.md", "not for you"), KeyError("odd")])
def test_one_item_that_fails_for_good_costs_itself(shelf: Shelf, tmp_path: Path, error: Exception) -> None:
    def fail(key: str, number: int) -> None:
        if key == "05.md":
            raise error

    shelf.on_fetch = fail
    result = run(shelf, tmp_path)
    assert (result.exit_code, result.account.documents.added, result.account.documents.failed) == (3, 7, 1)
    assert shelf.fetched["05.md"] == 1


def test_an_item_that_is_gone_since_it_was_listed_is_no_failure(shelf: Shelf, tmp_path: Path) -> None:
    def fail(key: str, number: int) -> None:
        if key == "05.md":
            raise FileNotFoundError(key)

    run(shelf, tmp_path)
    shelf.on_fetch = fail
    result = run(shelf, tmp_path, prune=True)
    assert (result.exit_code, result.account.removed) == (0, 1)
    assert "05.md" not in published(tmp_path)


def test_a_source_that_says_no_ends_the_run(shelf: Shelf, tmp_path: Path) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("the key has expired")

    def expire(key: str, number: int) -> None:
        if key >= "04.md":
            refuse()

    shelf.on_fetch = expire
    shelf.on_probe = refuse
    with pytest.raises(SourceError, match=r"shelf://there/docs can't be read any more: .*expired"):
        run(shelf, tmp_path)


def test_while_the_source_is_down_the_run_waits(shelf: Shelf, tmp_path: Path) -> None:
    probes: list[int] = []
    down = threading.Event()

    def fetch(key: str, number: int) -> None:
        if key == "04.md" and not down.is_set():
            raise ConnectionError("down")

    def probe() -> None:
        probes.append(1)
        if len(probes) < 4:
            raise ConnectionError("still down")
        down.set()

    shelf.on_fetch, shelf.on_probe = fetch, probe
    reporter = Noting()
    assert run(shelf, tmp_path, reporter).account.documents.added == 8
    seen = [type(event) for event in reporter.events if isinstance(event, OutageStarted | OutageEnded)]
    assert seen == [OutageStarted, OutageEnded]


def test_an_outage_of_the_source_ends_the_run_in_the_end(shelf: Shelf, tmp_path: Path) -> None:
    def fail(*_: object) -> None:
        raise ConnectionError("down")

    shelf.on_fetch, shelf.on_probe = fail, fail
    config = BatchConfig(source="shelf://there/docs", to=f"sqlite:///{tmp_path}/kb.db", reporters=())
    policy = DeliveryPolicy(retries=Schedule(0), max_outage=0.2, first_probe=0.05)
    result = BatchProcessor(config, plugins=[shelf], policy=policy).run()
    assert result.state == "interrupted"
    assert "the source was down for more than 0.2 s" in result.reason
    result.account.check()


def test_an_unchanged_fingerprint_spares_fetching_and_a_new_one_is_noted(
    shelf: Shelf, tmp_path: Path
) -> None:
    shelf.fingerprints = dict.fromkeys(shelf.texts, "one")
    assert run(shelf, tmp_path).account.documents.added == 8
    shelf.fetched.clear()
    assert run(shelf, tmp_path).account.documents.unchanged == 8
    assert not shelf.fetched
    shelf.fingerprints["02.md"] = "two"  # the content is the same
    assert run(shelf, tmp_path).account.documents.unchanged == 8
    assert shelf.fetched == {"02.md": 1}
    assert run(shelf, tmp_path).account.documents.unchanged == 8
    assert shelf.fetched == {"02.md": 1}
    assert run(shelf, tmp_path, chunk_max_tokens=64).account.documents.changed == 8


# --- listing ------------------------------------------------------------------------------------------


def test_a_listing_that_breaks_off_prunes_nothing(shelf: Shelf, tmp_path: Path) -> None:
    run(shelf, tmp_path)
    del shelf.texts["00.md"]
    shelf.texts["01.md"] = "# Changed\n"

    def fail(number: int) -> None:
        if number == 3:
            raise ConnectionError("cut off")

    shelf.on_list = fail
    result = run(shelf, tmp_path, prune=True)
    assert (result.state, result.exit_code, result.account.removed) == ("failed", 1, 0)
    assert "broke off behind '03.md': cut off" in result.reason
    assert (result.account.documents.changed, result.account.documents.deleted) == (1, 0)
    assert len(published(tmp_path)) == 8
    shelf.on_list = lambda number: None
    result = run(shelf, tmp_path, prune=True)
    assert (result.state, result.account.removed) == ("done", 1)


def test_a_source_that_can_not_be_listed_is_an_error(shelf: Shelf, tmp_path: Path) -> None:
    def fail(_: int) -> None:
        raise ConnectionError("nobody there")

    shelf.on_list = fail
    with pytest.raises(SourceError, match="can't be listed: nobody there"):
        run(shelf, tmp_path)
    assert not (tmp_path / "kb.db").exists()


def test_keys_out_of_order_are_a_defect_of_the_plugin(shelf: Shelf, tmp_path: Path) -> None:
    shelf.order = lambda keys: sorted(keys, reverse=True)
    with pytest.raises(PluginError, match=r"'shelf' lists '06\.md' behind '07\.md'"):
        run(shelf, tmp_path)


def test_keys_in_any_order_are_sorted_where_the_source_says_so(shelf: Shelf, tmp_path: Path) -> None:
    shelf.traits = {"sorted": False}
    shelf.order = lambda keys: sorted(keys, key=lambda key: key[::-1], reverse=True)
    assert run(shelf, tmp_path).account.documents.added == 8
    del shelf.texts["03.md"]
    documents = run(shelf, tmp_path).account.documents
    assert (documents.unchanged, documents.deleted) == (7, 1)
    shelf.order = lambda keys: [*keys, "01.md"]
    with pytest.raises(PluginError, match=r"'shelf' lists '01\.md' twice"):
        run(shelf, tmp_path)


# --- sources that list only what has changed ----------------------------------------------------------


def test_what_an_incomplete_listing_leaves_out_is_not_gone(shelf: Shelf, tmp_path: Path) -> None:
    shelf.traits = {"complete": False}
    shelf.cursors = {key: f"2026-01-{number + 1:02}" for number, key in enumerate(shelf.texts)}
    assert run(shelf, tmp_path).account.documents.added == 8
    shelf.texts["02.md"], shelf.cursors["02.md"] = "# New\n", "2026-02-01"
    documents = run(shelf, tmp_path).account.documents
    assert (documents.changed, documents.unchanged, documents.deleted) == (1, 1, 0)
    assert shelf.since == [None, "2026-01-08"]
    shelf.deleted, shelf.cursors["05.md"] = ["05.md"], "2026-02-02"
    del shelf.texts["05.md"]
    result = run(shelf, tmp_path)
    assert (result.account.removed, result.exit_code) == (1, 0)
    assert len(published(tmp_path)) == 7
    assert run(shelf, tmp_path).exit_code == 0
    assert shelf.since[-1] == "2026-02-02"
    with pytest.raises(ConfigError, match="prune"):
        run(shelf, tmp_path, prune=True)


def test_the_cursor_stays_where_a_document_could_not_be_read(shelf: Shelf, tmp_path: Path) -> None:
    shelf.traits = {"complete": False}
    shelf.cursors = dict.fromkeys(shelf.texts, "2026-01-01")

    def fail(key: str, number: int) -> None:
        if key == "03.md":
            raise DocumentError(key, "not now")

    shelf.on_fetch = fail
    assert run(shelf, tmp_path).account.documents.failed == 1
    shelf.on_fetch = lambda key, number: None
    assert run(shelf, tmp_path).account.documents.added == 1
    assert shelf.since == [None, None]


# --- closing ------------------------------------------------------------------------------------------


def test_whatever_opens_a_source_closes_it(shelf: Shelf, tmp_path: Path) -> None:
    closed: list[str] = []
    shelf.on_close = lambda: closed.append("source")
    run(shelf, tmp_path)
    assert (len(closed), shelf.opened) == (1, set())
    config = BatchConfig(source="shelf://there/docs", to=f"sqlite:///{tmp_path}/kb.db", reporters=())
    plan(config, PluginManager.load([shelf]))
    assert (len(closed), shelf.opened) == (2, set())


def test_a_repair_closes_its_sources(shelf: Shelf, tmp_path: Path) -> None:
    run(shelf, tmp_path)
    with closing(sqlite3.connect(tmp_path / "kb.db")) as database, database:
        database.execute("DELETE FROM knowledge_base_records WHERE rowid <= 3")
    database.close()
    with Target(f"sqlite:///{tmp_path}/kb.db", plugins=[shelf]) as target:
        found = [*target.verify()]
        assert len(found) == 3
        assert len([*target.repair(found, source="shelf://there/docs")]) == 3
        assert shelf.opened == set()
        breaking_off = target.repair(found, source="shelf://there/docs")
        next(breaking_off)
        assert len(shelf.opened) == 1
        breaking_off.close()  # type: ignore[attr-defined]
    assert shelf.opened == set()


def test_a_run_that_fails_closes_its_source(shelf: Shelf, tmp_path: Path) -> None:
    def fail(_number: int) -> None:
        raise PermissionError("not for you")

    shelf.on_list = fail
    with pytest.raises(SourceError):
        run(shelf, tmp_path)
    assert shelf.opened == set()


@pytest.mark.parametrize("error", [OSError("reset"), SystemExit(3)])
def test_a_source_that_fails_to_close_costs_a_line_of_the_log(
    shelf: Shelf, tmp_path: Path, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    def fail() -> None:
        raise error

    shelf.on_close = fail
    assert run(shelf, tmp_path).exit_code == 0
    assert "could not be closed" in caplog.text
