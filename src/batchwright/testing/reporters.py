"""The contract of a reporter, as checks."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import MISSING, dataclass, fields
from functools import partial
from typing import Any, ClassVar, get_type_hints

import pytest
from pydantic import ValidationError

from batchwright import events
from batchwright.account import Account, DocumentCounts, RecordCounts
from batchwright.events import Event
from batchwright.reporter import AnyReporter, ReporterOptions
from batchwright.testing.calls import within
from batchwright.testing.records import SECRET

_ACCOUNT = Account(
    records=RecordCounts(written=9, rejected=1),
    documents=DocumentCounts(added=3),
    records_seen=10,
    documents_seen=3,
)
_SAMPLES: dict[Any, tuple[Any, ...]] = {
    str: ("", "docs/é \U0001f600.md", "two\nlines %s {} [red] <b>", "x" * 10_000),
    int: (0, 1, 2**40),
    float: (0.0, 1.5, 1e9),
    bool: (False, True),
    str | None: (None, "40P01"),
    Account: (Account(), _ACCOUNT),
}
_CHANGES = ("added", "changed", "unchanged", "deleted", "failed")
_STATES = ("done", "failed", "interrupted")


class ReporterContract:
    """Subclass it as ``TestMyReporter``, and supply a fixture.

    Fixtures to supply:
        make_reporter: A callable that returns a new reporter; those of one test may share their target.

    Fixtures that add checks:
        output: A callable that returns all that the reporter put out so far, as text.

    Attributes:
        patience: Seconds that 10,000 events may take.
    """

    patience: ClassVar[float] = 20.0

    @pytest.fixture
    def make_reporter(self) -> Callable[[], AnyReporter]:
        """Override: return a callable that makes new reporters."""
        pytest.fail("override the fixture `make_reporter`: it returns a callable that makes new reporters")

    @pytest.fixture
    def output(self) -> Callable[[], str] | None:
        """Override where what the reporter puts out can be read."""
        return None

    @pytest.fixture
    def reporter(self, make_reporter: Callable[[], AnyReporter]) -> Iterator[AnyReporter]:
        """A reporter, closed at the end."""
        reporter = make_reporter()
        yield reporter
        reporter.close()

    def test_a_whole_run_is_reported(self, reporter: AnyReporter) -> None:
        """Fails: an ordinary run makes it raise; it would be dropped for the rest of the run."""
        for event in ordinary_run():
            reporter.handle(event)
        reporter.close()

    def test_every_kind_of_event_is_taken(self, reporter: AnyReporter) -> None:
        """Fails: an event, or a value in one, is not expected. Ignore what you don't know."""
        for event in every_event():
            _handle(reporter, event)

    def test_an_unknown_event_is_ignored(self, reporter: AnyReporter) -> None:
        """Fails: an event of a later batchwright makes it raise. End a `match` with ``case _: pass``."""
        _handle(reporter, _Later("x"))

    def test_events_may_come_in_any_order(self, make_reporter: Callable[[], AnyReporter]) -> None:
        """Fails: one event relies on another before it, as a batch on RunStarted. Runs end early, too."""
        run = ordinary_run()
        for start in range(len(run)):
            reporter = make_reporter()
            for event in run[start:] + run[:start]:
                _handle(reporter, event)
            reporter.close()
        for event in run:
            reporter = make_reporter()
            _handle(reporter, event)
            reporter.close()

    def test_a_second_run_is_reported_like_the_first(self, reporter: AnyReporter) -> None:
        """Fails: the reporter can't be used for two runs, as a service that embeds batchwright does."""
        for event in ordinary_run() + ordinary_run():
            _handle(reporter, event)

    def test_many_events_are_handled_quickly(self, reporter: AnyReporter) -> None:
        """Fails: `handle` is slow, and the run waits for it. Collect, and send from time to time."""
        many = [events.BatchWritten(index, 32, 4096, 0.01) for index in range(10_000)]

        def all_of_them() -> None:
            for event in many:
                reporter.handle(event)

        begun = time.monotonic()
        within(self.patience, "handling 10,000 events", all_of_them)
        assert time.monotonic() - begun < self.patience

    def test_events_may_come_from_several_threads(self, reporter: AnyReporter) -> None:
        """Fails: the reporter is bound to the thread that made it. Events come one at a time, from any."""
        for event in ordinary_run():
            within(self.patience, f"handling {type(event).__name__}", partial(reporter.handle, event))

    def test_events_are_left_as_they_are(self, reporter: AnyReporter) -> None:
        """Fails: the reporter changes an event, which other reporters get as well."""
        given = every_event()
        copies = deepcopy(given)
        for event in given:
            reporter.handle(event)
        assert given == copies, "`handle` changed an event"

    def test_closing_twice_does_no_harm(self, make_reporter: Callable[[], AnyReporter]) -> None:
        """Fails: the second `close` raises, or one before any event, or in the middle of a run."""
        for count in (0, 3, len(ordinary_run())):
            reporter = make_reporter()
            for event in ordinary_run()[:count]:
                reporter.handle(event)
            for _ in range(3):
                within(self.patience, "`close`", reporter.close)

    def test_an_event_after_close_does_no_harm(self, make_reporter: Callable[[], AnyReporter]) -> None:
        """Fails: a late event makes it raise, or hang. Ignore it."""
        reporter = make_reporter()
        reporter.close()
        for event in ordinary_run():
            within(self.patience, "an event after `close`", partial(reporter.handle, event))
        reporter.close()

    def test_an_unknown_option_is_refused(self, reporter: AnyReporter) -> None:
        """Fails: a misspelt option is ignored. Keep `extra="forbid"` of ReporterOptions."""
        assert issubclass(reporter.options_type, ReporterOptions)
        assert isinstance(reporter.options, reporter.options_type), "`options` must be an `options_type`"
        given = reporter.options.model_dump(by_alias=True, exclude_unset=True)
        with pytest.raises(ValidationError, match="no_such_option") as caught:
            reporter.options_type.model_validate({**given, "no_such_option": SECRET})
        assert SECRET not in str(caught.value), "an error of the options shows what was given"

    def test_the_reporter_says_what_it_is(self, reporter: AnyReporter) -> None:
        """Fails: `name` is empty or has spaces around it; settings and messages go by it."""
        assert isinstance(reporter.name, str)
        assert reporter.name.strip() == reporter.name != ""

    def test_the_output_shows_what_happened(
        self, reporter: AnyReporter, output: Callable[[], str] | None
    ) -> None:
        """Fails: nothing is put out of a run with 7 rejects; or `output` isn't wired to the reporter."""
        if output is None:
            pytest.skip("the fixture `output` is not supplied")
        for event in ordinary_run():
            reporter.handle(event)
        reporter.close()
        assert output().strip(), "nothing was put out of a whole run"

    def test_the_output_shows_no_secret(
        self, make_reporter: Callable[[], AnyReporter], output: Callable[[], str] | None
    ) -> None:
        """Fails: an option that is secret, or the environment, is put out."""
        if output is None:
            pytest.skip("the fixture `output` is not supplied")
        reporter = make_reporter()
        for event in ordinary_run():
            reporter.handle(event)
        reporter.close()
        shown = output() + repr(reporter) + repr(reporter.options)
        for name, value in _secrets_of(reporter):
            assert value not in shown, f"the option {name} is shown"


