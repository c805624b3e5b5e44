"""Reporters, classifiers and sizers that keep their contracts, and such that break one promise each."""

from __future__ import annotations

import io
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import ConfigDict, SecretStr

from batchwright import ErrorRecoveryAction, Failure, Reporter, ReporterOptions, Verdict, hookimpl
from batchwright.contracts.events import (
    BatchRetrying,
    BatchWritten,
    Event,
    RecordRejected,
    RunFinished,
    RunStarted,
)
from batchwright.contracts.figures import Figure, Figures
from batchwright.contracts.sizing import SizeLimits, SizingFeedback
from tests.plugins.kit.reference import Broken

RETRY, SKIP, FAIL = ErrorRecoveryAction.RETRY, ErrorRecoveryAction.SKIP, ErrorRecoveryAction.FAIL


# --- reporters ------------------------------------------------------------------------------------


class Options(ReporterOptions):
    token: SecretStr = SecretStr("hunter-2-token")


class GoodReporter(Reporter[Options]):
    name = "good"
    options_type = Options

    def __init__(self, options: Options | None = None) -> None:
        super().__init__(options or Options())
        self.lines: list[str] = []
        self.figures = Figures()

    def handle(self, event: Event) -> None:
        self.lines.append(type(event).__name__)
        self.figures.add(event)

    def shown(self) -> dict[Figure, float]:
        return dict(self.figures.values)


class StumblesOverRejects(GoodReporter):
    def handle(self, event: Event) -> None:
        super().handle(event)
        if isinstance(event, RecordRejected):
            raise Broken("what is this?")


class StumblesOverNone(GoodReporter):
    def handle(self, event: Event) -> None:
        if isinstance(event, BatchRetrying) and event.sqlstate is None:
            raise Broken("no SQLSTATE")


class KnowsAllEvents(GoodReporter):
    def handle(self, event: Event) -> None:
        if type(event).__module__ != "batchwright.contracts.events":
            raise Broken(f"unknown event {event}")


class NeedsAStart(GoodReporter):
    started = False

    def handle(self, event: Event) -> None:
        self.started = self.started or isinstance(event, RunStarted)
        if not self.started:
            raise Broken("no run")


class ReportsOnce(GoodReporter):
    finished = False

    def handle(self, event: Event) -> None:
        if self.finished and isinstance(event, RunStarted):
            raise Broken("the run is over")
        self.finished = self.finished or isinstance(event, RunFinished)


class IsSlow(GoodReporter):
    def handle(self, event: Event) -> None:
        time.sleep(0.005)


class StaysInItsThread(GoodReporter):
    def __init__(self, options: Options | None = None) -> None:
        super().__init__(options)
        self.thread = threading.get_ident()

    def handle(self, event: Event) -> None:
        if threading.get_ident() != self.thread:
            raise Broken("made in another thread")


class ChangesEvents(GoodReporter):
    def handle(self, event: Event) -> None:
        if isinstance(event, BatchWritten):
            object.__setattr__(event, "seconds", event.seconds + 1)


class ClosesOnce(GoodReporter):
    closed = False

    def close(self) -> None:
        if self.closed:
            raise Broken("closed already")
        self.closed = True


class RefusesLateEvents(GoodReporter):
    closed = False

    def handle(self, event: Event) -> None:
        if self.closed:
            raise Broken("closed")

    def close(self) -> None:
        self.closed = True


class UsesAClosedFile(GoodReporter):
    def __init__(self, options: Options | None = None) -> None:
        super().__init__(options)
        self.file: io.StringIO | None = None

    def handle(self, event: Event) -> None:
        super().handle(event)
        self.file = self.file or io.StringIO()
        if self.file.closed:
            raise Broken("the file is closed")

    def close(self) -> None:
        if self.file is not None:
            self.file.close()


class HoldsBack(GoodReporter):
    """Puts out what it holds with the next `handle` or `close`, so one too late."""

    def __init__(self, options: Options | None = None) -> None:
        super().__init__(options)
        self.held: list[str] = []

    def handle(self, event: Event) -> None:
        self.close()
        self.held = [type(event).__name__]
        if isinstance(event, RunFinished):
            self.held.append("the end")

    def close(self) -> None:
        self.lines += self.held[:1]
        del self.held[:1]


