"""The documents of the input beside those that are published."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from batchwright.contracts.receipts import KnownDocument
from batchwright.documents import Found


@dataclass(frozen=True, slots=True)
class Pair:
    """A document found in the input, the one published under its name, or both."""

    found: Found | None
    known: KnownDocument | None


def pair(found: Iterable[Found], known: Iterable[KnownDocument]) -> Iterator[Pair]:
    """Merge two streams that are both sorted by source_file in code point order."""
    rest = iter(known)
    published = next(rest, None)
    for document in found:
        while published is not None and published.version.source_file < document.source_file:
            yield Pair(None, published)
            published = next(rest, None)
        if published is not None and published.version.source_file == document.source_file:
            yield Pair(document, published)
            published = next(rest, None)
        else:
            yield Pair(document, None)
    while published is not None:
        yield Pair(None, published)
        published = next(rest, None)


def closed_folder(found: Found) -> list[str]:
    """Return what could not be looked at as a folder, with a slash at the end: it may be one."""
    if not found.error:
        return []
    return ["" if found.source_file == "." else f"{found.source_file}/"]
