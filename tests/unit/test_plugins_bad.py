"""What a plugin that misbehaves can't do."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from batchwright import (
    ErrorRecoveryAction,
    Failure,
    PluginError,
    SizeLimits,
    SizingFeedback,
    Verdict,
    hookimpl,
)
from batchwright.plugins import asking, watch
from batchwright.plugins.faults import FaultLog
from batchwright.plugins.loading import Loader
from batchwright.plugins.watch import LoadWatch
from tests.support.notes import NotesReporter, NotesSink, classifier, load, offering, sizer

FEEDBACK = SizingFeedback(total_items=100)


def misbehaving(hook: str, does: Callable[[], Any]) -> object:
    class Plugin:
        @hookimpl
        def batch_size(self, limits: SizeLimits) -> Any:
            return does() if hook == "batch_size" else None

        @hookimpl
        def classify_error(self, failure: Failure) -> Any:
            return does() if hook == "classify_error" else None

    plugin = Plugin()
    plugin.name = "unruly"  # type: ignore[attr-defined]
    return plugin


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "PATIENCE", 0.2)


@pytest.fixture
def let_go() -> Iterable[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


@pytest.mark.usefixtures("impatient")
def test_a_classifier_that_hangs_means_fail_once_and_is_not_asked_again(let_go: threading.Event) -> None:
    manager = load(classifier(ErrorRecoveryAction.SKIP, "good"), misbehaving("classify_error", let_go.wait))
    first, second = (manager.classify(Failure(KeyError())) for _ in range(2))
    assert (first.action, first.decided_by) == (ErrorRecoveryAction.FAIL, "unruly")
    assert "has not answered for 0.2 s" in first.verdict.reason
    assert (second.action, second.decided_by) == (ErrorRecoveryAction.SKIP, "good")
    [fault] = manager.faults()
    assert (fault.name, fault.kind) == ("unruly", "classifier")


@pytest.mark.usefixtures("impatient")
def test_a_sizer_that_hangs_is_passed_over_and_not_asked_again(let_go: threading.Event) -> None:
    asked: list[int] = []

    def hang() -> None:
        asked.append(1)
        let_go.wait()

    manager = load(sizer(7, "good"), misbehaving("batch_size", hang))
    assert [manager.batch_size(FEEDBACK, SizeLimits(rows=500)) for _ in range(3)] == [7, 7, 7]
    assert len(asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        Verdict("retry"),  # type: ignore[arg-type]  # that is its fault
        Verdict(ErrorRecoveryAction.RETRY, wait=float("nan")),
        Verdict(ErrorRecoveryAction.RETRY, wait="soon"),  # type: ignore[arg-type]
    ],
)
def test_a_verdict_that_is_none_means_fail(answer: Verdict) -> None:
    decision = load(misbehaving("classify_error", lambda: answer)).classify(Failure(KeyError()))
    assert decision.action is ErrorRecoveryAction.FAIL


@pytest.mark.filterwarnings("error")
def test_an_answer_that_would_have_to_be_awaited_is_none() -> None:
    async def later() -> ErrorRecoveryAction:
        return ErrorRecoveryAction.SKIP

    decision = load(misbehaving("classify_error", later)).classify(Failure(KeyError()))
    assert decision.action is ErrorRecoveryAction.FAIL
    assert "called, not awaited" in decision.verdict.reason


def test_a_plugin_that_fails_at_its_second_hook_leaves_nothing_of_its_first() -> None:
    class Half:
        name = "half"

        @hookimpl
        def register_reporters(self) -> Iterable[type[Any]]:
            return [NotesReporter]

        @hookimpl
        def register_sinks(self) -> Iterable[type[Any]]:
            raise SystemExit(1)

    with LoadWatch() as watching:
        loader = Loader(watching, FaultLog())
        with pytest.raises(PluginError, match="half can't be used: SystemExit: 1"):
            loader.load_given([offering(NotesSink), Half()])
    assert loader.loaded.catalog.offered("sink") == {"notes": NotesSink}
    assert loader.loaded.catalog.offered("reporter") == {}


@pytest.mark.parametrize(
    ("values", "message"),
    [({"schemes": "notes"}, "schemes 'notes'"), ({"name": 7}, "name 7")],
)
def test_a_sink_with_odd_names_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(PluginError, match=message):
        load(offering(type("Odd", (NotesSink,), values)))


def test_a_plugin_that_is_slow_to_load_is_named_and_one_that_hangs_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(watch, "SLOW", 0.2)
    monkeypatch.setattr(watch, "HANGS", 0.6)
    monkeypatch.setattr(watch, "_LOOK", 0.05)
    path = tmp_path / "sleepy.py"
    path.write_text("import time\ntime.sleep(60)\n")
    before = signal.signal(signal.SIGALRM, signal.SIG_DFL)  # which the tests' own timeout uses
    try:
        with (
            caplog.at_level(logging.WARNING),
            pytest.raises(PluginError, match=r"still loading after 0\.6 s"),
        ):
            load(str(path))
        assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGALRM, before)
    assert "has been loading for" in caplog.text
    assert "take it off --plugin" in caplog.text
