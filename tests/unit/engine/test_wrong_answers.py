"""Sources, readers and sinks of plugins that answer with what they must not, or raise anything."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest

import batchwright
from batchwright import (
    BatchConfig,
    BatchProcessor,
    ConfigError,
    Document,
    Fetched,
    Field,
    Item,
    PluginError,
    Reader,
    RecordType,
    RowReader,
    RunInterrupted,
    RunResult,
    SinkError,
    Source,
    SourceError,
    SourceLimits,
)
from batchwright.builtin.sqlite.sink import SqliteSink
from batchwright.cli.main import execute
from batchwright.contracts.stop import Stop
from tests.support.notes import load
from tests.support.speechless import Speechless

Answer = Callable[..., Any]


def leave(*_: Any, **__: Any) -> Any:
    raise SystemExit(0)


def refuse(*_: Any, **__: Any) -> Any:
    raise ValueError("boo")


def plugin_of(**methods: Any) -> object:
    """Return a plugin with a source of one document, some of whose attributes are others."""

    class Odd(Source[Any]):
        name: ClassVar[str] = "odd"
        schemes: ClassVar[tuple[str, ...]] = ("odd",)

        def list(self, after: str = "", until: str | None = None, since: str | None = None) -> Iterator[Item]:
            yield from (Item("a.md"), Item("b.md"))

        def fetch(self, item: Item) -> Fetched:
            return Fetched(lambda: io.BytesIO(b"# Fruit\n"))

    return offering("sources", type("OddSource", (Odd,), methods))


def offering(kind: str, cls: type[Any]) -> object:
    hook = batchwright.hookimpl(lambda self: [cls], specname=f"register_{kind}")
    return type("Plugin", (), {"name": "odd", f"register_{kind}": hook})()


def run(plugin: object, folder: Path, source: str = "odd://place/docs", **settings: Any) -> RunResult:
    config = BatchConfig(source=source, to=f"sqlite:///{folder}/kb.db", reporters=(), **settings)
    return BatchProcessor(config, plugins=[plugin]).run()


@pytest.mark.parametrize(
    ("methods", "kind", "said"),
    [
        ({"origin": leave}, PluginError, "the source 'odd' raised SystemExit: 0"),
        ({"origin": lambda _: None}, PluginError, "the source 'odd' has the origin None"),
        ({"collection_name": leave}, PluginError, "the source 'odd' raised SystemExit: 0"),
        ({"collection_name": lambda _: 3}, PluginError, "the name 3; expected texts"),
        ({"record_type": property(leave)}, PluginError, "the source 'odd' raised SystemExit: 0"),
        ({"record_type": 3}, PluginError, "has the record_type int; expected RecordType"),
        ({"list": leave}, SourceError, "the source 'odd' raised SystemExit: 0"),
        ({"list": lambda *_, **__: ["a.md"]}, PluginError, "'odd' lists 'a.md'; expected an Item"),
        ({"list": lambda *_, **__: [Item("")]}, PluginError, "expected an Item with a text for its key"),
        ({"list": lambda *_, **__: [Item(3)]}, PluginError, "expected an Item with a text for its key"),  # type: ignore[arg-type]
        ({"list": lambda *_, **__: [Item("a.md", fingerprint=None)]}, PluginError, "expected an Item"),  # type: ignore[arg-type]
        ({"cursor": lambda *_: 3}, PluginError, "the source 'odd' has the cursor 3 for 'a.md'"),
        ({"list": lambda *_, **__: [Item("a.md", error=3)]}, PluginError, "a text or None for its error"),  # type: ignore[arg-type]
        ({"list": lambda *_, **__: [Item("a.md"), None]}, PluginError, "'odd' lists None; expected an Item"),
        ({"limits": property(refuse)}, PluginError, "the source 'odd' raised ValueError: boo"),
        ({"__init__": refuse}, PluginError, "the source 'odd' raised ValueError: boo"),
        ({"limits": None}, PluginError, "'odd' has limits that are NoneType; expected SourceLimits"),
        ({"limits": SourceLimits(at_once=0)}, PluginError, "the limit at_once = 0; expected a whole number"),
        ({"limits": SourceLimits(at_once="x")}, PluginError, "the limit at_once = 'x'; expected a whole"),  # type: ignore[arg-type]
        ({"limits": SourceLimits(2, -1)}, PluginError, "requests_a_minute = -1; expected .*, or None"),
    ],
)
def test_a_source_that_says_what_it_must_not_is_named(
    methods: dict[str, Any], kind: type[Exception], said: str, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=said):
        run(plugin_of(**methods), tmp_path)


def test_a_source_may_list_any_iterable(tmp_path: Path) -> None:
    result = run(plugin_of(list=lambda *_, **__: [Item("a.md"), Item("b.md")]), tmp_path)
    assert result.account.documents.added == 2


@pytest.mark.parametrize(
    "answer",
    [
        leave,
        lambda: None,
        lambda: b"# Fruit",
        lambda: Fetched(leave),
        lambda: Fetched(io.BytesIO, 3),  # type: ignore[arg-type]
    ],
)
def test_an_item_that_can_not_be_had_costs_that_item(answer: Callable[[], Any], tmp_path: Path) -> None:
    def fetch(_: Any, item: Item) -> Any:
        return answer() if item.key == "a.md" else Fetched(lambda: io.BytesIO(b"# Fruit\n"))

    result = run(plugin_of(fetch=fetch), tmp_path)
    assert (result.exit_code, result.account.documents.added, result.account.documents.failed) == (3, 1, 1)


def test_a_plugin_that_exits_outside_of_all_guards_does_not_decide_the_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "docs").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(BatchProcessor, "run", leave)
    assert execute(["run", "docs"]) == 1
    assert "SystemExit: 0" in capsys.readouterr().err


def test_a_source_that_hangs_while_it_is_listed_does_not_keep_a_run_from_ending(tmp_path: Path) -> None:
    stop, listing, end = Stop(), threading.Event(), threading.Event()

    def hang(*_: Any, **__: Any) -> list[Item]:
        listing.set()
        end.wait(60)
        return []

    def end_it() -> None:
        listing.wait(60)
        stop.request("SIGTERM", exit_code=143)

    threading.Thread(target=end_it).start()
    config = BatchConfig(source="odd://place/docs", to=f"sqlite:///{tmp_path}/kb.db", reporters=())
    try:
        with pytest.raises(RunInterrupted, match="stopped while its source was listed"):
            BatchProcessor(config, plugins=[plugin_of(list=hang)]).run(stop=stop)
    finally:
        end.set()


# --- readers ------------------------------------------------------------------------------------------------


def reading(answer: Answer) -> object:
    class OddReader(Reader[Any]):
        name: ClassVar[str] = "odd"
        suffixes: ClassVar[tuple[str, ...]] = (".odd",)
        version: ClassVar[int] = 1

        def read(self, stream: Any, item: Item) -> Document:
            good = Document(item.key, "# Fruit\n")
            made: Document = answer(good) if item.key == "a.odd" else good
            return made

    return offering("readers", OddReader)


def fail(error: Exception) -> Any:
    raise error


@pytest.mark.parametrize(
    "answer",
    [
        leave,
        lambda _: fail(Speechless()),
        lambda good: replace(good, text=None),
        lambda good: replace(good, title=3),
        lambda good: replace(good, metadata=[3]),
        lambda good: replace(good, document_date="2024-01-02"),
        lambda good: replace(good, document_date=datetime(2024, 1, 2, 3)),
        lambda good: replace(good, left_out=("image",)),
        lambda good: replace(good, gaps=3),
    ],
)
def test_a_document_that_is_none_costs_that_document(answer: Answer, tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    for name in ("a.odd", "b.odd"):
        (folder / name).write_text("fruit")
    result = run(reading(answer), tmp_path, str(folder))
    assert (result.exit_code, result.account.documents.added, result.account.documents.failed) == (3, 1, 1)


@pytest.mark.parametrize("method", ["sample", "rows"])
def test_a_reader_of_rows_that_exits_is_named(method: str, tmp_path: Path) -> None:
    class OddRows(RowReader[Any]):
        name: ClassVar[str] = "odd"
        suffixes: ClassVar[tuple[str, ...]] = (".odd",)
        version: ClassVar[int] = 1

        def sample(self, stream: Any) -> RecordType:
            return RecordType("rows", (Field("id", "text"),), "id")

        def rows(self, stream: Any, item: Item) -> Iterator[Any]:
            yield 1, {"id": "apple"}

    (tmp_path / "fruit.odd").write_text("fruit")
    plugin = offering("readers", type("Leaving", (OddRows,), {method: leave}))
    with pytest.raises(ConfigError, match=r"fruit\.odd can't be read: the reader 'odd' raised SystemExit: 0"):
        run(plugin, tmp_path, str(tmp_path / "fruit.odd"), key="id")


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"suffixes": ".odd"}, r"the reader Odd has the suffixes '\.odd', which must be a tuple of texts"),
        ({"suffixes": 3}, "has the suffixes 3"),
        ({"media_types": (3,)}, "has the media_types"),
    ],
)
def test_a_reader_that_says_wrongly_what_it_reads_is_refused(attributes: dict[str, Any], said: str) -> None:
    reader = type("Odd", (Reader,), {"name": "odd", "suffixes": (), "version": 1, **attributes})
    with pytest.raises(PluginError, match=said):
        load(offering("readers", reader))


def test_a_reader_whose_method_is_async_is_refused() -> None:
    async def read(*_: Any) -> None: ...

    async def rows(*_: Any) -> None: ...

    for base, method in ((Reader, read), (RowReader, rows)):
        members = {"name": "odd", "suffixes": (".odd",), "version": 1, method.__name__: method}
        with pytest.raises(PluginError, match=f"the reader Odd has an async {method.__name__}"):
            load(offering("readers", type("Odd", (base,), members)))


def store_with(**attributes: Any) -> object:
    """Return a plugin with a sink whose stores have some attributes in place of their own."""

    class Odd(SqliteSink):
        name: ClassVar[str] = "odd"
        schemes = ("odd",)

        def open(self, record_type: RecordType | None = None, *, create: bool = True) -> Any:
            store = super().open(record_type, create=create)
            store.__class__ = type("OddStore", (type(store),), attributes)
            return store

    return offering("sinks", Odd)


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"ledger": property(leave)}, "the sink 'odd' raised SystemExit: 0"),
        ({"ledger": property(refuse)}, "the sink 'odd' raised ValueError: boo"),
        ({"ledger": "kb"}, "OddStore.ledger is str, neither Ledger nor None"),
        ({"record_type": property(leave)}, "the sink 'odd' raised SystemExit: 0"),
        ({"record_type": property(refuse)}, "the sink 'odd' raised ValueError: boo"),
        ({"record_type": property(lambda _: None)}, "OddStore.record_type is NoneType, no RecordType"),
    ],
)
def test_a_store_that_does_not_say_what_it_holds_fails_the_run(
    attributes: dict[str, Any], said: str, tmp_path: Path
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/a.md").write_text("# Fruit\n")
    config = BatchConfig(source=tmp_path / "docs", to=f"odd:///{tmp_path}/kb.db", reporters=())
    with pytest.raises(SinkError, match=said):
        BatchProcessor(config, plugins=[store_with(**attributes)]).run()
