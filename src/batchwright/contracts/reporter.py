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

    The last is `RunFinished`, or `RunNotStarted` where the run could not begin. A process that is killed
    sends neither.

    A reporter that raises gets no more events of the run, with one warning; the run goes on.

    Attributes:
        each_document: States of documents for which it gets a `DocumentFinished` each, besides the
            `DocumentsFinished` that counts them. Read once, when a run begins.
    """

    options_type: ClassVar[type[ReporterOptions]] = ReporterOptions
    each_document: Collection[DocumentState] = ()

    @abstractmethod
    def handle(self, event: Event) -> None:
        """Handle an event. Return soon: the run waits."""

    def close(self) -> None:
        """Release every resource: the run is over. May be called more than once."""


AnyReporter = Reporter[Any]
