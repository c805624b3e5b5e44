"""Finding, loading, blocking and asking plugins; what a bad one can't do."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from batchwright import (
    Batch,
    BatchConfig,
    BatchProcessor,
    Failure,
    PluginError,
    PluginManager,
    hookimpl,
)
from batchwright.plugins.files import import_plugin
from tests.support.notes import (
    NotesSink,
    classifier,
    load,
    offering,
)

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
    monkeypatch.setattr("batchwright.plugins.loading.find_installed", lambda: list(points))
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

    monkeypatch.setattr("batchwright.plugins.loading.find_installed", find_installed)
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


def test_a_file_that_was_just_changed_is_taken_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = tmp_path / "mine.py"
    for text in ("one", "two"):
        path.write_text(f"text = {text!r}\n", "utf-8")
        os.utime(path, (1_000_000_000, 1_000_000_000))
        module = import_plugin(path)
        del sys.modules[module.__name__]
        assert module.text == text
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_a_plugin_even_with_the_name_of_a_module(tmp_path: Path) -> None:
    path = tmp_path / "json.py"
    path.write_text(PLUGIN_FILE)
    manager = load(str(path))
    [info] = manager.listing()
    assert (info.name, info.distribution, info.offers) == ("json", str(path), ("classifier",))
    assert manager.classify(Failure(KeyError())).decided_by == "json"
    assert not hasattr(sys.modules["json"], "classify_error")


def test_a_tilde_in_the_name_of_a_file_is_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine.py").write_text(PLUGIN_FILE)
    manager = load("~/mine.py")
    assert manager.listing()[0].name == "mine"
    assert manager.extra() == (str(tmp_path / "mine.py"),)


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
