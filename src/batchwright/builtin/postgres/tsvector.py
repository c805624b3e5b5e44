"""A tsvector in Postgres' binary form.

The server's own parser reads `4e7f` as a number and cuts Thai words at their signs. What is made here has exactly
the terms it is given, and takes half the work off the server.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from struct import Struct

from batchwright.builtin.postgres.encoding import ColumnType

TSVECTOR = ColumnType("tsvector", 3614, 3643)

MOST_POSITIONS = 256
"""Of one term; Postgres keeps no more (MAXNUMPOS)."""

LAST_POSITION = 16_383
"""The highest position; what comes later has this one as well (MAXENTRYPOS - 1)."""

MOST_BYTES = (1 << 20) - 1
"""Of all terms with their positions (MAXSTRPOS)."""

GAP = b""
"""Takes a position, so that no phrase goes on from one part of a record to the next."""

_int16 = Struct("!H").pack
_head = Struct("!ii").pack
_POSITIONS = [_int16(position) for position in range(1, LAST_POSITION + 1)]
_LAST = _POSITIONS[-1]
_COUNTS = {2 * count: b"\0" + _int16(count) for count in range(1, MOST_POSITIONS + 1)}


def field(terms: Sequence[bytes]) -> bytes:
    """Return terms in order as a field, with its length before it.

    Args:
        terms: Each of at most 2,046 bytes. `GAP` stands for the end of a part.
    """
    where: dict[bytes, bytes] = {}
    there = where.get
    for position, term in zip(_POSITIONS, terms, strict=False):
        where[term] = there(term, b"") + position
    for term in terms[LAST_POSITION:]:
        where.setdefault(term, _LAST)
    where.pop(GAP, None)
    try:
        body = b"".join([term + _COUNTS[len(places)] + places for term, places in where.items()])
    except KeyError:  # a term has more positions than Postgres keeps
        where = {term: places[: 2 * MOST_POSITIONS] for term, places in where.items()}
        body = b"".join([term + _COUNTS[len(places)] + places for term, places in where.items()])
    if len(body) > MOST_BYTES:
        where = dict(_fitting(where))
        body = b"".join([term + _COUNTS[len(places)] + places for term, places in where.items()])
    return _head(len(body) + 4, len(where)) + body


def _fitting(where: Mapping[bytes, bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Yield the first terms, as many as there is room for."""
    room = MOST_BYTES
    for term, places in where.items():
        room -= len(term) + 3 + len(places)  # with the NUL, where Postgres may have a gap
        if room < 0:
            return
        yield term, places
