"""The logging reporter: one event, one log record, with every field of the event in it.

It configures no logging: levels and handlers are the program's business. `JsonFormatter` is there for a
handler that wants each record as one line of JSON.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from batchwright.contracts.account import DOCUMENT_STATES, Account, DocumentState
from batchwright.contracts.events import (
    BatchFailed,
    BatchFinished,
    BatchRetrying,
    BatchSplit,
    BatchStarted,
    BatchWritten,
    DocumentFinished,
    DocumentsFinished,
    DocumentsRead,
    DocumentsRemoved,
    EmbeddingStarted,
    ErrorClassified,
    Event,
    InputCounted,
    ItemLeftOut,
    OutageEnded,
    OutageStarted,
    RecordRejected,
    RowsEmbedded,
    RowsRead,
    RunFinished,
    RunNotStarted,
    RunStarted,
    StopRequested,
    TextsEmbedded,
    TextsQueued,
    VectorsSwept,
)
from batchwright.contracts.hookspecs import hookimpl
from batchwright.contracts.reporter import AnyReporter, Reporter, ReporterOptions
from batchwright.plurals import counted
from batchwright.visible import json_text, one_line

logger = logging.getLogger("batchwright.run")

BELOW_DEBUG = 5
"""The level of events that repeat what others say, such as counts of documents that are logged one by one."""

_RENAMED = {"message": "error_message"}
"""Fields of events that a LogRecord has already."""
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class LoggingOptions(ReporterOptions):
    """Options of the logging reporter."""

    format: Literal["text", "json"] = "text"
    """What the command line writes to stderr; the reporter itself writes nothing."""


class LoggingReporter(Reporter[LoggingOptions]):
    """Logs events to ``batchwright.run``.

    Each record has the event's name as `event`, its fields by their names (`message` as `error_message`),
    and the `run_id`. Of documents that fail, records set aside and requests made again for one cause a few
    are warnings; the others are INFO, and counted in one more warning at the end (`event` is
    ``warnings_repeated``). INFO names every document that changed and counts the others, DEBUG names those
    too, and says how each error of a batch was classified.
    """

    name = "logging"
    options_type = LoggingOptions

    def __init__(self, options: LoggingOptions | None = None) -> None:
        super().__init__(options or LoggingOptions())
        self._run_id = ""
        self._repeated = Repeated()

    @property
    def each_document(self) -> Collection[DocumentState]:  # type: ignore[override]  # depends on the level
        """The states in which documents are logged one by one, at the level that is on."""
        return [state for state in DOCUMENT_STATES if _is_named(state)]

    def handle(self, event: Event) -> None:
        """Log the event, if anyone listens at its level."""
        if isinstance(event, RunStarted):
            self._run_id, self._repeated = event.run_id, Repeated()
        if isinstance(event, RunFinished):
            for count, what in self._repeated.held_back():
                extra = {"run_id": self._run_id, "event": "warnings_repeated", "count": count}
                logger.warning("%s more: %s", f"{count:,}", one_line(what), extra=extra)
        level = self._repeated.level(event, _level(event))
        if logger.isEnabledFor(level):
            named = {
                _RENAMED.get(field.name, field.name): getattr(event, field.name) for field in fields(event)
            }
            logger.log(
                level,
                "%s",
                one_line(_text(event)),  # one event, one line, whatever a database says
                extra={"run_id": self._run_id, **named, "event": _name(type(event))},
            )


class Repeated:
    """Warnings about documents, records and requests: after a few of a kind, more are INFO, and counted.

    One cause may cost thousands of documents; a log that names them all hides it, and everything else.
    """

    FEW = 3
    KINDS = 20
    _OTHERS = "warnings of other kinds"

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def level(self, event: Event, level: int) -> int:
        """Return the level of an event that would have this one by itself."""
        if level != logging.WARNING:
            return level
        match event:
            case DocumentFinished():
                kind = f"{event.state}: {event.reason}"
            case RecordRejected():
                kind = f"set aside: {event.error}: {event.message}{_decision(event)}"
            case BatchRetrying(batch_index=None):  # several make requests, and meet the same
                kind = f"{_batch(event)}: tried again: {_error(event)}{_decision(event)}"
            case _:
                return level
        if kind not in self._counts and len(self._counts) >= self.KINDS:
            kind = self._OTHERS
        self._counts[kind] = count = self._counts.get(kind, 0) + 1
        return level if count <= self.FEW else logging.INFO

    def held_back(self) -> Iterable[tuple[int, str]]:
        """Yield how many of each kind were no warnings any more, and the kind."""
        for kind, count in self._counts.items():
            if count > self.FEW:
                yield count - self.FEW, kind


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON: time, level, logger, message, then whatever `extra` it has."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update((name, value) for name, value in vars(record).items() if name not in _OWN)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json_text(line, default=_plain)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return str(value)


_NAMES: dict[type[Event], str] = {}


def _name(kind: type[Event]) -> str:
    """Return ``batch_written`` for BatchWritten."""
    if kind not in _NAMES:
        words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in kind.__name__)
        _NAMES[kind] = words.strip().replace(" ", "_")
    return _NAMES[kind]


_LEVELS: Mapping[type[Event], int] = {
    RunStarted: logging.INFO,
    RunNotStarted: logging.ERROR,
    InputCounted: logging.INFO,
    ItemLeftOut: logging.DEBUG,
    BatchStarted: logging.DEBUG,
    BatchWritten: logging.INFO,
    BatchFinished: logging.DEBUG,
    BatchRetrying: logging.WARNING,
    BatchSplit: logging.INFO,
    RecordRejected: logging.WARNING,
    BatchFailed: logging.ERROR,
    OutageStarted: logging.WARNING,
    OutageEnded: logging.WARNING,
    TextsQueued: logging.DEBUG,
    TextsEmbedded: logging.DEBUG,
    DocumentsRead: BELOW_DEBUG,
    StopRequested: logging.WARNING,
}
_DOCUMENT_LEVELS: Mapping[DocumentState, int] = {
    "failed": logging.WARNING,
    "unchanged": logging.DEBUG,
    "refused": logging.WARNING,
    "not_attempted": BELOW_DEBUG,  # they are counted: some were not even reached
}
_FINISH_LEVELS = {"failed": logging.ERROR, "interrupted": logging.WARNING}


def _level(event: Event) -> int:
    match event:
        case RecordRejected(position=None):
            return logging.DEBUG  # the document's own event says it
        case BatchWritten(batch_index=None):
            return logging.DEBUG  # likewise
        case DocumentFinished():
            return _document_level(event.state)
        case DocumentsFinished():
            return BELOW_DEBUG if _is_named(event.state) else logging.INFO
        case ErrorClassified():
            return _classified_level(event)
        case RunFinished():
            return _FINISH_LEVELS.get(event.state, logging.INFO)
        case _:
            return _LEVELS.get(type(event), logging.INFO)


def _classified_level(event: ErrorClassified) -> int:
    """Return the level of what other events don't say: those of a batch tell how its errors ended."""
    if event.action == "retry":  # BatchRetrying, OutageStarted or BatchFailed says it
        return BELOW_DEBUG
    return logging.INFO if event.batch_index is None else logging.DEBUG