class CountsEvents(GoodReporter):
    def shown(self) -> dict[Figure, float]:
        return {("batches", "stored"): self.lines.count("BatchWritten")}


class _Tolerant(Options):
    model_config = ConfigDict(extra="ignore")


class IgnoresOptions(GoodReporter):
    options_type = _Tolerant

    def __init__(self, options: Options | None = None) -> None:
        super().__init__(options or _Tolerant())


class AsksForNoState(GoodReporter):
    each_document = ("faild",)  # type: ignore[assignment]  # that is its fault


class HasNoName(GoodReporter):
    name = ""


class SaysNothing(GoodReporter):
    def handle(self, event: Event) -> None:
        pass


class TellsItsToken(GoodReporter):
    def handle(self, event: Event) -> None:
        self.lines.append(f"sent with {self.options.token.get_secret_value()}")


class HangsOnRejects(GoodReporter):
    def handle(self, event: Event) -> None:
        super().handle(event)
        if isinstance(event, RecordRejected):
            threading.Event().wait(60)


class ExitsOnRejects(GoodReporter):
    def handle(self, event: Event) -> None:
        super().handle(event)
        if isinstance(event, RecordRejected):
            sys.exit("too many rejects")


class PrintsEvents(GoodReporter):
    def handle(self, event: Event) -> None:
        super().handle(event)
        os.write(1, b"an event\n")  # as a C library does


class Posts(GoodReporter):
    """Sends its lines over a network that may be away, and gives up when the first can't be sent."""

    given_up = False

    def handle(self, event: Event) -> None:
        if away.is_set():
            self.given_up = True
        if not self.given_up:
            super().handle(event)


away = threading.Event()


@contextmanager
def cut_off() -> Iterator[None]:
    away.set()
    try:
        yield
    finally:
        away.clear()


REPORTERS: dict[str, type[GoodReporter]] = {
    "no_event_makes_it_hang": HangsOnRejects,
    "no_event_ends_the_process": ExitsOnRejects,
    "nothing_is_written_to_stdout": PrintsEvents,
    "it_recovers_when_its_first_post_fails": Posts,
    "a_whole_run_is_reported": StumblesOverRejects,
    "every_kind_of_event_is_taken": StumblesOverNone,
    "an_unknown_event_is_ignored": KnowsAllEvents,
    "events_may_come_in_any_order": NeedsAStart,
    "a_second_run_is_reported_like_the_first": ReportsOnce,
    "many_events_are_handled_quickly": IsSlow,
    "events_may_come_from_several_threads": StaysInItsThread,
    "events_are_left_as_they_are": ChangesEvents,
    "closing_twice_does_no_harm": ClosesOnce,
    "an_event_after_close_does_no_harm": RefusesLateEvents,
    "a_closed_reporter_takes_late_events_and_the_next_run": UsesAClosedFile,
    "close_puts_out_all_there_is": HoldsBack,
    "figures_at_the_end_are_those_of_the_account": CountsEvents,
    "an_unknown_option_is_refused": IgnoresOptions,
    "documents_are_asked_for_by_states_that_exist": AsksForNoState,
    "the_reporter_says_what_it_is": HasNoName,
    "the_output_shows_what_happened": SaysNothing,
    "the_output_shows_no_secret": TellsItsToken,
}


# --- classifiers ----------------------------------------------------------------------------------


class Busy(Exception):
    """The gateway's error 4711."""


class GoodClassifier:
    name = "good-classifier"

    @hookimpl
    def classify_error(self, failure: Failure) -> Any:
        if any(isinstance(error, Busy) for error in failure.chain):
            return self.answer(failure)
        return self.otherwise(failure)

    def answer(self, failure: Failure) -> Any:
        return Verdict(RETRY, "the gateway is busy", wait=30)

    def otherwise(self, failure: Failure) -> Any:
        return None


class Misspelt:
    name = "misspelt"

    @hookimpl
    def clasify_error(self, failure: Failure) -> Any:
        return None


class SaysSomethingElse(GoodClassifier):
    def answer(self, failure: Failure) -> Any:
        return SKIP if failure.phase == "open" else RETRY


class TrustsTheMessage(GoodClassifier):
    def otherwise(self, failure: Failure) -> Any:
        return FAIL if "4711" in str(failure.error.args[0]) else None


