"""Finding, loading, blocking and asking plugins; what a bad one can't do."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr

from batchwright import (
    Batch,
    BatchConfig,
    BatchProcessor,
    ConfigError,
    ErrorRecoveryAction,
    Failure,
    PluginError,
    PluginManager,
    RecordType,
    Reporter,
    ReporterOptions,
    Sink,
    SinkError,
    SinkOptions,
    SizeLimits,
    SizingFeedback,
    Store,
    Verdict,
    hookimpl,
)
from batchwright.contracts.events import Event
from batchwright.plugins import watch
from batchwright.plugins.watch import LoadWatch

FEEDBACK = SizingFeedback(total_items=100)


class NotesOptions(SinkOptions):
    colour: str = "white"
    key: SecretStr = SecretStr("")


class NotesSink(Sink[NotesOptions]):
    name = "notes"
    schemes = ("notes", "notebook")
    options_type = NotesOptions

    def open(self, record_type: RecordType | None = None, *, create: bool = True) -> Store:
        raise SinkError("nobody opens it here")


class NotesReporter(Reporter[ReporterOptions]):
    name = "notes"

    def handle(self, event: Event) -> None:
        pass


def offering(*sinks: type[Any], name: str = "stationery", reporters: Iterable[type[Any]] = ()) -> object:
    class Plugin:
        @hookimpl
        def register_sinks(self) -> Iterable[type[Any]]:
            return sinks

        @hookimpl
        def register_reporters(self) -> Iterable[type[Any]]:
            return reporters

    plugin = Plugin()
    plugin.name = name  # type: ignore[attr-defined]
    return plugin


def load(*plugins: object, **arguments: Any) -> PluginManager:
    return PluginManager.load(plugins, scan=False, **arguments)


def classifier(answer: Any, name: str = "judge") -> object:
    class Plugin:
        @hookimpl
        def classify_error(self, failure: Failure) -> Any:
            if isinstance(answer, Exception):
                raise answer
            return answer

    plugin = Plugin()
    plugin.name = name  # type: ignore[attr-defined]
    return plugin


def sizer(answer: Any, name: str = "tailor") -> object:
    class Plugin:
        @hookimpl
        def batch_size(self, limits: SizeLimits) -> Any:
            if isinstance(answer, Exception):
                raise answer
            return answer

    plugin = Plugin()
    plugin.name = name  # type: ignore[attr-defined]
    return plugin


# --- installed ones ---------------------------------------------------------------------------------


class Point:
    """An installed plugin, which notes whether it was loaded."""

    def __init__(self, name: str, plugin: object, distribution: str = "somebodys-plugins") -> None:
        self.name, self.distribution, self.version, self.remark = name, distribution, "1.2", ""
        self.plugin = plugin
        self.loads = 0

    def load(self) -> object:
        self.loads += 1
        if isinstance(self.plugin, BaseException):
            raise self.plugin
        return self.plugin


@pytest.fixture
def points(monkeypatch: pytest.MonkeyPatch) -> list[Point]:
    """The entry points there are; fill it before loading."""
    points: list[Point] = []
    monkeypatch.setattr("batchwright.plugins.manager.find_installed", lambda: list(points))
    return points


def test_the_built_ins_come_through_the_entry_point_group() -> None:
    offers = {info.name: info.offers for info in PluginManager.load().listing() if info.distribution}
    assert offers["classifier"] == ("classifier",)
    assert offers["sizing"] == ("sizer",)
    assert offers["sqlite"] == ("sink sqlite",)
    assert offers["postgres"] == ("sink postgres",)
    assert offers["logging"] == ("reporter logging",)
    assert offers["progress"] == ("reporter progress",)


def test_a_broken_plugin_is_named_and_the_others_work(
    points: list[Point], caplog: pytest.LogCaptureFixture
) -> None:
    points += [
        Point("broken", ImportError("no module named leftpad")),
        Point("good", offering(NotesSink)),
        Point("misspelt", misspelt()),
        Point("empty", SimpleNamespace()),
        Point("raising", raising()),
    ]
    with caplog.at_level(logging.WARNING):
        manager = PluginManager.load()

    states = {info.name: (info.state, info.reason) for info in manager.listing()}
    assert states["good"] == ("ok", "")
    assert states["broken"] == ("broken", "ImportError: no module named leftpad")
    assert states["misspelt"][1] == "there is no hook 'clasify_error'; did you mean 'classify_error'?"
    assert "implements no hook" in states["empty"][1]
    assert states["raising"][1] == "ZeroDivisionError: out of ink"
    assert set(manager.sinks()) == {"notes", "notebook"}
    assert caplog.text.count("is left out") == 4


def misspelt() -> object:
    class Plugin:
        @hookimpl
        def clasify_error(self, failure: Failure) -> None:
            pass

    return Plugin()


def raising() -> object:
    class Plugin:
        @hookimpl
        def register_sinks(self) -> Iterable[type[Any]]:
            raise ZeroDivisionError("out of ink")

    return Plugin()


@pytest.mark.parametrize("blocked", ["notes", "Somebodys_Plugins", " notes "])
def test_a_blocked_plugin_is_not_even_imported(points: list[Point], blocked: str) -> None:
    points.append(Point("notes", offering(NotesSink)))
    [info] = PluginManager.load(disable=[blocked]).listing()
    assert (info.state, points[0].loads) == ("blocked", 0)


def test_the_environment_blocks_too(points: list[Point], monkeypatch: pytest.MonkeyPatch) -> None:
    points += [Point("notes", offering(NotesSink)), Point("other", offering())]
    monkeypatch.setenv("BATCHWRIGHT_DISABLE_PLUGINS", "other , notes")
    assert {info.state for info in PluginManager.load().listing()} == {"blocked"}
    assert [point.loads for point in points] == [0, 0]


def test_two_plugins_of_one_name_are_both_left_out_and_named(points: list[Point]) -> None:
    points += [Point("notes", offering(NotesSink), "first"), Point("notes", offering(), "second")]
    points.append(Point("other", classifier(None)))
    manager = PluginManager.load()
    assert [(info.name, info.state) for info in manager.listing()] == [
        ("notes", "broken"),
        ("notes", "broken"),
        ("other", "ok"),
    ]
    assert [point.loads for point in points] == [0, 0, 1]
    [fault] = manager.faults()
    assert "two plugins are named 'notes': one of first, one of second" in fault.what
    [loaded, *_] = [info for info in PluginManager.load(disable=["second"]).listing() if info.state == "ok"]
    assert loaded.distribution == "first"


def test_a_plugin_that_is_installed_and_named_as_well_counts_once(points: list[Point]) -> None:
    plugin = offering(NotesSink)
    points.append(Point("notes", plugin))
    manager = PluginManager.load(extra=[plugin, plugin])
    assert [(info.name, info.state) for info in manager.listing()] == [("notes", "ok")]
    assert manager.sinks() == {"notes": NotesSink, "notebook": NotesSink}


def test_of_two_sinks_for_one_scheme_neither_is_taken_and_the_error_names_both(points: list[Point]) -> None:
    other = type("Other", (NotesSink,), {"name": "other", "schemes": ("notebook",)})
    third = type("Third", (NotesSink,), {"name": "third", "schemes": ("third",)})
    points += [Point("a", offering(NotesSink), "first"), Point("b", offering(other, third), "second")]
    manager = PluginManager.load()
    message = r"both a \(first\) and b \(second\) offer a sink for 'notebook'"
    with pytest.raises(PluginError, match=message):
        manager.make_sink("notebook://x")
    assert len(manager.clashes()) == 1
    assert manager.sinks() == {"third": third}
    assert isinstance(manager.make_sink("third://x"), third)


def test_a_processor_looks_entry_points_up_once(
    tmp_path: Path, points: list[Point], monkeypatch: pytest.MonkeyPatch
) -> None:
    scans = []

    def find_installed() -> list[Point]:
        scans.append("looked up")
        return points

    monkeypatch.setattr("batchwright.plugins.manager.find_installed", find_installed)
    processor = BatchProcessor(BatchConfig(input_dir=tmp_path))
    assert scans == []
    for _ in range(3):
        processor.handle_error(ValueError(), Batch([], 0))
    assert scans == ["looked up"]


def test_a_processor_configures_no_logging(tmp_path: Path) -> None:
    before = (logging.root.handlers[:], logging.getLogger("batchwright").handlers[:], logging.root.level)
    BatchProcessor(BatchConfig(input_dir=tmp_path)).handle_error(ValueError(), Batch([], 0))
    assert before == (
        logging.root.handlers,
        logging.getLogger("batchwright").handlers,
        logging.root.level,
    )


# --- one's own --------------------------------------------------------------------------------------

PLUGIN_FILE = """
import batchwright

