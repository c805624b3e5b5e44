"""Events to try a reporter with: those of an ordinary run, and one of every kind with every value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from batchwright.contracts import events
from batchwright.contracts.account import Account, DocumentCounts, RecordCounts, VectorAccount
from batchwright.contracts.events import Event

_ACCOUNT = Account(
    records=RecordCounts(written=9, unchanged=5, rejected=1, failed=6),
    documents=DocumentCounts(added=1, changed=1, unchanged=1, deleted=1, failed=2),
    records_seen=21,
    documents_seen=6,
    batches=2,
    batches_failed=1,
    retries=1,
    removed=1,
    bytes_read=8192,
    seconds=16.0,
    left_out={"no reader: .png": 2, "characters cleaned": 3},
    vectors=VectorAccount(
        made=4, reused=5, refused=1, no_text=1, filled=2, texts=4, tokens=64, requests=1, too_long=1, swept=3
    ),
)
_SAMPLES: dict[Any, tuple[Any, ...]] = {
    str: ("", "docs/é \U0001f600.md", "two\nlines %s {} [red] <b>", "x" * 10_000),
    int: (0, 1, 2**40),
    float: (0.0, 1.5, 1e9),
    bool: (False, True),
    NoneType: (None,),
    Account: (Account(), _ACCOUNT),
    Mapping[str, int]: ({}, {"no reader: .png": 2, "two\nlines": 2**40}),
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
        choices = {name: _choices(name, hint) for name, hint in get_type_hints(kind).items()}
        plain = {field.name: choices[field.name][-1] for field in fields(kind)}
        made.append(kind(**{f.name: plain[f.name] for f in fields(kind) if f.default is MISSING}))
        made += [kind(**{**plain, name: value}) for name, values in choices.items() for value in values]
    return made


def ordinary_run() -> list[Event]:
    """Return the events of a run in which a little of everything happens."""
    database = "psycopg.OperationalError"
    refused, deadlock, busy = "connection refused", "deadlock detected", "40P01"
    return [
        events.RowsRead(1_000, 65_536),
        events.RunStarted("kit-run", "docs", "sqlite:///kb.db", "docs", resumed=True),
        events.ErrorClassified(None, 1, "open", refused, "builtins.OSError", None, "retry", "classifier"),
        events.BatchRetrying(
            None, 1, 1.0, refused, "classifier", error_type="builtins.OSError", phase="embed"
        ),
        events.InputCounted(5, 8192, {"no reader: .png": 2}),
        events.EmbeddingStarted("kit", "small", 384, "api.example.com"),
        events.ItemLeftOut("a.png", "no reader: .png"),
        events.DocumentFinished("b.md", "unchanged", 5, size=2048),
        events.DocumentsRead(2, 10, 4096),
        events.DocumentsFinished("unchanged", 1, 5, size=2048),
        events.BatchStarted(0, 5, 1.7e9),
        events.TextsQueued(4, 64, too_long=1),
        events.TextsEmbedded(4, 64, 0.05, refused=1),
        events.BatchWritten(0, 5, 2048, 0.01, vectors={"made": 4, "refused": 1}),
        events.DocumentFinished("a.md", "added", 5, size=2048),
        events.DocumentsFinished("added", 1, 5, size=2048),
        events.BatchFinished(0, "stored", 0.02),
        events.DocumentFinished("d.md", "failed", reason="byte 3 is not UTF-8"),
        events.ItemLeftOut("c.md", "characters cleaned", "3"),
        events.DocumentsRead(3, 11, 4096, {"characters cleaned": 3}),
        events.DocumentsFinished("failed", 1),
        events.BatchStarted(1, 5, 1.7e9 + 1, writer=1),
        events.ErrorClassified(1, 1, "write", deadlock, database, busy, "retry", "classifier"),
        events.BatchRetrying(1, 1, 2.0, deadlock, "classifier", busy, database, 1),
        events.BatchSplit(1, 5, "a bad record"),
        events.OutageStarted(refused),
        events.OutageEnded(12.0),
        events.BatchWritten(1, 4, 4096, 0.5, retries=1, writer=1, vectors={"reused": 4}),
        events.BatchFinished(1, "stored", 13.0, writer=1),
        events.BatchStarted(2, 6, 1.7e9 + 15),
        events.RecordRejected("c.md", 4, "psycopg.DataError", "NUL", "classifier", "22021", 1),
        events.RecordRejected("a.md", 3, "TextRefused", "too long", "embedder", is_stored=True),
        events.RecordRejected("d.md", None, "batchwright.DocumentError", "byte 3 is not UTF-8", "engine"),
        events.DocumentFinished("c.md", "changed", 5, 1, 2048),
        events.DocumentsFinished("changed", 1, 5, 1, 2048),
        events.ErrorClassified(2, 1, "write", "no such table", database, "42P01", "fail", "classifier"),
        events.BatchFailed(2, 6, "no such table", "classifier", 0, "42P01", True, database, seconds=0.1),
        events.DocumentFinished("e.md", "failed", 6, size=2048, reason="a batch of it could not be stored"),
        events.DocumentsFinished("failed", 1, 6, size=2048),
        events.BatchFinished(2, "failed", 0.1),
        events.StopRequested("SIGINT"),
        events.DocumentFinished("gone.md", "deleted", 3, size=1024),
        events.DocumentsRead(1),
        events.DocumentsFinished("deleted", 1, 3, size=1024),
        events.DocumentsRemoved(1),
        events.RowsEmbedded({"reused": 1, "no_text": 1}),
        events.VectorsSwept(3),
        events.RunFinished("kit-run", "failed", _ACCOUNT, "no such table"),
    ]


def _choices(name: str, hint: Any) -> tuple[Any, ...]:
    """Return values of a field: all that a Literal allows, and None where it may be."""
    origin = get_origin(hint)
    if origin is Literal:
        return get_args(hint)
    if origin is UnionType:
        return tuple(value for part in reversed(get_args(hint)) for value in _choices(name, part))
    if hint not in _SAMPLES:
        raise TypeError(f"the kit has no sample of {name}: {hint}")
    return _SAMPLES[hint]