class AnswersText(GoodClassifier):
    def answer(self, failure: Failure) -> Any:
        return "retry"


class WaitsForEver(GoodClassifier):
    def answer(self, failure: Failure) -> Any:
        return Verdict(RETRY, wait=math.inf)


class ChangesItsMind(GoodClassifier):
    asked = 0

    def answer(self, failure: Failure) -> Any:
        self.asked += 1
        return RETRY if self.asked % 2 else FAIL


class TakesNotes(GoodClassifier):
    def answer(self, failure: Failure) -> Any:
        failure.error.args = (*failure.error.args, "seen")
        return RETRY


class ClaimsEverything(GoodClassifier):
    def otherwise(self, failure: Failure) -> Any:
        return FAIL


class Ponders(GoodClassifier):
    def answer(self, failure: Failure) -> Any:
        time.sleep(5)
        return RETRY


class PrintsAnswers(GoodClassifier):
    def answer(self, failure: Failure) -> Any:
        print("the gateway is busy")
        return super().answer(failure)


CLASSIFIERS: dict[str, Callable[[], object]] = {
    "nothing_is_written_to_stdout": PrintsAnswers,
    "the_plugin_loads_as_a_classifier": Misspelt,
    "each_case_gets_its_verdict": SaysSomethingElse,
    "nothing_makes_it_raise": TrustsTheMessage,
    "it_answers_a_verdict_an_action_or_none": AnswersText,
    "waits_are_finite_and_not_negative": WaitsForEver,
    "the_same_failure_gets_the_same_answer": ChangesItsMind,
    "a_failure_is_left_as_it_is": TakesNotes,
    "errors_of_others_are_left_to_others": ClaimsEverything,
    "answers_come_soon": Ponders,
}


# --- sizers ---------------------------------------------------------------------------------------


class GoodSizer:
    name = "good-sizer"

    @hookimpl
    def batch_size(self, feedback: SizingFeedback, limits: SizeLimits) -> Any:
        size = feedback.last_size or 64
        if feedback.too_large:
            size //= 2
        elif feedback.adaptive and feedback.last_records:
            ratio = 0.5 / max(feedback.last_seconds, 0.005)
            size = round(size * min(2.0, max(0.5, ratio)))
        return max(1, min(size, limits.rows))


class MisspeltSizer:
    name = "misspelt"

    @hookimpl
    def batchsize(self, feedback: SizingFeedback) -> Any:
        return None


class DividesByZero:
    @hookimpl
    def batch_size(self, feedback: SizingFeedback, limits: SizeLimits) -> Any:
        return max(1, int(feedback.last_size / feedback.last_seconds))


class AnswersFractions:
    @hookimpl
    def batch_size(self, feedback: SizingFeedback, limits: SizeLimits) -> Any:
        return feedback.last_size / 2


class IgnoresLimits:
    @hookimpl
    def batch_size(self, feedback: SizingFeedback, limits: SizeLimits) -> Any:
        return 128


class Jumps:
    @hookimpl
    def batch_size(self, feedback: SizingFeedback, limits: SizeLimits) -> Any:
        return 10 if feedback.last_size > 100 else 1_000


class Insists:
    @hookimpl
    def batch_size(self, feedback: SizingFeedback, limits: SizeLimits) -> Any:
        return feedback.last_size or 100


class PondersOnSizes:
    @hookimpl
    def batch_size(self, feedback: SizingFeedback, limits: SizeLimits) -> Any:
        time.sleep(0.01)


class PrintsSizes(GoodSizer):
    @hookimpl
    def batch_size(self, feedback: SizingFeedback, limits: SizeLimits) -> Any:
        size = super().batch_size(feedback, limits)
        print("the next batch has", size)
        return size


SIZERS: dict[str, Callable[[], object]] = {
    "nothing_is_written_to_stdout": PrintsSizes,
    "the_plugin_loads_as_a_sizer": MisspeltSizer,
    "nothing_makes_it_raise": DividesByZero,
    "it_answers_a_whole_number_from_one_or_none": AnswersFractions,
    "limits_are_heeded_where_that_is_promised": IgnoresLimits,
    "it_settles_when_nothing_changes": Jumps,
    "it_shrinks_when_batches_are_too_large": Insists,
    "answers_come_soon": PondersOnSizes,
}
