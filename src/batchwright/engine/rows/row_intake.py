"""Take in rows as they are read: with their keys and hashes, into the spool. So are lines that are none."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from operator import itemgetter
from typing import Any

from batchwright.contracts.events import Event, RowsRead
from batchwright.contracts.reader import BadLine, DeletedRow
from batchwright.engine.rows.found_shape import ROWS_A_PAGE, FoundShape
from batchwright.engine.rows.shape import NotARow, Shape
from batchwright.engine.rows.spool import DELETED, SIZE, RowSpool, encoded, packed
from batchwright.errors import RunInterrupted

NAMELESS = b""
"""The key of lines that are no rows and of which no key is known. No row has it."""

NO_ROW = bytes(32)
"""In place of a hash: of a line that is no row for sure."""

ROWS_A_BLOCK = 1_000
"""Rows without a key that are a document together: rows added at a file's end change the last one only."""

LINE_BYTES = 8
"""Of the number of a line, before the hash of a row without a key."""

ROWS_A_LOOK = 1_000
"""Rows after which a request to stop is looked for."""

SECONDS_BETWEEN_EVENTS = 1.0
"""Between two events that say how many rows were read."""


class RowIntake:
    """Takes in the rows of one item after the other.

    Args:
        stopped: Tells whether the run is to end.
        emit: Takes the events that say how far it is.

    Attributes:
        spool: The rows.
        items: Keys of the items, by number.
        rows: How many there are, with the lines that are none.
        bad: How many lines are none.
        size: Their bytes, about.
        dropped: Numbers of attempts to read an item that were given up.
        unclean: Numbers of the items with lines that are no rows.
        first_bad: The first line that is no row, for messages.
    """

    def __init__(self, stopped: Callable[[], bool], emit: Callable[[Event], None]) -> None:
        self._stopped, self._emit = stopped, emit
        self._told = time.monotonic()
        self.spool = RowSpool()
        self.items: list[str] = []
        self.rows = self.bad = self.size = 0
        self._before = (0, 0, 0)
        self.dropped: set[int] = set()
        self.unclean: set[int] = set()
        self.first_bad = ""

    def begin(self, item: str) -> int:
        """Begin with an item; return its number."""
        self._before = self.rows, self.bad, self.size
        self.items.append(item)
        return len(self.items) - 1

    def drop(self, number: int) -> None:
        """Drop what was taken in of the item that was begun last."""
        self.dropped.add(number)
        self.rows, self.bad, self.size = self._before

    def take(
        self, shape: Shape, number: int, rows: Iterable[tuple[int, Mapping[str, Any] | BadLine | DeletedRow]]
    ) -> None:
        """Take in the rows of an item, as far as they can be read.

        Args:
            shape: What makes records of them.
            number: The item's.
            rows: They, with their lines.

        Raises:
            RunInterrupted: The run is to end.
            Exception: Whatever reading them raises; those before are in.
        """
        count, block, item = 0, b"", self.items[number]
        is_keyed = not isinstance(shape, FoundShape) or shape.is_keyed
        page: list[Mapping[str, Any]] = []
        lines: list[int] = []
        try:
            for line, row in rows:
                if not is_keyed and not count % ROWS_A_BLOCK:
                    block = encoded(f"{item}:{count // ROWS_A_BLOCK:08}")
                count += 1
                if not count % ROWS_A_LOOK:
                    self._look(self.rows + count)
                if isinstance(row, BadLine):
                    self._note_bad(shape, number, line, row, block)
                elif block or isinstance(row, DeletedRow):
                    self._take_one(shape, number, line, row, block)
                else:
                    page.append(row)
                    lines.append(line)
                    if len(page) >= ROWS_A_PAGE:
                        self._take_page(shape, number, lines, page)
                        page, lines = [], []
        finally:
            if page:
                self._take_page(shape, number, lines, page)
        self.rows += count

    def _take_page(
        self, shape: Shape, number: int, lines: Sequence[int], rows: Sequence[Mapping[str, Any]]
    ) -> None:
        """Take in rows that have keys, together if they are of one kind."""
        taken = shape.take_all(rows, lines)
        if taken is None:
            for line, row in zip(lines, rows, strict=True):
                self._take_one(shape, number, line, row)
            return
        spooled = [
            (encoded(key), digest, number, line, size, packed(values), "", "")
            for line, (key, digest, size, values) in zip(lines, taken, strict=True)
        ]
        size = sum(map(itemgetter(SIZE), spooled))
        self.size += size
        self.spool.add_all(spooled, size)

    def _take_one(
        self, shape: Shape, number: int, line: int, row: Mapping[str, Any] | DeletedRow, block: bytes = b""
    ) -> None:
        """Take in a row, or note why it is none."""
        is_deleted = isinstance(row, DeletedRow)
        named: Any = row.values if is_deleted else row
        try:
            if is_deleted and block:
                raise NotARow("it is marked as deleted, and has no key to tell which row is")
            key, digest, size, values = shape.take(named, line)
        except NotARow as error:
            self._note_bad(shape, number, line, BadLine(str(error), "", named), block)
            return
        self.size += size
        if block:
            name, digest = block, _placed(digest, line)
        else:
            name, digest = encoded(key), DELETED if is_deleted else digest
        self.spool.add_all([(name, digest, number, line, size, packed(values), "", "")], size)

    def _look(self, rows: int) -> None:
        """Say now and then how far it is. Raises RunInterrupted where the run is to end."""
        if self._stopped():
            raise RunInterrupted("the run was stopped while rows were read")
        if (now := time.monotonic()) - self._told >= SECONDS_BETWEEN_EVENTS:
            self._told = now
            self._emit(RowsRead(rows, self.size))

    def _note_bad(self, shape: Shape, number: int, line: int, bad: BadLine, block: bytes) -> None:
        self.bad += 1
        self.unclean.add(number)
        self.first_bad = self.first_bad or f"{self.items[number]} line {line:,}: {bad.reason}"
        values = {name: value for name, value in (bad.values or {}).items() if value not in ("", None)}
        key = shape.key_of(values) if bad.may_be_row else ""
        said = f"{bad.reason}\0{bad.text}\0{sorted(values.items()) if not bad.text else ''}"
        digest = sha256(said.encode("utf-8", "surrogatepass")).digest()
        size = len(bad.text)
        self.size += size
        name = block or (encoded(key) if key else NAMELESS)
        digest = _placed(digest, line) if block else digest if bad.may_be_row else NO_ROW
        self.spool.add_all([(name, digest, number, line, size, packed(values), bad.reason, bad.text)], size)


def _placed(digest: bytes, line: int) -> bytes:
    """Return the hash of a row with its line before it, so that the rows of a block sort by line."""
    return line.to_bytes(LINE_BYTES, "big") + digest
