"""A tsvector in Postgres' binary form.

The server's own parser reads `4e7f` as a number and cuts Thai words at their signs. What is made here has
exactly the terms it is given, and takes half the work off the server.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from struct import Struct

from batchwright.builtin.postgres.encoding import ColumnType

TSVECTOR = ColumnType("tsvector", 3614, 3643)

MOST_POSITIONS = 256
"""Of one term; Postgres keeps no more (MAXNUMPOS)."""

LAST_POSITION = 16_383
"""The highest position; what comes later has this one as well (MAXENTRYPOS - 1)."""

MOST_BYTES = (1 << 20) - 1
"""Of all terms with their positions (MAXSTRPOS)."""

GAP = b"\0"
"""Takes a position, so that no phrase goes on from one part of a record to the next."""

_int16 = Struct("!H").pack
_head = Struct("!ii").pack
_POSITIONS = [_int16(position) for position in range(1, LAST_POSITION + 1)]
_BEFORE = {2 * count: b"\0" + _int16(count) for count in range(1, MOST_POSITIONS + 1)}


def field(terms: bytes) -> bytes:
    """Return terms in order as a field, with its length before it.

    Args:
        terms: With spaces between them, each of at most 2,046 bytes. `GAP` stands for the end of a part.
    """
    found = terms.split()
    behind: dict[bytes, bytes] = {}
    there = behind.get
    # Most texts have each term but a few times: faster than anything with lists.
    for term, position in zip(found, _POSITIONS, strict=False):
        behind[term] = there(term, b"") + position
    for term in found[LAST_POSITION:]:
        behind.setdefault(term, _POSITIONS[-1])
    behind.pop(GAP, None)
    try:
        body = _joined(behind)
    except KeyError:  # a term is there more often than Postgres keeps
        behind = {term: places[: 2 * MOST_POSITIONS] for term, places in behind.items()}
        body = _joined(behind)
    if len(body) > MOST_BYTES:
        behind = dict(_fitting(behind))
        body = _joined(behind)
    return _head(len(body) + 4, len(behind)) + body


def _joined(behind: Mapping[bytes, bytes]) -> bytes:
    return b"".join([term + _BEFORE[len(places)] + places for term, places in behind.items()])


def _fitting(behind: Mapping[bytes, bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Yield the first terms, as many as there is room for."""
    room = MOST_BYTES
    for term, places in behind.items():
        room -= len(term) + 3 + len(places)  # with a NUL, where Postgres may have a gap
        if room < 0:
            return
        yield term, places
