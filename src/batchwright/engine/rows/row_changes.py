"""What is to become of each row: what came is held beside what is published, by key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from typing import Any, cast

from batchwright.config import BatchConfig
from batchwright.contracts.account import NONE_STORABLE
from batchwright.contracts.receipts import DocumentVersion, ItemDocuments, ItemVersion, KnownDocument
from batchwright.contracts.record_rows import Rows, as_plain
from batchwright.contracts.records import Row, RowColumns
from batchwright.contracts.row_publications import RowPublications
from batchwright.documents.left_out import CLEANED, DELETED_ROW, EARLIER_ROW, SAME_ROW
from batchwright.engine.cleaning import cleaned
from batchwright.engine.delivery.row_block import RowBlock
from batchwright.engine.reading.changes import Change, ChangeState, NewRows, RefusedRow, Unchanged
from batchwright.engine.reading.prepare import Chunking
from batchwright.engine.rows.chunked_shape import ChunkedShape
from batchwright.engine.rows.scan import LINE_BYTES, NAMELESS, NO_ROW, Scan
from batchwright.engine.rows.spool import DELETED, SpooledRow, decoded, unpacked
from batchwright.model import Omission, document_id, document_ids, record_id

AT_ONCE = 1_000
"""Unchanged rows that are counted together."""

DIGEST_BYTES = 32
"""Of the hash of one row."""

NEW_BYTES = 256 * 1024
"""Bytes of rows to be stored that come together."""

KEY, DIGEST, ITEM, REASON = map(SpooledRow._fields.index, ("key", "digest", "item", "reason"))

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
        counts: How many rows came from each item, by number; of these none was refused.
        missing: How many published rows of each item are gone from the input, by the item's key.
    """

    def __init__(
        self,
        scan: Scan,
        config: BatchConfig,
        collection: str,
        *,
        complete: bool = True,
        each: bool = False,
        on_outdated: Callable[[DocumentVersion], None] = lambda _: None,
        chunking: Chunking | None = None,
    ) -> None:
        self._scan, self._config, self._collection = scan, config, collection
        self._complete, self._each = complete, each
        self._on_outdated = on_outdated
        self.counts: Counter[int] = Counter()
        self.missing: Counter[str] = Counter()
        self._unclean = set(scan.unclean)
        self._rows = Rows(scan.record_type)
        name, unstorable = scan.record_type.name, config.unstorable
        self._settings = name if unstorable == "reject" else f"{name}/{unstorable}"
        self._chunking = chunking
        self._are_plain = chunking is None and unstorable == "reject" and scan.record_type.key is not None
        if chunking is not None:
            self._settings = "/".join(["rows", config.chunk or "", config.heading or "", chunking.settings])
            if config.types or config.record:  # other metadata then
                said = repr((sorted(config.types.items()), config.record))
                self._settings += f"/{sha256(said.encode()).hexdigest()[:16]}"
        # with other types a line that doesn't fit may fit, and so is looked at again
        types = sha256(scan.record_type.as_json().encode()).hexdigest()[:16]
        self._refusing = f"{self._settings}/{types}"
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
    ) -> Iterator[Change | NewRows | Unchanged]:
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
    ) -> Iterator[Change | NewRows | Unchanged]:
        if all_kept := self._all_kept(by_item):
            _Refused(refused, self._on_outdated, is_gone=self._complete).of(None)
            for one in all_kept:
                unfetched = one.documents if self._scan.kept[one.item] else 0
                yield Unchanged(one.documents, one.records, one.rejected, one.size, one.runs, unfetched)
            return
        for item, reason in self._scan.unread.items():
            yield Change(item, "failed", reason=reason)
        rest, before = iter(known), _Refused(refused, self._on_outdated, is_gone=self._complete)
        published = next(rest, None)
        unchanged, settings, each = Unchanged(), self._settings, self._each
        counts, kept = self.counts, self._scan.kept
        items = self._scan.items
        for block in self._blocks():
            if together and _are_new(block, published, before.next):
                yield from self._new(block, [None] * len(block))
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
                while published is not None and published.version.key < key:
                    if published.version.item not in kept or each:
                        yield from self._missing(published)
                    else:
                        unchanged.add(published, unfetched=kept[published.version.item])
                    published = next(rest, None)
                there = None
                if published is not None and published.version.key == key:
                    there, published = published, next(rest, None)
                refusal = before.of(key)
                if there is not None and refusal is None and not each and len(same) == 1:
                    version = there.version
                    if (
                        version.content_hash == row[DIGEST].hex()
                        and version.settings == settings
                        and version.item == items[row[ITEM]]
                        and not row[REASON]
                    ):
                        counts[row[ITEM]] += 1
                        unchanged.add(there)
                        if unchanged.documents >= AT_ONCE:
                            yield unchanged
                            unchanged = Unchanged()
                        continue
                if together and refusal is None and len(same) == 1 and self._is_new(row, there):
                    new.append(row)
                    instead.append(there)
                    continue
                yield from self._new(new, instead)
                new, instead = [], []
                yield self._change(key, list(map(SpooledRow._make, same)), there, refusal)
            yield from self._new(new, instead)
        while published is not None:
            if published.version.item not in kept or each:
                yield from self._missing(published)
            else:
                unchanged.add(published, unfetched=kept[published.version.item])
            published = next(rest, None)
        before.of(None)
        if unchanged.documents:
            yield unchanged

    def _is_new(self, row: tuple[Any, ...], known: KnownDocument | None) -> bool:
        """Tell whether a row is one that is to be stored, and there is nothing else to it."""
        if row[REASON] or row[DIGEST] == DELETED:
            return False
        if known is None:
            return True
        version = known.version
        return version.item not in self._scan.kept and not version.is_of(row[DIGEST].hex(), self._settings)

    def _new(
        self, rows: Sequence[tuple[Any, ...]], known: Sequence[KnownDocument | None]
    ) -> Iterator[Change | NewRows]:
        """Yield rows that are to be stored, together if their values fit their types.

        Args:
            rows: They.
            known: What each takes the place of.
        """
        if not rows:
            return
        names, digests, numbers, _, sizes, packed, *_ = zip(*rows, strict=True)
        size = sum(sizes)
        if size > NEW_BYTES and len(rows) > 1:
            half = len(rows) // 2
            yield from self._new(rows[:half], known[:half])
            yield from self._new(rows[half:], known[half:])
            return
        columns = self._scan.shape.convert_all([*map(unpacked, packed)])
        keys = [*map(decoded, names)]
        if columns is None:
            for key, row, there in zip(keys, rows, known, strict=True):
                yield self._change(key, [SpooledRow._make(row)], there, None)
            return
        hashes = [digest.hex() for digest in digests]
        first, last = f"{self._collection}\0", f"\0{self._settings}"
        ids = document_ids(
            [f"{first}{key}\0{digest}{last}" for key, digest in zip(keys, hashes, strict=True)]
        )
        items = [*map(self._scan.items.__getitem__, numbers)]
        publications = RowPublications(keys, ids, hashes, sizes, items, self._settings)
        changed = [there is not None for there in known]
        runs = sum(there is not None and there.version.brought_by == "run" for there in known)
        self.counts.update(numbers)
        yield NewRows(RowBlock(RowColumns(ids, columns, sizes), publications, changed), size, runs)

    def _all_kept(self, by_item: Callable[[], Sequence[ItemDocuments]]) -> Sequence[ItemDocuments]:
        """Return what is published, if all of it came from items that are as they were; else nothing."""
        scan = self._scan
        if not scan.kept or scan.items or scan.unread or self._each:
            return ()
        there = by_item()
        return there if scan.kept.keys() >= {one.item for one in there} else ()

    def reread(self, key: str, known: KnownDocument) -> Change | None:
        """Return the change of one row or block, which has its records also where it is unchanged.

        None where it is in the input no more.
        """
        rows = [
            SpooledRow._make(row) for row in self._scan.spool.find(key) if row[2] not in self._scan.dropped
        ]
        if not rows:
            return None
        change = self._change(key, rows, known, None)
        if change.state in ("deleted", "left_out"):
            return None
        if change.state != "unchanged" or known.version.settings != self._settings:
            return change
        if self._scan.record_type.key is None:
            return replace(change, records=self._records(rows, known.version.document_id)[0])
        return replace(change, records=self._made(key, rows[0], known, []).records)

    def _blocks(self) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows by key, some at a time, without those of attempts that were given up."""
        dropped = self._scan.dropped
        if not dropped:
            return self._scan.spool.by_key()
        return ([row for row in rows if row[ITEM] not in dropped] for rows in self._scan.spool.by_key())

    # --- one key ----------------------------------------------------------------------------------------

    def _change(
        self,
        key: str,
        same: Sequence[SpooledRow],
        known: KnownDocument | None,
        refusal: DocumentVersion | None,
    ) -> Change:
        if self._scan.record_type.key is None:
            return self._block(key, same, known, refusal)
        different = [*{row.digest: row for row in same}.values()]
        left_out = [Omission(SAME_ROW, key, len(same) - len(different))] if len(different) < len(same) else []
        if len(different) > 1 and self._config.on_duplicate == "last":
            left_out.append(Omission(EARLIER_ROW, key, len(different) - 1))
            different = [max(different, key=lambda row: (row.item, row.line))]
        size = sum(row.size for row in different)
        item = self._scan.items[different[0].item]
        kept = known.version.item if known is not None and known.version.item in self._scan.kept else ""
        if kept and len(different) == 1 and self._config.on_duplicate != "last":
            reason = (
                f"{self._place(different[0])} has the key of a row of {kept}, which is loaded; remove one"
            )
            rows = [RefusedRow(reason, self._payload(different[0]))]
            return self._refused(key, different, known, refusal, rows, left_out)
        if len(different) > 1:
            rows = [RefusedRow(self._twice(row, different), self._payload(row)) for row in different]
            return self._refused(key, different, known, refusal, rows, left_out)
        [row] = different
        if row.reason:
            rows = [RefusedRow(f"line {row.line:,}: {row.reason}", self._payload(row))]
            return self._refused(key, different, known, refusal, rows, left_out)
        if row.digest == DELETED:
            self._outdate(refusal)
            if known is None or known.version.brought_by != "run":
                return Change(key, "left_out", size=size, left_out=[*left_out, Omission(DELETED_ROW, key)])
            return Change(key, "deleted", known.version, known, size=size, left_out=left_out)
        digest = row.digest.hex()
        if known is not None and known.version.is_of(digest, self._settings):
            self._outdate(refusal)
            noted = known.version.item != item
            self.counts[row.item] += 1
            version = replace(known.version, item=item) if noted else known.version
            return Change(key, "unchanged", version, known, size=size, left_out=left_out, is_noted=noted)
        if refusal is not None and refusal.is_of(digest, self._settings):
            return Change(key, "refused", refusal, known, size=size, reason=NONE_STORABLE)
        try:
            change = self._made(key, row, known, left_out)
        except ValueError as error:
            rows = [RefusedRow(f"line {row.line:,}: {error}", self._payload(row))]
            return self._refused(key, different, known, refusal, rows, left_out)
        self._outdate(refusal)
        self.counts[row.item] += 1
        return change

    def _made(
        self, key: str, row: SpooledRow, known: KnownDocument | None, left_out: list[Omission]
    ) -> Change:
        """Return the change of a row that is to be stored. Raises ValueError where a value doesn't fit."""
        digest, size, item = row.digest.hex(), row.size, self._scan.items[row.item]
        shape, raw = self._scan.shape, unpacked(row.values)
        if self._chunking is not None and isinstance(shape, ChunkedShape):
            prepared = self._chunking.cut(shape.document(key, raw), digest, size, self._settings)
            left_out += prepared.left_out
            if prepared.version is None:  # a plugin leaves it out
                if known is None or known.version.brought_by != "run":
                    return Change(key, "left_out", size=size, left_out=left_out)
                return Change(key, "deleted", known.version, known, size=size, left_out=left_out)
            version = replace(prepared.version, item=item)
            state: ChangeState = "changed" if known else "added"
            return Change(key, state, version, known, prepared.records, size, left_out=left_out)
        values = shape.convert(raw)
        identity = document_id(self._collection, key, digest, self._settings)
        storable, count = cleaned(self._scan.record_type, values, self._config)
        if count:
            left_out.append(Omission(CLEANED, key, count))
        record = self._rows.row(record_id(identity, 0), storable)
        version = DocumentVersion(key, identity, digest, self._settings, size, 1, "run", "", item)
        return Change(key, "changed" if known else "added", version, known, [record], size, left_out=left_out)

    def _block(
        self,
        key: str,
        rows: Sequence[SpooledRow],
        known: KnownDocument | None,
        refusal: DocumentVersion | None,
    ) -> Change:
        """Return the change of rows without keys, which are a document together."""
        digest = sha256(b"".join(row.digest[LINE_BYTES:] for row in rows)).hexdigest()
        size, item = sum(row.size for row in rows), self._scan.items[rows[0].item]
        if known is not None and known.version.is_of(digest, self._settings):
            self._outdate(refusal)
            self.counts[rows[0].item] += 1
            return Change(key, "unchanged", known.version, known, size=size)
        identity = document_id(self._collection, key, digest, self._settings)
        records, refused, count = self._records(rows, identity)
        if not records:
            return self._refused(key, rows, known, refusal, refused, [])
        if refused:
            self._unclean.add(rows[0].item)
        self._outdate(refusal)
        self.counts[rows[0].item] += 1
        version = DocumentVersion(key, identity, digest, self._settings, size, len(rows), "run", "", item)
        left_out = [Omission(CLEANED, key, count)] if count else []
        state: ChangeState = "changed" if known else "added"
        return Change(key, state, version, known, records, size, left_out=left_out, refused_rows=refused)

    def _records(self, rows: Sequence[SpooledRow], identity: str) -> tuple[list[Row], list[RefusedRow], int]:
        """Return the records of a block, its lines that are none, and how many characters were cleaned."""
        records, refused, total = [], [], 0
        for position, row in enumerate(rows):
            try:
                if row.reason:
                    raise ValueError(row.reason)
                values = self._scan.shape.convert(unpacked(row.values))
            except ValueError as error:
                refused.append(RefusedRow(f"line {row.line:,}: {error}", self._payload(row), position))
                continue
            storable, count = cleaned(self._scan.record_type, values, self._config)
            total += count
            records.append(self._rows.row(record_id(identity, position), storable))
        return records, refused, total

    def _refused(
        self,
        key: str,
        same: Sequence[SpooledRow],
        known: KnownDocument | None,
        refusal: DocumentVersion | None,
        rows: Sequence[RefusedRow],
        left_out: Sequence[Omission],
    ) -> Change:
        """Return the change of a key whose lines can't be loaded, and which stays as it is."""
        self._unclean.update(row.item for row in same)
        digests = b"".join(sorted(row.digest for row in same))
        digest = digests.hex() if len(digests) == DIGEST_BYTES else sha256(digests).hexdigest()
        size = sum(row.size for row in same)
        if known is not None and known.version.is_of(digest, self._refusing):  # a replay fixed it
            self._outdate(refusal)
            return Change(key, "unchanged", known.version, known, size=size, left_out=left_out)
        if refusal is not None and refusal.is_of(digest, self._refusing):
            return Change(key, "refused", refusal, known, size=size, reason=NONE_STORABLE)
        self._outdate(refusal)
        identity = document_id(self._collection, key, digest, self._refusing)
        item = self._scan.items[same[0].item]
        version = DocumentVersion(key, identity, digest, self._refusing, size, len(rows), "run", "", item)
        return Change(key, "refused", version, known, size=size, left_out=left_out, refused_rows=rows)

    def _twice(self, row: SpooledRow, same: Sequence[SpooledRow]) -> str:
        places = [self._place(other) for other in same if other is not row]
        others = f"{', '.join(places[:3])}{' and others' if len(places) > 3 else ''}"
        said = f"; it is no row anyway: {row.reason}" if row.reason else ""
        return (
            f"{self._place(row)} has the key of {others}: neither was loaded; remove one, or load the last "
            f'with on_duplicate = "last"{said}'
        )

    def _place(self, row: SpooledRow) -> str:
        several = len(self._scan.items) > 1
        return f"{self._scan.items[row.item]} line {row.line:,}" if several else f"line {row.line:,}"

    def _payload(self, row: SpooledRow) -> dict[str, Any]:
        values = unpacked(row.values)
        shown = values if isinstance(values, dict) else self._scan.shape.shown(values)
        place: dict[str, Any] = {"_item": self._scan.items[row.item], "_line": row.line}
        if row.text:
            place["_text"] = row.text
        return {**place, **{name: as_plain(value) for name, value in shown.items()}}

    def _outdate(self, refusal: DocumentVersion | None) -> None:
        if refusal is not None and refusal.brought_by == "run":
            self._on_outdated(refusal)

    def items(self) -> list[ItemVersion]:
        """Return the items that need not be read again while they are the same, once all is stored."""
        scan = self._scan
        return [
            ItemVersion(scan.items[number], fingerprint, scan.settings[number], self.counts[number])
            for number, fingerprint in scan.fingerprints.items()
            if number not in self._unclean | scan.dropped
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
                f"{item}:{row.line}", "failed", size=row.size, reason=reason, payload=self._payload(row)
            )


def _are_new(
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


class _Refused:
    """The versions that were refused before, by key, beside the keys that come."""

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
