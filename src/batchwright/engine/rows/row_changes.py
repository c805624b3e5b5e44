"""What is to become of each row: what came is compared with what is published, by key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, cast

from batchwright.config import BatchConfig
from batchwright.contracts.receipts import DocumentVersion, ItemDocuments, ItemVersion, KnownDocument
from batchwright.engine.reading.changes import Change, Difference, Unchanged
from batchwright.engine.reading.prepare import Chunking
from batchwright.engine.rows.before import PublishedBefore, RefusedBefore
from batchwright.engine.rows.new_rows import RowsTogether, are_new
from batchwright.engine.rows.row_decision import RowDecision
from batchwright.engine.rows.row_intake import NAMELESS, NO_ROW
from batchwright.engine.rows.scan import Scan
from batchwright.engine.rows.spool import DIGEST, ITEM, KEY, REASON, SpooledRow, decoded

AT_ONCE = 1_000
"""Unchanged rows that are counted together."""

UNKNOWN = "a line that can't be read may be this row's; it stays as it is"


class RowChanges:
    """Compares rows with what is published.

    Args:
        scan: The rows.
        config: The settings.
        collection: The collection.
        complete: Whether what isn't there is gone.
        each: Whether every unchanged row is wanted by itself.
        on_outdated: Called with each version that was refused, and isn't what is in the input any more.
        chunking: Cuts texts into chunks; where rows are no records of their own.

    Attributes:
        reread: Returns the change of one row or block, which has its records also where it is unchanged.
        missing: How many published rows of each item are gone from the input, by the item's key.
    """

    def __init__(
        self,
        scan: Scan,
        config: BatchConfig,
        collection: str,
        *,
        complete: bool,
        each: bool,
        on_outdated: Callable[[DocumentVersion], None],
        chunking: Chunking | None,
    ) -> None:
        self._scan, self._complete, self._each = scan, complete, each
        self._on_outdated = on_outdated
        self._decision = RowDecision(scan, config, collection, on_outdated, chunking)
        self._new = RowsTogether(scan, collection, self._decision)
        self._are_plain = (
            chunking is None and config.unstorable == "reject" and scan.record_type.key is not None
        )
        self.reread = self._decision.again
        self.missing: Counter[str] = Counter()
        # of these items it isn't known which rows they hold
        self._unclear = {key: f"{key} can't be read; the row stays" for key in scan.unread}

    def compare(
        self, known: Iterable[KnownDocument], refused: Iterable[DocumentVersion]
    ) -> Iterator[Change | Unchanged]:
        """Yield what is to become of each row, by key; of those that stay as they are, of many together.

        Args:
            known: What is published, by key.
            refused: What was refused, by key.
        """
        changes = self._compare(known, refused, list, together=False)
        return cast(Iterator[Change | Unchanged], changes)

    def compare_together(
        self,
        known: Iterable[KnownDocument],
        refused: Iterable[DocumentVersion],
        by_item: Callable[[], Sequence[ItemDocuments]],
    ) -> Iterator[Difference]:
        """Yield the same; of those that are to be stored also of many together.

        Args:
            known: What is published, by key.
            refused: What was refused, by key.
            by_item: Returns what is published, added up by item: where no item was read, that is enough.
        """
        return self._compare(known, refused, by_item, together=self._are_plain)

    def _compare(
        self,
        known: Iterable[KnownDocument],
        refused: Iterable[DocumentVersion],
        by_item: Callable[[], Sequence[ItemDocuments]],
        *,
        together: bool,
    ) -> Iterator[Difference]:
        if all_kept := self._all_kept(by_item):
            RefusedBefore(refused, self._on_outdated, is_gone=self._complete).of(None)
            for one in all_kept:
                unfetched = one.documents if self._scan.kept[one.item] else 0
                yield Unchanged(one.documents, one.records, one.rejected, one.size, one.runs, unfetched)
            return
        for item, reason in self._scan.unread.items():
            yield Change(item, "failed", reason=reason)
        published = PublishedBefore(known)
        before = RefusedBefore(refused, self._on_outdated, is_gone=self._complete)
        unchanged = Unchanged()
        for block in self._blocks():
            if together and are_new(block, published.next, before.next):
                yield from self._new.together(block, [None] * len(block))
                continue
            new: list[tuple[Any, ...]] = []
            instead: list[KnownDocument | None] = []
            for name, group in groupby(block, itemgetter(KEY)):
                same = [*group]
                row = same[0]
                if name == NAMELESS:
                    yield from self._nameless(same)
                    continue
                key = decoded(name)
                yield from self._without_row(published.up_to(key), unchanged)
                there, refusal = published.of(key), before.of(key)
                is_plain = refusal is None and len(same) == 1
                if is_plain and there is not None and self._is_counted(row, there.version):
                    unchanged.add(there)
                    if unchanged.documents >= AT_ONCE:
                        yield unchanged
                        unchanged = Unchanged()
                elif is_plain and together and self._new.is_new(row, there):
                    new.append(row)
                    instead.append(there)
                else:
                    yield from self._new.together(new, instead)
                    new, instead = [], []
                    yield self._decision.decide(key, list(map(SpooledRow._make, same)), there, refusal)
            yield from self._new.together(new, instead)
        yield from self._without_row(published.up_to(None), unchanged)
        before.of(None)
        if unchanged.documents:
            yield unchanged

    def _is_counted(self, row: tuple[Any, ...], version: DocumentVersion) -> bool:
        """Tell whether a row is stored as it is, and only counted; count it for its item, if so."""
        if (
            self._each
            or version.content_hash != row[DIGEST].hex()
            or version.settings != self._decision.settings
            or version.item != self._scan.items[row[ITEM]]
            or row[REASON]
        ):
            return False
        self._decision.counts[row[ITEM]] += 1
        return True

    def _without_row(self, known: Iterable[KnownDocument], unchanged: Unchanged) -> Iterator[Change]:
        """Yield the changes of what is published and has no row; count what stays with those unchanged."""
        kept = self._scan.kept
        for one in known:
            if one.version.item not in kept or self._each:
                yield from self._missing(one)
            else:
                unchanged.add(one, unfetched=kept[one.version.item])

    def _all_kept(self, by_item: Callable[[], Sequence[ItemDocuments]]) -> Sequence[ItemDocuments]:
        """Return what is published, if all of it came from items that are as they were; else nothing."""
        scan = self._scan
        if not scan.kept or scan.items or scan.unread or self._each:
            return ()
        there = by_item()
        return there if scan.kept.keys() >= {one.item for one in there} else ()

    def _blocks(self) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows by key, some at a time, without those of attempts that were given up."""
        dropped = self._scan.dropped
        if not dropped:
            return self._scan.spool.by_key()
        return ([row for row in rows if row[ITEM] not in dropped] for rows in self._scan.spool.by_key())

    def items(self) -> list[ItemVersion]:
        """Return the items that need not be read again while they are the same, once all is stored."""
        scan = self._scan
        return [
            ItemVersion(scan.items[number], fingerprint, scan.settings[number], self._decision.counts[number])
            for number, fingerprint in scan.fingerprints.items()
            if number not in self._decision.unclean | scan.dropped
        ]

    # --- what has no row, or no key -----------------------------------------------------------------------

    def _missing(self, known: KnownDocument) -> Iterator[Change]:
        """Yield the change of a row that is published, and isn't in the input."""
        version = known.version
        if version.item in self._scan.kept:
            unfetched = self._scan.kept[version.item]
            yield Change(version.key, "unchanged", version, known, size=version.size, is_unfetched=unfetched)
            return
        if not self._complete or version.brought_by != "run":
            return
        if version.item in self._unclear:
            reason = self._unclear[version.item]
            yield Change(version.key, "failed", known=known, reason=reason, is_found=False)
        else:
            self.missing[version.item] += 1
            yield Change(version.key, "deleted", version, known, is_found=False)

    def _nameless(self, rows: Iterable[tuple[Any, ...]]) -> Iterator[Change]:
        """Yield the changes of lines of which not even the key is known."""
        for row in map(SpooledRow._make, rows):
            item = self._scan.items[row.item]
            if row.digest != NO_ROW:
                self._unclear.setdefault(item, UNKNOWN)
            reason = f"line {row.line:,}: {row.reason}"
            yield Change(
                f"{item}:{row.line}",
                "failed",
                size=row.size,
                reason=reason,
                payload=self._decision.payload(row),
            )