def _document_level(state: DocumentState) -> int:
    return _DOCUMENT_LEVELS.get(state, logging.INFO)


def _is_named(state: DocumentState) -> bool:
    """Whether documents in the state are logged one by one, at the level that is on."""
    return logger.isEnabledFor(_document_level(state))


def _text(event: Event) -> str:
    line = _LINES.get(type(event))
    return line(event) if line else str(event)


def _started(event: RunStarted) -> str:
    resumed = ", resuming what an earlier run left" if event.resumed else ""
    return f"run {event.run_id}: {event.source} to {event.target}, collection {event.collection}{resumed}"


def _not_started(event: RunNotStarted) -> str:
    return f"the run did not begin (exit code {event.exit_code}): {event.reason or event.error_type}"


def _document(event: DocumentFinished) -> str:
    return f"{event.key}: {event.state}" + (f": {event.reason}" if event.reason else "")


def _written(event: BatchWritten) -> str:
    if event.batch_index is None:
        return f"{counted(event.records, 'record')} stored by an earlier attempt"
    retries = f" after {counted(event.retries, 'retry', 'retries')}" if event.retries else ""
    records = counted(event.records, "record")
    return f"{_batch(event)}: {records} written in {event.seconds:.3f} s{retries}"


def _retrying(event: BatchRetrying) -> str:
    return (
        f"{_batch(event)}: attempt {event.attempt} failed, again in {event.wait:g} s: "
        f"{_error(event)}{_decision(event)}"
    )


def _classified(event: ErrorClassified) -> str:
    return (
        f"{_batch(event)}: attempt {event.attempt} failed, classified as {event.action}: "
        f"{_error(event)}{_decision(event)}"
    )


