"""Publications of rows in columns, and the columns of any publications."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any, overload

from batchwright.contracts.receipts import Bringer, DocumentVersion, Publication
from batchwright.contracts.rows import joined

_columns = attrgetter(*(f"version.{field.name}" for field in fields(DocumentVersion)), "rejected")


class RowPublications(Sequence[Publication]):
    """Publications of documents of one record each: one is made when it is asked for.

    Args:
        keys: The keys of the documents.
        ids: The ids of their versions.
        hashes: Their content's hashes.
        sizes: Their sizes in bytes.
        items: The items that they came from.
        settings: The settings of all.
        brought_by: Who stores them all.
    """

    __slots__ = ("brought_by", "hashes", "ids", "items", "keys", "settings", "sizes")

    def __init__(
        self,
        keys: Sequence[str],
        ids: Sequence[str],
        hashes: Sequence[str],
        sizes: Sequence[int],
        items: Sequence[str],
        settings: str,
        brought_by: Bringer,
    ) -> None:
        self.keys, self.ids, self.hashes, self.sizes = keys, ids, hashes, sizes
        self.items, self.settings, self.brought_by = items, settings, brought_by

    @classmethod
    def joined(cls, parts: Sequence[RowPublications]) -> RowPublications:
        """Return the publications of several, of the same settings and the same origin."""
        if len(parts) == 1:
            return parts[0]
        given = zip(*((p.keys, p.ids, p.hashes, p.sizes, p.items) for p in parts), strict=True)
        keys, ids, hashes, sizes, items = map(joined, given)
        return cls(keys, ids, hashes, sizes, items, parts[0].settings, parts[0].brought_by)

    @property
    def columns(self) -> Sequence[Sequence[Any]]:
        """The values of the versions, in the order of the fields, and how many records are set aside."""
        count = len(self.ids)
        one: list[Any] = [1] * count
        nothing, none = [""] * count, [0] * count
        settings, by = [self.settings] * count, [self.brought_by] * count
        return self.keys, self.ids, self.hashes, settings, self.sizes, one, by, nothing, self.items, none

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Publication]:
        for *version, _ in zip(*self.columns, strict=True):
            yield Publication(DocumentVersion(*version))

    @overload
    def __getitem__(self, place: int) -> Publication: ...
    @overload
    def __getitem__(self, place: slice) -> RowPublications: ...
    def __getitem__(self, place: int | slice) -> Publication | RowPublications:
        if isinstance(place, slice):
            given = (self.keys, self.ids, self.hashes, self.sizes, self.items)
            keys, ids, hashes, sizes, items = (column[place] for column in given)
            return RowPublications(keys, ids, hashes, sizes, items, self.settings, self.brought_by)  # type: ignore[arg-type]
        *version, _ = (column[place] for column in self.columns)
        return Publication(DocumentVersion(*version))


def columns_of(publications: Sequence[Publication]) -> Sequence[Sequence[Any]]:
    """Return the values of publications by column, as `RowPublications.columns`."""
    if isinstance(publications, RowPublications):
        return publications.columns
    return list(zip(*map(_columns, publications), strict=True))


def accepted(publications: Sequence[Publication]) -> list[str]:
    """Return the ids of the versions that were refused before."""
    if isinstance(publications, RowPublications):
        return []
    return [one.version.document_id for one in publications if one.was_refused]
