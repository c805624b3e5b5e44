"""What there is under one key: in the input, and in the target."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from batchwright.contracts.receipts import DocumentVersion, KnownDocument
from batchwright.items import Item
from batchwright.values import dataclass


@dataclass(frozen=True, slots=True)
class Pair:
    """What there is under one key; one of the three at least.

    Attributes:
        found: The item found in the input.
        known: What is published.
        refused: The version that an earlier run refused.
    """

    found: Item | None
    known: KnownDocument | None
    refused: DocumentVersion | None = None

    @property
    def key(self) -> str:
        """The key."""
        if self.found is not None:
            return self.found.key
        version = self.known.version if self.known is not None else self.refused
        return version.key if version is not None else ""


def pair(found: Iterable[Item], known: Iterable[KnownDocument]) -> Iterator[Pair]:
    """Merge two streams that are both sorted by key in code point order."""
    rest = iter(known)
    published = next(rest, None)
    for item in found:
        while published is not None and published.version.key < item.key:
            yield Pair(None, published)
            published = next(rest, None)
        if published is not None and published.version.key == item.key:
            yield Pair(item, published)
            published = next(rest, None)
        else:
            yield Pair(item, None)
    while published is not None:
        yield Pair(None, published)
        published = next(rest, None)


def beside(pairs: Iterable[Pair], refused: Iterable[DocumentVersion]) -> Iterator[Pair]:
    """Put the refused versions, sorted by key too, into the pairs of their keys, or into new ones."""
    rest = iter(refused)
    version = next(rest, None)
    for both in pairs:
        key = both.key
        while version is not None and version.key < key:
            yield Pair(None, None, version)
            version = next(rest, None)
        if version is not None and version.key == key:
            both, version = replace(both, refused=version), next(rest, None)
        yield both
    while version is not None:
        yield Pair(None, None, version)
        version = next(rest, None)
