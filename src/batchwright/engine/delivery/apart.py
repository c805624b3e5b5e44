"""What waits for a write and spoils it: parted by document, and made such that it can be kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from batchwright.contracts.receipts import Reject
from batchwright.engine.delivery.parts import Segment

Waiting = tuple[list[Segment], list[tuple[Reject, int | None]]]
"""Documents that are complete, and rejects, each with the index of its batch."""

_LONGEST = 500  # characters of a name or message that any database can hold


def by_document(waiting: Waiting) -> list[Waiting]:
    """Return what waits, parted by document."""
    parts: dict[str, Waiting] = {}
    segments, rejects = waiting
    for segment in segments:
        parts.setdefault(segment.work.version.key, ([], []))[0].append(segment)
    for reject in rejects:
        parts.setdefault(reject[0].key, ([], []))[1].append(reject)
    return [*parts.values()]


def plain(rejects: Iterable[tuple[Reject, int | None]]) -> list[tuple[Reject, int | None]]:
    """Return the rejects in short ASCII without their payload: what any sink can hold."""
    return [
        (replace(reject, key=_plain(reject.key), message=_plain(reject.message), payload=None), index)
        for reject, index in rejects
    ]


def is_plain(rejects: Sequence[tuple[Reject, int | None]]) -> bool:
    """Tell whether nothing is left to be made simpler."""
    return plain(rejects) == [*rejects]


def _plain(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode("ascii")[:_LONGEST].replace("\0", "\\x00")
