"""The contract of a classifier, as checks."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence
from typing import Any, ClassVar

import pytest

from batchwright.contracts.failure import Failure, Verdict
from batchwright.errors import BadRecords, BatchTooLarge, DeadlineExceeded, SinkError
from batchwright.model import Batch, ErrorRecoveryAction
from batchwright.testing.asking import ask, offers
from batchwright.testing.calls import silent, within
from batchwright.testing.records import batch, sample

Case = tuple[BaseException, ErrorRecoveryAction | None]
"""An exception, and what the classifier is to say; None where it has no opinion."""


class ClassifierContract:
    """Subclass it as ``TestMyClassifier``, and supply two fixtures.

    Fixtures to supply:
        classifier: The plugin: a module or object with a hook `classify_error`; new for each test.
        cases: A list of exceptions, each with the action expected, or None for no opinion.

    Attributes:
        claims_everything: True for a classifier that is to answer last, and always.
        patience: Seconds that all answers together may take.
    """

    claims_everything: ClassVar[bool] = False
    patience: ClassVar[float] = 10.0

    @pytest.fixture
    def classifier(self) -> object:
        """Override: return the plugin."""
        pytest.fail("override the fixture `classifier`: it returns the plugin, a module or object")

    @pytest.fixture
    def cases(self) -> Sequence[Case]:
        """Override: return exceptions with the actions expected."""
        pytest.fail("override the fixture `cases`: it returns a list of (exception, expected action or None)")

    def test_the_plugin_loads_as_a_classifier(self, classifier: object) -> None:
        """Fails: the hook is misspelt, or lacks @batchwright.hookimpl."""
        assert "classifier" in offers(classifier), f"it offers {', '.join(offers(classifier)) or 'nothing'}"

    def test_each_case_gets_its_verdict(self, classifier: object, cases: Sequence[Case]) -> None:
        """Fails: the classifier says something else than `cases` expects, in any phase, with any batch."""
        assert cases, "`cases` is empty; name at least one error that the classifier knows"
        for error, expected in cases:
            for given in (None, batch(sample("a.md").chunks)):
                for phase in ("write", "open", "process"):
                    answer = ask(classifier, "classify_error", failure=Failure(error, given, 1, phase))
                    said = _action(answer)
                    assert said is expected, f"{error!r} ({phase}): {said}, not {expected}"

    def test_nothing_makes_it_raise(self, classifier: object) -> None:
        """Fails: an odd failure makes it raise, taken for FAIL. Expect no attribute, no batch."""
        for what, failure in odd_failures():
            try:
                ask(classifier, "classify_error", failure=failure)
            except Exception as error:  # noqa: BLE001 - none may come
                pytest.fail(f"{type(error).__name__} ({error}) for {what}")

    def test_it_answers_a_verdict_an_action_or_none(self, classifier: object, cases: Sequence[Case]) -> None:
        """Fails: an answer is of another type, which the engine takes for FAIL."""
        for what, answer in _answers(classifier, cases):
            assert answer is None or isinstance(answer, Verdict | ErrorRecoveryAction), (
                f"{answer!r} for {what}"
            )
            if isinstance(answer, Verdict):
                assert isinstance(answer.action, ErrorRecoveryAction), (
                    f"the action {answer.action!r} for {what}"
                )
                assert isinstance(answer.reason, str), f"the reason {answer.reason!r} for {what}"

    def test_waits_are_finite_and_not_negative(self, classifier: object, cases: Sequence[Case]) -> None:
        """Fails: a wait is negative, infinite or NaN, or given to something else than RETRY."""
        for what, answer in _answers(classifier, cases):
            if not isinstance(answer, Verdict) or answer.wait is None:
                continue
            assert isinstance(answer.wait, int | float), f"a wait of {answer.wait!r} for {what}"
            assert math.isfinite(answer.wait), f"a wait of {answer.wait} for {what}"
            assert answer.wait >= 0, f"a wait of {answer.wait} s for {what}"
            assert answer.action is ErrorRecoveryAction.RETRY, f"a wait for {answer.action}, for {what}"

    def test_the_same_failure_gets_the_same_answer(self, classifier: object, cases: Sequence[Case]) -> None:
        """Fails: the answer depends on chance, or on what was asked before."""
        first = _answers(classifier, cases)
        for again in (_answers(classifier, cases), _answers(classifier, cases)):
            for (what, one), (_, other) in zip(first, again, strict=True):
                assert one == other, f"{one!r}, then {other!r} for {what}"

    def test_a_failure_is_left_as_it_is(self, classifier: object, cases: Sequence[Case]) -> None:
        """Fails: the classifier changes the exception or the batch, which others look at as well."""
        for error, _ in cases:
            given = batch(sample("a.md").chunks)
            before = (
                error.args,
                error.__cause__,
                error.__context__,
                dict(vars(error)),
                batch(sample("a.md").chunks),
            )
            ask(classifier, "classify_error", failure=Failure(error, given))
            after = (error.args, error.__cause__, error.__context__, dict(vars(error)), given)
            assert before == after, f"{error!r} was changed, or its batch"

    def test_errors_of_others_are_left_to_others(self, classifier: object) -> None:
        """Fails: the classifier answers to an error that nobody knows, and no plugin behind it is asked."""
        if self.claims_everything:
            pytest.skip("the classifier is to claim everything")
        for error in (_Unheard("what is this?"), _Unheard(), BaseException()):
            answer = ask(classifier, "classify_error", failure=Failure(error))
            assert answer is None, f"{answer!r} for {error!r}; answer None to what you don't know"

    def test_nothing_is_written_to_stdout(
        self, classifier: object, cases: Sequence[Case], capfd: pytest.CaptureFixture[str]
    ) -> None:
        """Fails: it prints. Stdout belongs to the results of the command; log, or write to stderr."""
        _answers(classifier, cases)
        silent(capfd, "the classifier")

    def test_answers_come_soon(self, classifier: object, cases: Sequence[Case]) -> None:
        """Fails: an answer takes long, and a batch waits for it. Ask nobody, look up nothing."""
        within(self.patience, "answering to odd failures", lambda: _answers(classifier, cases))


class _Unheard(Exception):
    """An exception that no classifier knows."""


class _Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("this exception can't be shown")

    __repr__ = __str__


class IntegrityError(Exception):
    """Named like that of every database driver."""


def odd_failures() -> list[tuple[str, Failure]]:
    """Return failures that a careless classifier trips over, with what is odd about each."""
    errors: dict[str, BaseException] = {
        "an exception without arguments": Exception(),
        "an exception that can't be shown": _Mute("x"),
        "arguments that are no text": Exception(None, 7, object()),
        "a message of NUL and surrogates": ValueError("\0\ud800 %s {} \n"),
        "a message of a megabyte": RuntimeError("x" * 1_000_000),
        "KeyboardInterrupt": KeyboardInterrupt(),
        "SystemExit": SystemExit("x"),
        "GeneratorExit": GeneratorExit(),
        "StopIteration": StopIteration(),
        "MemoryError": MemoryError(),
        "OSError without a number": OSError(),
        "a timeout": TimeoutError(),
        "a lost connection": ConnectionResetError(104, "reset"),
        "text that can't be decoded": UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no"),
        "a group": ExceptionGroup("two", [ValueError("a"), ExceptionGroup("in it", [OSError("b")])]),
        "an error of SQLite": sqlite3.OperationalError("database is locked"),
        "an IntegrityError of nobody": IntegrityError("unique"),
        "BadRecords": BadRecords({0: "no"}),
        "BadRecords without any": BadRecords({}),
        "BatchTooLarge": BatchTooLarge(),
        "DeadlineExceeded": DeadlineExceeded("no answer after 1 s"),
        "SinkError": SinkError("no such table"),
    }
    odd: dict[str, dict[str, Any]] = {
        "an SQLSTATE that is a number": {"sqlstate": 40001},
        "an empty SQLSTATE": {"sqlstate": ""},
        "an SQLSTATE of one letter": {"sqlstate": "x"},
        "an SQLSTATE that nobody knows": {"sqlstate": "ZZ999"},
        "a status that is a text": {"status_code": "429"},
        "a status out of range": {"status": 99999},
        "a response that is a text": {"response": "503"},
        "an original that is a text": {"orig": "IntegrityError"},
        "an SQLite code that is None": {"sqlite_errorcode": None},
        "a number that is a text": {"errno": "11"},
    }
    for what, values in odd.items():
        errors[what] = _Unheard(what)
        vars(errors[what]).update(values)
    cyclic = _Unheard("cyclic")
    cyclic.__cause__ = ValueError("its cause")
    cyclic.__cause__.__cause__ = cyclic
    deep: BaseException = ValueError("at the bottom")
    for _ in range(3_000):
        deep, below = _Unheard("above"), deep
        deep.__context__ = below
    errors |= {"a cyclic chain": cyclic, "a chain of 3,000": deep}
    made = [(what, Failure(error)) for what, error in errors.items()]
    error = _Unheard("x")
    given: list[Batch[Any]] = [Batch([], 0), Batch([object(), None, "x"], 0), batch(sample("a.md").chunks)]
    made += [(f"the batch {one.batch_index} of {len(one.documents)}", Failure(error, one)) for one in given]
    made += [(f"attempt {attempt}", Failure(error, None, attempt)) for attempt in (1, 2, 100, 10**9)]
    phases: tuple[Any, ...] = ("open", "process", "later", "")  # one of a later batchwright's, and none
    made += [(f"the phase {phase!r}", Failure(error, phase=phase)) for phase in phases]
    return made


def _answers(classifier: object, cases: Sequence[Case]) -> list[tuple[str, Any]]:
    failures = [*odd_failures(), *((repr(error), Failure(error)) for error, _ in cases)]
    return [(what, ask(classifier, "classify_error", failure=failure)) for what, failure in failures]


def _action(answer: Any) -> Any:
    return answer.action if isinstance(answer, Verdict) else answer
