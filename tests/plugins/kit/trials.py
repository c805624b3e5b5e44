"""Runs each check against its double, and all of them against plugins that keep their contracts.

Not collected with the other tests: `test_doubles` runs it in a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from batchwright.contracts.figures import Figure
from batchwright.testing import (
    SECRET,
    ClassifierContract,
    EmbedderContract,
    ReaderContract,
    ReporterContract,
    RowReaderContract,
    SinkContract,
    SizerContract,
    SourceContract,
    VectorsContract,
)
from batchwright.testing.sinks.processes import ProcessChecks
from batchwright.testing.sources.records import RecordChecks
from tests.plugins.kit import (
    doubles_lifecycle,
    doubles_storing,
    embedder_doubles,
    other_doubles,
    reader_doubles,
    source_doubles,
)
from tests.plugins.kit.doubles_processes import PROCESSES, FileSink, load
from tests.plugins.kit.doubles_vectors import VECTORS
from tests.plugins.kit.embedder_doubles import EMBEDDERS
from tests.plugins.kit.other_doubles import CLASSIFIERS, REPORTERS, SIZERS
from tests.plugins.kit.reader_doubles import READERS, ROW_READERS
from tests.plugins.kit.reference import DATABASES, Database, ReferenceSink, ReferenceStore, sink_of
from tests.plugins.kit.sink_doubles import SINKS
from tests.plugins.kit.source_doubles import RECORD_SOURCES, SHELVES, SOURCES, Shelf
from tests.plugins.kit.vectors_reference import VectorDatabase, VectorStore

IMPATIENT = 1.0


class SinkTrial(SinkContract):
    double: Callable[..., Any] = ReferenceSink

    @pytest.fixture
    def database(self, request: pytest.FixtureRequest) -> Database:
        database = DATABASES[f"reference:///{request.node.nodeid}"] = Database()
        return database

    @pytest.fixture
    def make_sink(self, database: Database, request: pytest.FixtureRequest) -> Callable[[], ReferenceSink]:
        double: Any = type(self).double
        kind = sink_of(double) if issubclass(double, ReferenceStore) else double
        url = f"reference:///{request.node.nodeid}"
        options = kind.options_type.model_validate({"url": url})
        return lambda: kind(options)

    @pytest.fixture
    def stored(self, database: Database) -> Callable[[], Any]:
        return database.stored

    @pytest.fixture
    def stored_kinds(self, database: Database) -> Callable[[], Any]:
        return database.stored_kinds

    @pytest.fixture
    def faults(self, database: Database) -> Callable[[int], AbstractContextManager[object]]:
        return database.fault

    @pytest.fixture
    def block(self, database: Database) -> Callable[[], AbstractContextManager[object]]:
        return database.block

    @pytest.fixture
    def sever(self, database: Database) -> Callable[[], None]:
        return database.sever

    @pytest.fixture
    def damage(self, database: Database) -> Callable[[], None]:
        return database.damage


for _check in PROCESSES:  # what is in memory isn't there for other processes
    setattr(SinkTrial, f"test_{_check}", None)


class VectorsTrial(VectorsContract):
    double: Callable[..., Any] = VectorStore
    make_sink = SinkTrial.make_sink
    stored = SinkTrial.stored

    @pytest.fixture
    def database(self, request: pytest.FixtureRequest) -> Database:
        database = DATABASES[f"reference:///{request.node.nodeid}"] = VectorDatabase()
        return database


class ProcessTrial(ProcessChecks):
    double: Callable[..., Any] = FileSink
    concurrent_writers = 2

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "kb"

    @pytest.fixture
    def make_sink(self, path: Path) -> Callable[[], ReferenceSink]:
        kind: Any = type(self).double
        return lambda: kind(kind.options_type(url=f"reference://{path}"))

    @pytest.fixture
    def stored(self, path: Path) -> Callable[[], Any]:
        def read() -> Any:
            database = Database()
            database.tables = load(path)
            return database.stored()

        return read


class ReporterTrial(ReporterContract):
    double: Callable[..., Any] = other_doubles.GoodReporter

    @pytest.fixture
    def made(self) -> list[Any]:
        return []

    @pytest.fixture
    def make_reporter(self, made: list[Any]) -> Callable[[], Any]:
        def make() -> Any:
            made.append(type(self).double())
            return made[-1]

        return make

    @pytest.fixture
    def output(self, made: list[Any]) -> Callable[[], str]:
        return lambda: "\n".join(line for reporter in made for line in reporter.lines)

    @pytest.fixture
    def cut_off(self) -> Callable[[], AbstractContextManager[object]]:
        return other_doubles.cut_off

    @pytest.fixture
    def figures(self) -> Callable[[Any], Mapping[Figure, float]]:
        return lambda reporter: reporter.shown()


class ClassifierTrial(ClassifierContract):
    double: Callable[..., Any] = other_doubles.GoodClassifier

    @pytest.fixture
    def classifier(self) -> object:
        return type(self).double()

    @pytest.fixture
    def cases(self) -> list[Any]:
        return [(other_doubles.Busy("4711"), other_doubles.RETRY), (OSError(5, "no"), None)]


class SizerTrial(SizerContract):
    double: Callable[..., Any] = other_doubles.GoodSizer
    heeds_limits = True

    @pytest.fixture
    def sizer(self) -> object:
        return type(self).double()


class SourceTrial(SourceContract):
    double: Callable[..., Any] = source_doubles.GoodSource
    test_records_are_of_the_record_type = None  # type: ignore[assignment]  # in a trial of its own

    @pytest.fixture
    def shelf(self, request: pytest.FixtureRequest) -> Shelf:
        items = {"a.md": b"# Apple", "b/c.md": b"# Cherry\n" * 40, "b/d.md": b"", "é.md": b"# \xc3\xa9"}
        shelf = SHELVES[_url(request)] = Shelf(items)
        return shelf

    @pytest.fixture
    def make_source(self, shelf: Shelf, request: pytest.FixtureRequest) -> Callable[[], Any]:
        double: Any = type(self).double
        return lambda: double(double.options_type.model_validate({"url": _url(request)}))

    @pytest.fixture
    def contents(self, shelf: Shelf) -> Callable[[], Any]:
        return lambda: dict(shelf.items)

    @pytest.fixture
    def put(self, shelf: Shelf) -> Callable[[str, bytes], None]:
        return shelf.items.__setitem__

    @pytest.fixture
    def remove(self, shelf: Shelf) -> Callable[[str], Any]:
        return shelf.items.pop

    @pytest.fixture
    def break_off(self, shelf: Shelf) -> Callable[[], AbstractContextManager[object]]:
        return shelf.break_off

    @pytest.fixture
    def cut_off(self, shelf: Shelf) -> Callable[[], AbstractContextManager[object]]:
        return shelf.cut_off


def _url(request: pytest.FixtureRequest) -> str:
    return f"shelf://here/{quote(request.node.nodeid)}"


class RecordSourceTrial(RecordChecks):
    double: Callable[..., Any] = source_doubles.GoodRecords
    shelf = SourceTrial.shelf
    make_source = SourceTrial.make_source


class EmbedderTrial(EmbedderContract):
    double: Callable[..., Any] = embedder_doubles.GoodEmbedder

    @pytest.fixture
    def make_embedder(self) -> Callable[[], Any]:
        double: Any = type(self).double
        return lambda: double(double.options_type())

    @pytest.fixture
    def refused_text(self) -> str:
        return embedder_doubles.REFUSED

    @pytest.fixture
    def cut_off(self) -> Callable[[], AbstractContextManager[object]]:
        return embedder_doubles.cut_off

    @pytest.fixture
    def wrong_embedder(self) -> Any:
        double: Any = type(self).double
        return double(double.options_type(key=SECRET))


class ReaderTrial(ReaderContract):
    double: Callable[..., Any] = reader_doubles.GoodReader

    @pytest.fixture
    def make_reader(self) -> Callable[[], Any]:
        return type(self).double

    @pytest.fixture
    def samples(self) -> dict[str, bytes]:
        return {"a.note": "An apple, ünd!\n".encode() * 20, "b.note": b"A banana."}


class RowReaderTrial(RowReaderContract):
    double: Callable[..., Any] = reader_doubles.GoodRows

    @pytest.fixture
    def make_reader(self) -> Callable[[], Any]:
        return type(self).double

    @pytest.fixture
    def samples(self) -> dict[str, bytes]:
        return {"a.pairs": b"a:1\nb:2\nc:3\n", "b.pairs": "x:ü\ny:é\n".encode()}

    @pytest.fixture
    def many(self) -> Callable[[int], bytes]:
        return lambda n: b"".join(b"%d:%d\n" % (number, number) for number in range(n))

    @pytest.fixture
    def bad_line(self) -> tuple[bytes, int]:
        return b"a:1\nwhat\nb:2\n", 2


class TestMinimalSink(SinkTrial):
    double = doubles_lifecycle.Minimal

    @pytest.fixture
    def stored_kinds(self) -> Any:
        return None

    @pytest.fixture
    def faults(self) -> Any:
        return None

    @pytest.fixture
    def block(self) -> Any:
        return None

    @pytest.fixture
    def sever(self) -> Any:
        return None


TABLES: Mapping[str, tuple[type, Mapping[str, Callable[..., Any]]]] = {
    "Sink": (SinkTrial, SINKS),
    "Vectors": (VectorsTrial, VECTORS),
    "Process": (ProcessTrial, PROCESSES),
    "Reporter": (ReporterTrial, REPORTERS),
    "Classifier": (ClassifierTrial, CLASSIFIERS),
    "Sizer": (SizerTrial, SIZERS),
    "Source": (SourceTrial, SOURCES),
    "RecordSource": (RecordSourceTrial, RECORD_SOURCES),
    "Embedder": (EmbedderTrial, EMBEDDERS),
    "Reader": (ReaderTrial, READERS),
    "RowReader": (RowReaderTrial, ROW_READERS),
}


def checks_of(contract: type) -> list[str]:
    """The names of a contract's checks."""
    return [
        name.removeprefix("test_")
        for name in dir(contract)
        if name.startswith("test_") and getattr(contract, name) is not None
    ]


def _only(trial: type, *checks: str) -> dict[str, None]:
    return {f"test_{name}": None for name in checks_of(trial) if name not in checks}


MENDING = ("a_failure_at_any_step_stores_nothing", "an_interrupt_at_any_step_stores_nothing")
for _name, _mending in {
    "Mending": doubles_storing.CommitsEarly,
    "Unmending": doubles_storing.ForgetsToMend,
}.items():
    _values = {"__module__": __name__, "double": _mending, "transactional": False}
    globals()[f"Test{_name}Sink"] = type(
        f"Test{_name}Sink", (SinkTrial,), {**_values, **_only(SinkTrial, *MENDING)}
    )

for _kind, (_trial, _doubles) in TABLES.items():
    globals()[f"TestGood{_kind}"] = type(f"TestGood{_kind}", (_trial,), {"__module__": __name__})
    for _check, _double in _doubles.items():
        _name = f"TestDouble{_kind}_{_check}"
        _values = {"__module__": __name__, "double": _double, "patience": IMPATIENT, **_only(_trial, _check)}
        globals()[_name] = type(_name, (_trial,), _values)
