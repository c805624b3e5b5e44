"""The reporter: who hears of a run. Subclass `Reporter`, implement `handle`, register the class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from batchwright.contracts.account import DocumentState
from batchwright.contracts.events import Event


class ReporterOptions(BaseModel):
    """Options of a reporter, from its section ``[reporter.NAME]`` in the settings; subclass it for more."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


Options = TypeVar("Options", bound=ReporterOptions)


class Reporter(ABC, Generic[Options]):
    """Hears of a run. Events come one at a time, though not always from the same thread.

    A reporter that raises is dropped for the rest of the run, with one warning; the run goes on.

    Attributes:
        name: Names the reporter in settings and messages.
        options_type: The model that validates its options.
        each_document: For documents in which states it wants a `DocumentFinished` each, besides the
            `DocumentsFinished` that counts them; asked for once, when a run begins.
    """

    name: ClassVar[str]
    options_type: ClassVar[type[ReporterOptions]] = ReporterOptions
    each_document: Collection[DocumentState] = ()

    def __init__(self, options: Options) -> None:
        """Keep the options."""
        self.options = options

    @abstractmethod
    def handle(self, event: Event) -> None:
        """Take note of an event. Return soon: the run waits."""

    def close(self) -> None:
        """Let go of every resource. The run is over; may come more than once."""


AnyReporter = Reporter[Any]
