"""Rows on their way through a writer, many together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from batchwright.contracts.receipts import Bringer, KnownDocument
from batchwright.contracts.row_publications import RowPublications
from batchwright.contracts.rows import RowColumns, joined
from batchwright.engine.delivery.work import Work
from batchwright.model import document_ids


class RowBlock:
    """Rows to be stored, in columns: each is a document of one record. A million of them need no objects.

    Args:
        records: They.
        publications: Their documents.
        replaced: Who published the version whose place each takes (`DocumentVersion.brought_by`); empty
            where there is none.
    """

    __slots__ = ("publications", "records", "replaced")

    def __init__(self, records: RowColumns, publications: RowPublications, replaced: Sequence[str]) -> None:
        self.records, self.publications, self.replaced = records, publications, replaced

    @classmethod
    def of(
        cls,
        collection: str,
        keys: Sequence[str],
        hashes: Sequence[str],
        settings: str,
        columns: Sequence[Sequence[Any]],
        sizes: Sequence[int],
        known: Sequence[KnownDocument | None],
        *,
        items: Sequence[str] | None = None,
        brought_by: Bringer = "run",
    ) -> RowBlock:
        """Return rows with the ids and publications that belong to them.

        Args:
            collection: Theirs.
            keys: The keys of the rows.
            hashes: The hashes of their content.
            settings: How all of them are made.
            columns: Their values by field, in the order of the record type's fields.
            sizes: Their sizes in bytes, about.
            known: What each takes the place of, or None.
            items: The items that they came from; None where they came from none.
            brought_by: Who stores them.
        """
        first, last = f"{collection}\0", f"\0{settings}"
        ids = document_ids(
            [f"{first}{key}\0{digest}{last}" for key, digest in zip(keys, hashes, strict=True)]
        )
        items = [""] * len(ids) if items is None else items
        publications = RowPublications(keys, ids, hashes, sizes, items, settings, brought_by)
        replaced = ["" if there is None else there.version.brought_by for there in known]
        return cls(RowColumns(ids, columns, sizes), publications, replaced)

    @classmethod
    def joined(cls, parts: Sequence[RowBlock]) -> RowBlock:
        """Return the rows of several."""
        records = RowColumns.joined([part.records for part in parts])
        publications = RowPublications.joined([part.publications for part in parts])
        return cls(records, publications, joined([part.replaced for part in parts]))

    def __len__(self) -> int:
        return len(self.replaced)

    def __getitem__(self, place: slice) -> RowBlock:
        return RowBlock(self.records[place], self.publications[place], self.replaced[place])

    def works(self) -> list[Work]:
        """Return them as documents of their own, for when something is the matter with one."""
        given = zip(self.publications, self.records, self.replaced, strict=True)
        return [
            Work(publication.version, [record], "changed" if replaced else "added")
            for publication, record, replaced in given
        ]
