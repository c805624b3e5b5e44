"""Rows on their way through a writer, many together."""

from __future__ import annotations

from collections.abc import Sequence

from batchwright.contracts.row_publications import RowPublications
from batchwright.contracts.rows import RowColumns, joined
from batchwright.engine.delivery.work import Work


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
