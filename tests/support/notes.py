"""Plugins that tests of plugins load: a sink and a reporter called notes, classifiers and sizers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import SecretStr

from batchwright import (
    Failure,
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
    hookimpl,
)
from batchwright.contracts.events import Event

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


def offering(*sinks: type[Any], reporters: Iterable[type[Any]] = ()) -> object:
    class Plugin:
        @hookimpl
        def register_sinks(self) -> Iterable[type[Any]]:
            return sinks

        @hookimpl
        def register_reporters(self) -> Iterable[type[Any]]:
            return reporters

    return named(Plugin(), "stationery")


def named(plugin: object, name: str) -> object:
    """Return the plugin, under a name."""
    plugin.name = name  # type: ignore[attr-defined]
    return plugin


def answering(answer: Any) -> Any:
    """Return an answer, or raise it."""
    if isinstance(answer, Exception):
        raise answer
    return answer


def load(*plugins: object, **arguments: Any) -> PluginManager:
    return PluginManager.load(plugins, scan=False, **arguments)


def classifier(answer: Any, name: str = "judge") -> object:
    class Plugin:
        @hookimpl
        def classify_error(self, failure: Failure) -> Any:
            return answering(answer)

    return named(Plugin(), name)


def sizer(answer: Any, name: str = "tailor") -> object:
    class Plugin:
        @hookimpl
        def batch_size(self, limits: SizeLimits) -> Any:
            return answering(answer)

    return named(Plugin(), name)
