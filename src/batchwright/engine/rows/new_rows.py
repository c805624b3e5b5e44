"""Rows that are to be stored, taken together: there may be millions, so none of them is made an object of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any

from batchwright.contracts.receipts import DocumentVersion, KnownDocument
from batchwright.contracts.row_publications import RowPublications
from batchwright.contracts.rows import RowColumns
from batchwright.engine.delivery.row_block import RowBlock
from batchwright.engine.reading.changes import Change
from batchwright.engine.rows.row_decision import RowDecision
from batchwright.engine.rows.row_intake import NAMELESS
from batchwright.engine.rows.scan import Scan
from batchwright.engine.rows.spool import DELETED, DIGEST, KEY, REASON, SpooledRow, decoded, unpacked
from batchwright.model import document_ids

NEW_BYTES = 256 * 1024
"""Bytes of rows to be stored that come together."""


def are_new(
    rows: Sequence[tuple[Any, ...]], published: KnownDocument | None, refused: DocumentVersion | None
) -> bool:
    """Tell whether nothing is known of any of these rows, and there is nothing else to them.

    Args:
        rows: They, by key.
        published: The next document that is published.
        refused: The next version that was refused.
    """
    if not rows or rows[0][KEY] == NAMELESS or any(map(itemgetter(REASON), rows)):
        return False
    last = decoded(rows[-1][KEY])
    return (
        (published is None or published.version.key > last)
        and (refused is None or refused.key > last)
        and len({*map(itemgetter(KEY), rows)}) == len(rows)
        and DELETED not in map(itemgetter(DIGEST), rows)
    )


class RowsTogether:
    """Takes rows that are to be stored together.

    Args:
        scan: The rows.
        collection: The collection.
        decision: Decides about those that can't be taken so.
    """

    def __init__(self, scan: Scan, collection: str, decision: RowDecision) -> None:
        self._scan, self._collection, self._decision = scan, collection, decision

    def is_new(self, row: tuple[Any, ...], known: KnownDocument | None) -> bool:
        """Tell whether a row is one that is to be stored, and there is nothing else to it."""
        if row[REASON] or row[DIGEST] == DELETED:
            return False
        if known is None:
            return True
        version = known.version
        return version.item not in self._scan.kept and not version.is_of(
            row[DIGEST].hex(), self._decision.settings
        )

    def together(
        self, rows: Sequence[tuple[Any, ...]], known: Sequence[KnownDocument | None]
    ) -> Iterator[Change | RowBlock]:
        """Yield rows that are to be stored, together if their values fit their types.

        Args:
            rows: They.
            known: What each takes the place of.
        """
        if not rows:
            return
        scan, settings = self._scan, self._decision.settings
        names, digests, numbers, _, sizes, packed, *_ = zip(*rows, strict=True)
        size = sum(sizes)
        if size > NEW_BYTES and len(rows) > 1:
            half = len(rows) // 2
            yield from self.together(rows[:half], known[:half])
            yield from self.together(rows[half:], known[half:])
            return
        columns = scan.shape.convert_all([*map(unpacked, packed)])
        keys = [*map(decoded, names)]
        if columns is None:
            for key, row, there in zip(keys, rows, known, strict=True):
                yield self._decision.decide(key, [SpooledRow._make(row)], there, None)
            return
        hashes = [digest.hex() for digest in digests]
        first, last = f"{self._collection}\0", f"\0{settings}"
        ids = document_ids(
            [f"{first}{key}\0{digest}{last}" for key, digest in zip(keys, hashes, strict=True)]
        )
        items = [*map(scan.items.__getitem__, numbers)]
        publications = RowPublications(keys, ids, hashes, sizes, items, settings)
        replaced = ["" if there is None else there.version.brought_by for there in known]
        self._decision.counts.update(numbers)
        yield RowBlock(RowColumns(ids, columns, sizes), publications, replaced)