def _rejected(event: RecordRejected) -> str:
    record = event.key if event.position is None else f"{event.key} #{event.position}"
    what = "stored without a vector" if event.is_stored else "set aside"
    return f"{record}: {what}: {event.error}: {event.message}{_decision(event)}"


def _failed(event: BatchFailed) -> str:
    stops = ", which ends the run" if event.stops else ""
    return (
        f"{_batch(event)}: {counted(event.records, 'record')} not stored{stops}: "
        f"{_error(event)}{_decision(event)}"
    )


def _finished(event: RunFinished) -> str:
    account: Account = event.account
    records = f"{account.records.written:,} of {counted(account.records.total, 'record')} written"
    return f"run {event.run_id}: {event.state}: {records}" + (f": {event.reason}" if event.reason else "")


def _batch(
    event: BatchStarted
    | BatchWritten
    | BatchRetrying
    | BatchSplit
    | BatchFailed
    | BatchFinished
    | ErrorClassified,
) -> str:
    if event.batch_index is not None:
        return f"batch {event.batch_index}"
    phase = event.phase if isinstance(event, ErrorClassified | BatchRetrying) else ""
    return {"embed": "embedding", "read": "reading the source"}.get(phase, "using the target")


def _error(event: BatchRetrying | BatchFailed | ErrorClassified) -> str:
    """Say what an error is, and what it says."""
    name = event.error_type.rpartition(".")[2]
    return ": ".join(filter(None, [name, event.error if event.error != name else ""]))


def _decision(event: BatchRetrying | RecordRejected | BatchFailed | ErrorClassified) -> str:
    """Say who decided, and on which SQLSTATE."""
    parts = [f"SQLSTATE {event.sqlstate}"] if event.sqlstate else []
    parts += [f"by {event.decided_by}"] if event.decided_by else []
    return f" ({', '.join(parts)})" if parts else ""


_LINES: Mapping[type[Event], Callable[[Any], str]] = {
    RunStarted: _started,
    RunNotStarted: _not_started,
    RowsRead: lambda event: f"reading rows, {event.rows:,} so far, {counted(event.size, 'byte')}",
    InputCounted: lambda event: (
        f"found {counted(event.documents, 'document')}, {counted(event.size, 'byte')}"
    ),
    ItemLeftOut: lambda event: f"{event.key}: left out: {event.reason}{event.what and f': {event.what}'}",
    DocumentsRead: lambda event: (
        f"{counted(event.documents, 'document')} read, {counted(event.size, 'byte')}"
    ),
    DocumentsFinished: lambda event: (
        f"{counted(event.documents, 'document')} {event.state.replace('_', ' ')}"
    ),
    DocumentsRemoved: lambda event: f"{counted(event.documents, 'document')} removed from the target",
    DocumentFinished: _document,
    ErrorClassified: _classified,
    BatchStarted: lambda event: f"{_batch(event)}: writer {event.writer}, {counted(event.records, 'record')}",
    BatchWritten: _written,
    BatchRetrying: _retrying,
    BatchSplit: lambda event: f"{_batch(event)}: {event.records} records halved: {event.reason}",
    RecordRejected: _rejected,
    BatchFailed: _failed,
    BatchFinished: lambda event: f"{_batch(event)}: {event.state} after {event.seconds:.3f} s",
    OutageStarted: lambda event: f"{event.who} seems to be down, holding batches: {event.error}",
    OutageEnded: lambda event: f"{event.who} is back after {event.seconds:.1f} s",
    EmbeddingStarted: lambda event: (
        f"vectors by {event.embedder}: {event.model}, {counted(event.dimensions, 'dimension')}"
        f"{event.host and f', at {event.host}'}"
    ),
    TextsQueued: lambda event: f"{counted(event.texts, 'text')} to embed, {counted(event.tokens, 'token')}",
    TextsEmbedded: lambda event: (
        f"{counted(event.texts, 'text')} embedded in {event.seconds:.3f} s"
        f"{f', {event.refused:,} refused' * bool(event.refused)}"
    ),
    RowsEmbedded: lambda event: f"{counted(sum(event.vectors.values()), 'row')} published before: vectors",
    VectorsSwept: lambda event: f"{counted(event.vectors, 'vector')} removed that no row uses",
    StopRequested: lambda event: f"asked to stop: {event.reason}",
    RunFinished: _finished,
}


@hookimpl
def register_reporters() -> Iterable[type[AnyReporter]]:
    """Offer the logging reporter."""
    return [LoggingReporter]
