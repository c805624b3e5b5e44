"""What readers see, brought into one form, and compared with what they should see."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from batchwright.model import ProcessedChunk
from batchwright.testing.records import FIELDS

Row = dict[str, Any]
"""A published row: the ten fields and `id`."""

Stored = Callable[[], Sequence[ProcessedChunk | Mapping[str, Any]]]
"""Reads the published rows, independently of the sink."""

_SHOWN = 5


def row_of(stored: ProcessedChunk | Mapping[str, Any]) -> Row:
    """Return a row in plain values: metadata may come as JSON text, a date as ISO 8601, an id as a UUID.

    Raises:
        AssertionError: A field is missing.
    """
    if isinstance(stored, ProcessedChunk):
        row = {name: getattr(stored, name) for name in ("id", *FIELDS)}
    else:
        missing = [name for name in ("id", *FIELDS) if name not in stored]
        assert not missing, f"`stored` must yield id and the ten fields; it lacks {', '.join(missing)}"
        row = {name: stored[name] for name in ("id", *FIELDS)}
    if isinstance(row["id"], UUID):
        row["id"] = str(row["id"])
    if isinstance(row["metadata"], str | bytes):
        row["metadata"] = json.loads(row["metadata"])
    elif isinstance(row["metadata"], Mapping):
        row["metadata"] = dict(row["metadata"])
    day = row["document_date"]
    if isinstance(day, str):
        row["document_date"] = date.fromisoformat(day[:10])
    elif isinstance(day, datetime):
        row["document_date"] = day.date()
    return row


def rows_of(stored: Iterable[ProcessedChunk | Mapping[str, Any]]) -> list[Row]:
    """Return rows in plain values, by id."""
    return sorted(map(row_of, stored), key=lambda row: str(row["id"]))


def expect(found: Sequence[Row], wanted: Iterable[ProcessedChunk], when: str = "") -> None:
    """Check that exactly these chunks are published, each once, with all their fields.

    Raises:
        AssertionError: Says which are missing, double, too many or different.
    """
    problems = differences(found, rows_of(wanted))
    assert not problems, f"{when + ': ' if when else ''}what is published is wrong: " + "; ".join(problems)


def differences(found: Sequence[Row], wanted: Sequence[Row]) -> list[str]:
    """Return how the published rows differ from those wanted, in a few lines."""
    there, want = ({row["id"]: row for row in rows} for rows in (found, wanted))
    counted = Counter(row["id"] for row in found)
    problems = _listed("missing", [_named(want[key]) for key in want if key not in there])
    problems += _listed("not to be there", [_named(there[key]) for key in there if key not in want])
    problems += _listed("more than once", [_named(there[key]) for key in there if counted[key] > 1])
    changed = []
    for key in want.keys() & there.keys():
        for name in FIELDS:
            if not _same(want[key][name], there[key][name]):
                values = f"{_short(want[key][name])} became {_short(there[key][name])}"
                changed.append(f"{_named(want[key])}: {name} {values}")
    return problems + _listed("changed", sorted(changed))


def _same(one: object, other: object) -> bool:
    """Compare as Python does, but keep 1, 1.0 and True apart, also within metadata."""
    if one is other:  # also what nests too deeply to be walked through
        return True
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return one == other


def _listed(what: str, which: Sequence[str]) -> list[str]:
    if not which:
        return []
    more = f" and {len(which) - _SHOWN} more" if len(which) > _SHOWN else ""
    return [f"{what}: {', '.join(which[:_SHOWN])}{more}"]


def _named(row: Row) -> str:
    return f"{row['source_file']!r} #{row['chunk_index']}"


def _short(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 120 else f"{text[:80]}… ({len(text)} characters)"
