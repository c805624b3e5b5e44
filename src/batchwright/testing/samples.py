"""Events to try a reporter with: those of an ordinary run, and one of every kind with every value."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from typing import Any, get_type_hints

from batchwright.contracts import events
from batchwright.contracts.account import Account, DocumentCounts, RecordCounts
from batchwright.contracts.events import Event

_ACCOUNT = Account(
    records=RecordCounts(written=9, unchanged=5, rejected=1, failed=6),
    documents=DocumentCounts(added=1, changed=1, unchanged=1, failed=2),
    records_seen=21,
    documents_seen=5,
    batches=2,
    batches_failed=1,
    retries=1,
    bytes_read=8192,
    seconds=16.0,
)
_SAMPLES: dict[Any, tuple[Any, ...]] = {
    str: ("", "docs/é \U0001f600.md", "two\nlines %s {} [red] <b>", "x" * 10_000),
    int: (0, 1, 2**40),
    float: (0.0, 1.5, 1e9),
    bool: (False, True),
    str | None: (None, "40P01"),
    Account: (Account(), _ACCOUNT),
}
_CHANGES = ("added", "changed", "unchanged", "deleted", "failed")
_STATES = {
    "RunFinished": ("done", "failed", "interrupted"),
    "BatchFinished": ("stored", "failed", "stopped"),
}


@dataclass(frozen=True, slots=True)
class LaterEvent(Event):
    """An event that this batchwright doesn't know."""

    what: str


def event_types() -> list[type[Event]]:
    """Return every type of event there is."""
    kinds = [kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, Event)]
    return [kind for kind in kinds if kind is not Event]


def every_event() -> list[Event]:
    """Return events of every type, with every field at its extremes in turn."""
    made: list[Event] = []
    for kind in event_types():
        choices = {name: _choices(kind, name, hint) for name, hint in get_type_hints(kind).items()}
        plain = {field.name: choices[field.name][-1] for field in fields(kind)}
        made.append(kind(**{f.name: plain[f.name] for f in fields(kind) if f.default is MISSING}))
        made += [kind(**{**plain, name: value}) for name, values in choices.items() for value in values]
    return made


def ordinary_run() -> list[Event]:
    """Return the events of a run in which a little of everything happens."""
    database = "psycopg.OperationalError"
    return [
        events.RunStarted("kit-run", "docs", "sqlite:///kb.db", resumed=True),
        events.InputCounted(5, 8192),
        events.DocumentFinished("b.md", "unchanged", 5, 2048),
        events.BatchStarted(0, 5, 1.7e9),
        events.BatchWritten(0, 5, 2048, 0.01),
        events.DocumentFinished("a.md", "added", 5, 2048),
        events.BatchFinished(0, "stored", 0.02),
        events.BatchStarted(1, 5, 1.7e9 + 1, writer=1),
        events.BatchRetrying(1, 1, 2.0, "deadlock detected", "classifier", "40P01", database, 1),
        events.BatchSplit(1, 5, "a bad record"),
        events.OutageStarted("connection refused"),
        events.OutageEnded(12.0),
        events.BatchWritten(1, 4, 4096, 0.5, retries=1, writer=1),
        events.BatchFinished(1, "stored", 13.0, writer=1),
        events.BatchStarted(2, 6, 1.7e9 + 15),
        events.RecordRejected("c.md", 4, "psycopg.DataError", "NUL", "classifier", "22021", 1),
        events.RecordRejected("d.md", -1, "batchwright.DocumentError", "byte 3 is not UTF-8", "engine"),
        events.DocumentFinished("c.md", "changed", 5, 2048, rejected=1),
        events.DocumentFinished("d.md", "failed", reason="byte 3 is not UTF-8"),
        events.BatchFailed(2, 6, "no such table", "classifier", 0, "42P01", True, database, seconds=0.1),
        events.DocumentFinished("e.md", "failed", 6, 2048, "a batch of it could not be stored"),
        events.BatchFinished(2, "failed", 0.1),
        events.StopRequested("SIGINT"),
        events.RunFinished("kit-run", "failed", _ACCOUNT, "no such table"),
    ]


def _choices(kind: type[Event], name: str, hint: Any) -> tuple[Any, ...]:
    if name == "change":
        return _CHANGES
    if name == "state":
        return _STATES[kind.__name__]
    if name in ("position", "batch_index"):
        return (-1, 0, 2**31)
    if hint not in _SAMPLES:
        raise TypeError(f"the kit has no sample of {name}: {hint}")
    return _SAMPLES[hint]
