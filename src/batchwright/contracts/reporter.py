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
    """Receives the events of a run, one at a time and in order, by a thread that is the reporter's own.

    The last is `RunFinished`, or `RunNotStarted` where the run could not begin. A process that is killed
    sends neither. The thread sees the context variables (`contextvars`) of the program that began the run.

    A reporter that raises anything gets only the final event from then on. One in which a
    call takes longer than 10 s gets nothing more, and is not closed. Either is named at the end of the run,
    which goes on. After the run a reporter has 30 s to handle what waits for it.

    Attributes:
        each_document: States of documents for which it gets a `DocumentFinished` each, besides the
            `DocumentsFinished` that counts them. Read once, when a run begins.
    """

    options_type: ClassVar[type[ReporterOptions]] = ReporterOptions
    each_document: Collection[DocumentState] = ()

    @abstractmethod
    def handle(self, event: Event) -> None:
        """Handle an event. Return soon: a few hundred events wait for it, then the run does."""

    def close(self) -> None:
        """Release every resource: the run is over. May be called more than once."""


AnyReporter = Reporter[Any]