@batchwright.hookimpl
def classify_error(failure):
    return batchwright.Verdict(batchwright.ErrorRecoveryAction.RETRY, "said by a file")
"""


def test_a_file_is_a_plugin_even_with_the_name_of_a_module(tmp_path: Path) -> None:
    path = tmp_path / "json.py"
    path.write_text(PLUGIN_FILE)
    manager = load(str(path))
    [info] = manager.listing()
    assert (info.name, info.distribution, info.offers) == ("json", str(path), ("classifier",))
    assert manager.classify(Failure(KeyError())).decided_by == "json"
    assert not hasattr(sys.modules["json"], "classify_error")


@pytest.mark.parametrize(
    ("plugin", "message"),
    [
        ("nowhere.py", "there is no file nowhere.py"),
        ("no_such_module_at_all", "No module named 'no_such_module_at_all'"),
        (SimpleNamespace(), "implements no hook"),
        (misspelt(), "did you mean 'classify_error'"),
        (raising(), "out of ink"),
    ],
)
def test_a_plugin_that_was_asked_for_and_is_broken_is_an_error(plugin: object, message: str) -> None:
    with pytest.raises(PluginError, match=message):
        load(plugin)


@pytest.mark.parametrize(
    ("version", "advice"),
    [(2, "upgrade batchwright"), (0, "upgrade the plugin"), ("x", "upgrade the plugin")],
)
def test_a_plugin_for_another_api_is_refused_with_advice(version: object, advice: str) -> None:
    plugin = classifier(None)
    plugin.BATCHWRIGHT_API = version  # type: ignore[attr-defined]
    with pytest.raises(PluginError, match=f"written for plugin API {version}, .* has 1; {advice}"):
        load(plugin)
    plugin.BATCHWRIGHT_API = 1  # type: ignore[attr-defined]
    load(plugin)


def test_a_wrong_argument_is_found() -> None:
    class Plugin:
        @hookimpl
        def classify_error(self, failrue: Failure) -> None:
            pass

    with pytest.raises(PluginError, match="failrue"):
        load(Plugin())


def test_hook_wrappers_are_refused() -> None:
    class Plugin:
        @hookimpl(wrapper=True)
        def classify_error(self, failure: Failure) -> Any:
            return (yield)

    with pytest.raises(PluginError, match="wrappers are not supported"):
        load(Plugin())


# --- asking -----------------------------------------------------------------------------------------


def test_the_plugin_registered_last_is_asked_first_and_none_means_no_opinion() -> None:
    retry, skip = ErrorRecoveryAction.RETRY, ErrorRecoveryAction.SKIP
    manager = load(classifier(Verdict(retry), "first"), classifier(skip, "second"), classifier(None, "third"))
    decision = manager.classify(Failure(KeyError()))
    assert (decision.action, decision.decided_by) == (skip, "second")


@pytest.mark.parametrize("answer", [ZeroDivisionError("oops password=hunter2"), "retry", 3])
def test_a_classifier_that_raises_or_babbles_means_fail(
    answer: object, caplog: pytest.LogCaptureFixture
) -> None:
    manager = load(classifier(ErrorRecoveryAction.RETRY, "good"), classifier(answer, "bad"))
    decision = manager.classify(Failure(KeyError()))
    assert (decision.action, decision.decided_by) == (ErrorRecoveryAction.FAIL, "bad")
    assert "'bad' raised" in decision.verdict.reason
    assert "hunter2" not in decision.verdict.reason + caplog.text


def test_nobody_s_answer_means_fail() -> None:
    assert load().classify(Failure(KeyError())).action is ErrorRecoveryAction.FAIL


@pytest.mark.parametrize(("answer", "size"), [(10, 10), (10_000, 500), (0, 1), (-5, 1), (None, 500)])
def test_a_size_is_clamped_to_the_limits(answer: int | None, size: int) -> None:
    assert load(sizer(answer)).batch_size(FEEDBACK, SizeLimits(rows=500)) == size


def test_a_sizer_that_raises_is_passed_over_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    manager = load(sizer(7, "good"), sizer(ZeroDivisionError("oops"), "bad"))
    assert [manager.batch_size(FEEDBACK, SizeLimits(rows=500)) for _ in range(3)] == [7, 7, 7]
    assert caplog.text.count("'bad' raised") == 1


# --- making sinks and reporters ---------------------------------------------------------------------


def test_the_scheme_picks_the_sink_and_sections_and_query_are_its_options() -> None:
    manager = load(offering(NotesSink))
    sink = manager.make_sink("notes://desk/top?colour=red&other=1", {"notes": {"key": "k"}})
    assert isinstance(sink, NotesSink)
    assert sink.options.colour == "red"
    assert sink.options.key.get_secret_value() == "k"
    assert sink.options.url.get_secret_value() == "notes://desk/top?other=1"
    assert manager.make_sink("NOTEBOOK://x").options.colour == "white"


def test_a_url_without_options_of_the_sink_is_handed_on_as_it_is() -> None:
    url = "notes:///a%20b?x=%2F&y"
    assert load(offering(NotesSink)).make_sink(url).options.url.get_secret_value() == url
    bare = load(offering(NotesSink)).make_sink("notes:///a/b?colour=red").options.url.get_secret_value()
    assert bare == "notes:///a/b"


@pytest.mark.parametrize(
    ("url", "sections", "message"),
    [
        ("ntoes://x", {}, r"to: no sink for 'ntoes'; did you mean 'notes'\?; installed: notebook, notes"),
        ("mongodb://me:hunter2@x", {}, r"no sink for 'mongodb'; installed: notebook, notes"),
        ("just a path", {}, r"not a URL"),
        ("notes://x", {"notse": {}}, r"sink.notse: no sink has this name; did you mean 'notes'\?"),
        ("notes://x", {"notes": {"color": "red"}}, r"sink\.notes\.color.*colour"),
        ("notes://x", {"notes": {"colour": ["hunter2"]}}, r"sink\.notes\.colour"),
    ],
)
def test_a_wrong_target_is_a_clear_error(url: str, sections: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load(offering(NotesSink)).make_sink(url, sections)
    assert "hunter2" not in str(caught.value)


def test_a_reporter_is_made_by_name() -> None:
    manager = load(offering(reporters=[NotesReporter]))
    assert isinstance(manager.make("reporter", "notes"), NotesReporter)
    with pytest.raises(ConfigError, match=r"reporter\.nots: no reporter has this name; did you mean 'notes'"):
        manager.make("reporter", "nots")
    with pytest.raises(ConfigError, match=r"reporter\.notes\.loud"):
        manager.make("reporter", "notes", {"notes": {"loud": True}})


@pytest.mark.parametrize(
    ("offer", "message"),
    [
        (int, "offers <class 'int'> as a sink; offer a subclass of batchwright.Sink"),
        ("notes", "offers 'notes' as a sink"),
        (type("Nameless", (NotesSink,), {"name": ""}), "the sink Nameless has no name"),
        (type("Lax", (NotesSink,), {"options_type": dict}), "Lax has options that are no SinkOptions"),
    ],
)
def test_what_is_no_sink_is_not_taken_for_one(offer: Any, message: str) -> None:
    with pytest.raises(PluginError, match=message):
        load(offering(offer))


def test_a_misspelt_option_of_a_sink_that_is_not_used_is_a_mistake_too() -> None:
    other = type("Other", (NotesSink,), {"name": "other", "schemes": ("other",)})
    with pytest.raises(ConfigError, match=r"sink\.notes\.color: no such setting; did you mean colour\?"):
        load(offering(NotesSink, other)).make_sink("other://x", {"notes": {"color": "red"}})


# --- what a bad one can't do ------------------------------------------------------------------------


def misbehaving(hook: str, does: Callable[[], Any], name: str = "unruly") -> object:
    class Plugin:
        @hookimpl
        def batch_size(self, limits: SizeLimits) -> Any:
            return does() if hook == "batch_size" else None

        @hookimpl
        def classify_error(self, failure: Failure) -> Any:
            return does() if hook == "classify_error" else None

    plugin = Plugin()
    plugin.name = name  # type: ignore[attr-defined]
    return plugin


@pytest.fixture
def let_go() -> Iterable[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_a_classifier_that_hangs_means_fail_once_and_is_not_asked_again(let_go: threading.Event) -> None:
    manager = load(classifier(ErrorRecoveryAction.SKIP, "good"), misbehaving("classify_error", let_go.wait))
    manager.patience = 0.2
    first, second = (manager.classify(Failure(KeyError())) for _ in range(2))
    assert (first.action, first.decided_by) == (ErrorRecoveryAction.FAIL, "unruly")
    assert "has not answered for 0.2 s" in first.verdict.reason
    assert (second.action, second.decided_by) == (ErrorRecoveryAction.SKIP, "good")
    [fault] = manager.faults()
    assert (fault.name, fault.kind) == ("unruly", "classifier")


def test_a_sizer_that_hangs_is_passed_over_and_not_asked_again(let_go: threading.Event) -> None:
    asked: list[int] = []

    def hang() -> None:
        asked.append(1)
        let_go.wait()

    manager = load(sizer(7, "good"), misbehaving("batch_size", hang))
    manager.patience = 0.2
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

    manager = load(offering(NotesSink))
    with pytest.raises(PluginError, match="half can't be used: SystemExit: 1"):
        manager._load_extras([Half()], LoadWatch())
    assert manager.offered("reporter") == {}


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
