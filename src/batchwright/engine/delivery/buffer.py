"""Documents that wait between the reader and the writers, up to a number of bytes."""

from __future__ import annotations

import threading
from collections import deque
from typing import Protocol

from batchwright.contracts.rows import size_of
from batchwright.engine.delivery.row_block import RowBlock
from batchwright.engine.delivery.work import Unreadable, Work

Item = Work | RowBlock | Unreadable


class Intake(Protocol):
    """Where documents are queued for the writers."""

    def put(self, item: Item) -> bool:
        """Add a document, or rows, waiting for room; return whether it was taken."""


class Buffer:
    """Documents between the reader and the writers; when it is full, the reader waits.

    Args:
        capacity: Bytes of documents, at most; one document is let in however large it is.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._items: deque[Item] = deque()
        self._held = 0
        self._ended = False
        self._changed = threading.Condition()

    def put(self, item: Item, *, wait: bool = True) -> bool:
        """Add a document, waiting for room; return whether it was taken: not so when the buffer has ended.

        Args:
            item: The document.
            wait: Whether to wait, and not let it in above the capacity.
        """
        with self._changed:
            if wait:
                self._wait_for_room()
            if self._ended:
                return False
            self._items.append(item)
            self._held += weight(item)
            self._changed.notify_all()
            return True

    def has_room(self) -> bool:
        """Wait for room; return whether there is: not so when the buffer has ended."""
        with self._changed:
            self._wait_for_room()
            return not self._ended

    def _wait_for_room(self) -> None:
        while self._held >= self._capacity and not self._ended:
            self._changed.wait()

    def get(self, records: int = 1, *, wait: bool = True) -> list[Item]:
        """Take the next documents, waiting for one; none when there will be no more.

        Args:
            records: Take so many records, if there are, and no document more than that takes. What could not
                be read comes alone.
            wait: Whether to wait; otherwise there may be none now.
        """
        with self._changed:
            while wait and not self._items and not self._ended:
                self._changed.wait()
            items = self._items
            taken: list[Item] = []
            while records > 0 and items:
                item = items.popleft()
                if isinstance(item, Unreadable):
                    if taken:
                        items.appendleft(item)
                    else:
                        taken.append(item)
                    break
                if isinstance(item, RowBlock) and len(item) > records:
                    items.appendleft(item[records:])
                    item = item[:records]
                records -= max(1, len(item.records))
                taken.append(item)
            self._held -= sum(map(weight, taken))
            self._changed.notify_all()
            return taken

    def end(self) -> None:
        """Accept nothing more; what is in it can still be taken."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()


def weight(item: Item) -> int:
    """Return the bytes that a document takes while it waits, about."""
    # a chunk weighs more than its text: the objects around it
    if isinstance(item, Work):
        return item.version.size + 512 * len(item.records) + 512
    if isinstance(item, RowBlock):
        return size_of(item.records) + 512 * len(item)
    return 1024 * len(item.rejects)
