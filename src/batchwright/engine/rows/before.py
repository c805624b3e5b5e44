"""What runs before published and refused, beside the keys that come, both in code point order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from batchwright.contracts.receipts import DocumentVersion, KnownDocument


class PublishedBefore:
    """The documents that are published, by key.

    Attributes:
        next: The next of them; None where there is none.
    """

    def __init__(self, known: Iterable[KnownDocument]) -> None:
        self._rest = iter(known)
        self.next = next(self._rest, None)

    def up_to(self, key: str | None) -> Iterator[KnownDocument]:
        """Yield those before a key, which have no row, or all that are left."""
        while self.next is not None and (key is None or self.next.version.key < key):
            yield self.next
            self.next = next(self._rest, None)

    def of(self, key: str) -> KnownDocument | None:
        """Return what is published under a key, once those before it were yielded."""
        found = self.next
        if found is None or found.version.key != key:
            return None
        self.next = next(self._rest, None)
        return found


class RefusedBefore:
    """The versions that were refused before, by key, beside the keys that come.

    Args:
        versions: They, by key.
        on_outdated: Called with each that isn't what is in the input any more.
        is_gone: Whether one whose key isn't in the input is outdated.

    Attributes:
        next: The next of them; None where there is none.
    """

    def __init__(
        self,
        versions: Iterable[DocumentVersion],
        on_outdated: Callable[[DocumentVersion], None],
        *,
        is_gone: bool,
    ) -> None:
        self._rest = iter(versions)
        self.next = next(self._rest, None)
        self._on_outdated = on_outdated
        self._is_gone = is_gone

    def of(self, key: str | None) -> DocumentVersion | None:
        """Return what was refused under a key; those before it are not in the input any more."""
        while self.next is not None and (key is None or self.next.key < key):
            if self._is_gone and self.next.brought_by == "run":
                self._on_outdated(self.next)
            self.next = next(self._rest, None)
        found = self.next
        if found is None or found.key != key:
            return None
        self.next = next(self._rest, None)
        return found