@dataclass(frozen=True, slots=True)
class _Later(Event):
    """An event that this batchwright doesn't know."""

    what: str


def event_types() -> list[type[Event]]:
    """Return every type of event there is."""
    kinds = [kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, Event)]
    return [kind for kind in kinds if kind is not Event]


def every_event() -> list[Event]:
    """Return events of every type, with every field at its extremes in turn."""
    made: list[Event] = []
    for kind in event_types():
        choices = {name: _choices(name, hint) for name, hint in get_type_hints(kind).items()}
        plain = {field.name: choices[field.name][-1] for field in fields(kind)}
        made.append(kind(**{f.name: plain[f.name] for f in fields(kind) if f.default is MISSING}))
        made += [kind(**{**plain, name: value}) for name, values in choices.items() for value in values]
    return made


def ordinary_run() -> list[Event]:
    """Return the events of a run in which a little of everything happens."""
    return [
        events.RunStarted("kit-run", "docs", "sqlite:///kb.db", resumed=True),
        events.InputCounted(3, 4096),
        events.DocumentFinished("a.md", "added", 5, 2048),
        events.BatchWritten(0, 5, 2048, 0.01),
        events.DocumentFinished("b.md", "unchanged", 5, 2048),
        events.BatchRetrying(1, 1, 2.0, "deadlock detected", "classifier", "40P01"),
        events.BatchSplit(1, 32, "a bad record"),
        events.RecordRejected("c.md", 4, "psycopg.DataError", "NUL", "classifier", "22021"),
        events.RecordRejected("d.md", -1, "batchwright.DocumentError", "byte 3 is not UTF-8", "engine"),
        events.OutageStarted("connection refused"),
        events.OutageEnded(12.0),
        events.BatchWritten(1, 31, 4096, 0.5, retries=1, writer=1),
        events.BatchFailed(2, 32, "no such table", "classifier", 0, "42P01", stops=True),
        events.DocumentFinished("d.md", "failed", reason="byte 3 is not UTF-8"),
        events.StopRequested("SIGINT"),
        events.RunFinished("kit-run", "failed", _ACCOUNT, "no such table"),
    ]


def _choices(name: str, hint: Any) -> tuple[Any, ...]:
    if name == "change":
        return _CHANGES
    if name == "state":
        return _STATES
    if name in ("position", "batch_index"):
        return (-1, 0, 2**31)
    if hint not in _SAMPLES:
        raise TypeError(f"the kit has no sample of {name}: {hint}")
    return _SAMPLES[hint]


def _handle(reporter: AnyReporter, event: Event) -> None:
    try:
        reporter.handle(event)
    except Exception as error:  # noqa: BLE001 - the engine drops a reporter for any
        pytest.fail(f"{type(error).__name__}: {error}, for {repr(event)[:300]}")


def _secrets_of(reporter: AnyReporter) -> list[tuple[str, str]]:
    values = [(name, getattr(reporter.options, name)) for name in type(reporter.options).model_fields]
    revealed = [
        (name, value.get_secret_value()) for name, value in values if hasattr(value, "get_secret_value")
    ]
    return [(name, str(value)) for name, value in revealed if len(str(value)) >= 3]
