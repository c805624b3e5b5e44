"""The contract of a reporter, as checks."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from copy import deepcopy
from functools import partial
from typing import ClassVar

import pytest

from batchwright.contracts import events
from batchwright.contracts.account import DOCUMENT_STATES
from batchwright.contracts.events import Event
from batchwright.contracts.figures import Figure, figures_of
from batchwright.contracts.reporter import AnyReporter, ReporterOptions
from batchwright.errors import ConfigError
from batchwright.testing.calls import silent, within
from batchwright.testing.records import SECRET
from batchwright.testing.samples import LaterEvent, every_event, ordinary_run
from batchwright.testing.supplied import supplied


class ReporterContract:
    """Subclass it as ``TestMyReporter``, and supply a fixture.

    Fixtures to supply:
        make_reporter: A callable that returns a new reporter; those of one test may share their target.

    Fixtures that add checks:
        output: A callable that returns all that the reporters put out so far, as text.
        cut_off: ``cut_off()`` is a context in which what the reporter sends to can't be reached: for one that
            sends over a network.
        figures: A callable that is given a reporter and returns those figures that it shows of the account of
            its last run, named as in `batchwright.contracts.figures`: ``{("records", "written"): 9, …}``.

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
    def cut_off(self) -> Callable[[], AbstractContextManager[object]] | None:
        """Override where the reporter sends over a network."""
        return None

    @pytest.fixture
    def figures(self) -> Callable[[AnyReporter], Mapping[Figure, float]] | None:
        """Override where the reporter shows figures of the account."""
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
        _handle(reporter, LaterEvent("x"))

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

    def test_no_event_makes_it_hang(self, reporter: AnyReporter) -> None:
        """Fails: `handle` does not return; it gets nothing more of the run. Set timeouts."""
        for event in [*every_event(), LaterEvent("x")]:
            within(self.patience, f"handling {type(event).__name__}", partial(_handle, reporter, event))
        within(self.patience, "`close`", reporter.close)

    def test_no_event_ends_the_process(self, reporter: AnyReporter) -> None:
        """Fails: it calls `sys.exit`, or raises what is no `Exception`. Raise an Exception, and log."""
        for event in every_event():
            try:
                within(self.patience, f"handling {type(event).__name__}", partial(reporter.handle, event))
            except Exception:  # noqa: BLE001, S110 - other checks are about these
                pass
            except BaseException as error:  # noqa: BLE001 - the point
                pytest.fail(f"{type(error).__name__} for {type(event).__name__}")

    def test_nothing_is_written_to_stdout(
        self, reporter: AnyReporter, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """Fails: it prints. Stdout belongs to the results of the command; log, or write to stderr.

        Fixtures of your own that look at what is written take ``capfd``, which pytest can't have beside
        ``capsys``.
        """
        for event in ordinary_run():
            _handle(reporter, event)
        reporter.close()
        silent(capfd, "the reporter")

    def test_it_recovers_when_its_first_post_fails(
        self,
        make_reporter: Callable[[], AnyReporter],
        output: Callable[[], str] | None,
        cut_off: Callable[[], AbstractContextManager[object]] | None,
    ) -> None:
        """Fails: it raises while its target is away, or sends nothing once that is back. Log, and go on."""
        output, cut_off = supplied(output, "output"), supplied(cut_off, "cut_off")
        run = ordinary_run()
        reporter = make_reporter()
        with cut_off():
            for event in run[: len(run) // 2]:
                within(self.patience, "an event with the target away", partial(_handle, reporter, event))
        before = output()
        for event in run[len(run) // 2 :]:
            within(self.patience, "an event with the target back", partial(_handle, reporter, event))
        within(self.patience, "`close`", reporter.close)
        assert output() != before, "nothing was put out once the target was back"

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
        """Fails: a reporter that was closed at once raises, or hangs, for a late event. Ignore it."""
        reporter = make_reporter()
        reporter.close()
        for event in ordinary_run():
            within(self.patience, "an event after `close`", partial(reporter.handle, event))
        reporter.close()

    def test_a_closed_reporter_takes_late_events_and_the_next_run(
        self, make_reporter: Callable[[], AnyReporter]
    ) -> None:
        """Fails: what `close` let go of is still used, as a file. Open it again, or ignore the event."""
        run = ordinary_run()
        for count in (3, len(run)):
            reporter = make_reporter()
            for event in run[:count]:
                reporter.handle(event)
            reporter.close()
            for event in [*run[count:], *reversed(run), *run]:
                within(self.patience, "an event after `close`", partial(_handle, reporter, event))
            within(self.patience, "`close` after a late event", reporter.close)

    def test_close_puts_out_all_there_is(
        self, make_reporter: Callable[[], AnyReporter], output: Callable[[], str] | None
    ) -> None:
        """Fails: something of the run came out after `close` only; a program that ends there loses it."""
        output = supplied(output, "output")
        for count in (3, len(ordinary_run())):
            reporter = make_reporter()
            for event in ordinary_run()[:count]:
                reporter.handle(event)
            reporter.close()
            shown = output()
            reporter.close()
            del reporter
            gc.collect()  # which flushes a file that was left open
            assert output() == shown, "more was put out after `close`"

    def test_figures_at_the_end_are_those_of_the_account(
        self,
        make_reporter: Callable[[], AnyReporter],
        figures: Callable[[AnyReporter], Mapping[Figure, float]] | None,
    ) -> None:
        """Fails: events are counted, of which some come twice or never. Show the account of RunFinished."""
        figures = supplied(figures, "figures")
        run = ordinary_run()
        assert isinstance(run[-1], events.RunFinished)
        account = figures_of(run[-1].account)
        for happened in (run, run[:1] + run[1:-1] * 2 + run[-1:], run[:1] + run[-1:], run[-1:]):
            reporter = make_reporter()
            for event in happened:
                reporter.handle(event)
            shown = figures(reporter)
            assert shown, "`figures` returned none"
            assert dict(shown) == {figure: account[figure] for figure in shown}
            reporter.close()

    def test_an_unknown_option_is_refused(self, reporter: AnyReporter) -> None:
        """Fails: a misspelt option is ignored. Keep `extra="forbid"` of ReporterOptions."""
        assert issubclass(reporter.options_type, ReporterOptions)
        assert isinstance(reporter.options, reporter.options_type), "`options` must be an `options_type`"
        given = reporter.options.model_dump(by_alias=True, exclude_unset=True)
        with pytest.raises(ConfigError, match="no_such_option") as caught:
            reporter.options_type.model_validate({**given, "no_such_option": SECRET})
        assert SECRET not in str(caught.value), "an error of the options shows what was given"

    def test_documents_are_asked_for_by_states_that_exist(self, reporter: AnyReporter) -> None:
        """Fails: `each_document` is a text, or has a misspelt state, in which no document will ever be."""
        asked = reporter.each_document
        assert not isinstance(asked, str), f"`each_document` must be a collection: ({asked!r},)"
        unknown = set(asked) - set(DOCUMENT_STATES)
        assert not unknown, f"`each_document` has {unknown}, which are none of {DOCUMENT_STATES}"

    def test_the_reporter_says_what_it_is(self, reporter: AnyReporter) -> None:
        """Fails: `name` is empty or has spaces around it; settings and messages go by it."""
        assert isinstance(reporter.name, str)
        assert reporter.name.strip() == reporter.name != ""

    def test_the_output_shows_what_happened(
        self, reporter: AnyReporter, output: Callable[[], str] | None
    ) -> None:
        """Fails: nothing is put out of a run with rejects; or `output` isn't wired to the reporter."""
        output = supplied(output, "output")
        for event in ordinary_run():
            reporter.handle(event)
        reporter.close()
        assert output().strip(), "nothing was put out of a whole run"

    def test_the_output_shows_no_secret(
        self, make_reporter: Callable[[], AnyReporter], output: Callable[[], str] | None
    ) -> None:
        """Fails: an option that is secret, or the environment, is put out."""
        output = supplied(output, "output")
        reporter = make_reporter()
        for event in ordinary_run():
            reporter.handle(event)
        reporter.close()
        shown = output() + repr(reporter) + repr(reporter.options)
        for name, value in _secrets_of(reporter):
            assert value not in shown, f"the option {name} is shown"


def _handle(reporter: AnyReporter, event: Event) -> None:
    try:
        reporter.handle(event)
    except BaseException as error:  # noqa: BLE001 - the engine drops a reporter for any
        pytest.fail(f"{type(error).__name__}: {error}, for {repr(event)[:300]}")


def _secrets_of(reporter: AnyReporter) -> list[tuple[str, str]]:
    values = [(name, getattr(reporter.options, name)) for name in type(reporter.options).model_fields]
    revealed = [
        (name, value.get_secret_value()) for name, value in values if hasattr(value, "get_secret_value")
    ]
    return [(name, str(value)) for name, value in revealed if len(str(value)) >= 3]
