"""The reporter: receives the events of a run. Subclass `Reporter`, implement `handle`, register the class."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection
from typing import Any, ClassVar, TypeVar

from batchwright.contracts.account import DocumentState
from batchwright.contracts.events import Event
from batchwright.contracts.plugin import Plugin, PluginOptions


class ReporterOptions(PluginOptions):
    """Options of a reporter, from its section ``[reporter.NAME]`` in the settings; subclass it for more."""


Options = TypeVar("Options", bound=ReporterOptions)


class Reporter(Plugin[Options]):
    """Receives the events of a run, one at a time, though not always from the same thread.

    A reporter that raises is dropped for the rest of the run, with one warning; the run goes on.

    Attributes:
        each_document: For documents in which states it wants a `DocumentFinished` each, besides the
            `DocumentsFinished` that counts them; asked for once, when a run begins.
    """

    options_type: ClassVar[type[ReporterOptions]] = ReporterOptions
    each_document: Collection[DocumentState] = ()

    @abstractmethod
    def handle(self, event: Event) -> None:
        """Take note of an event. Return soon: the run waits."""

    def close(self) -> None:
        """Let go of every resource. The run is over; may come more than once."""


AnyReporter = Reporter[Any]
