"""What is to become of one key: its rows, and what is published and was refused under it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

from batchwright.config import BatchConfig
from batchwright.contracts.account import NONE_STORABLE
from batchwright.contracts.receipts import DocumentVersion, KnownDocument
from batchwright.contracts.record_rows import Rows, as_plain
from batchwright.contracts.rows import Row
from batchwright.documents.left_out import CLEANED, DELETED_ROW, EARLIER_ROW, SAME_ROW
from batchwright.engine.cleaning import cleaned
from batchwright.engine.reading.changes import Change, ChangeState, RefusedRow
from batchwright.engine.reading.prepare import Chunking
from batchwright.engine.rows.chunked_shape import ChunkedShape
from batchwright.engine.rows.row_intake import LINE_BYTES
from batchwright.engine.rows.scan import Scan
from batchwright.engine.rows.spool import DELETED, SpooledRow, unpacked
from batchwright.model import Omission, document_id, record_id

DIGEST_BYTES = 32
"""Of the hash of one row."""


class RowDecision:
    """Decides about one key after the other.

    Args:
        scan: The rows.
        config: The settings.
        collection: The collection.
        on_outdated: Called with each version that was refused, and isn't what is in the input any more.
        chunking: Cuts texts into chunks; where rows are no records of their own.

    Attributes:
        settings: The settings of the versions that are published.
        counts: How many rows came from each item, by number; of these none was refused.
        unclean: Numbers of the items with rows that were refused.
    """

    def __init__(
        self,
        scan: Scan,
        config: BatchConfig,
        collection: str,
        on_outdated: Callable[[DocumentVersion], None],
        chunking: Chunking | None,
    ) -> None:
        self._scan, self._config, self._collection = scan, config, collection
        self._on_outdated = on_outdated
        self._chunking = chunking
        self.counts: Counter[int] = Counter()
        self.unclean = set(scan.unclean)
        self._rows = Rows(scan.record_type)
        name, unstorable = scan.record_type.name, config.unstorable
        self.settings = name if unstorable == "reject" else f"{name}/{unstorable}"
        if chunking is not None:
            self.settings = "/".join(["rows", config.chunk or "", config.heading or "", chunking.settings])
            if config.types or config.record:  # other metadata then
                said = repr((sorted(config.types.items()), config.record))
                self.settings += f"/{sha256(said.encode()).hexdigest()[:16]}"
        # with other types a line that doesn't fit may fit, and so is looked at again
        types = sha256(scan.record_type.as_json().encode()).hexdigest()[:16]
        self._refusing = f"{self.settings}/{types}"

    def decide(
        self,
        key: str,
        same: Sequence[SpooledRow],
        known: KnownDocument | None,
        refusal: DocumentVersion | None,
    ) -> Change:
        """Return what is to become of a key.

        Args:
            key: The key.
            same: Its rows.
            known: What is published under it.
            refusal: What was refused under it.
        """
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
            rows = [RefusedRow(reason, self.payload(different[0]))]
            return self._refused(key, different, known, refusal, rows, left_out)
        if len(different) > 1:
            rows = [RefusedRow(self._twice(row, different), self.payload(row)) for row in different]
            return self._refused(key, different, known, refusal, rows, left_out)
        [row] = different
        if row.reason:
            rows = [RefusedRow(f"line {row.line:,}: {row.reason}", self.payload(row))]
            return self._refused(key, different, known, refusal, rows, left_out)
        if row.digest == DELETED:
            self._outdate(refusal)
            if known is None or known.version.brought_by != "run":
                return Change(key, "left_out", size=size, left_out=[*left_out, Omission(DELETED_ROW, key)])
            return Change(key, "deleted", known.version, known, size=size, left_out=left_out)
        digest = row.digest.hex()
        if known is not None and known.version.is_of(digest, self.settings):
            self._outdate(refusal)
            noted = known.version.item != item
            self.counts[row.item] += 1
            version = replace(known.version, item=item) if noted else known.version
            return Change(key, "unchanged", version, known, size=size, left_out=left_out, is_noted=noted)
        if refusal is not None and refusal.is_of(digest, self.settings):
            return Change(key, "refused", refusal, known, size=size, reason=NONE_STORABLE)
        try:
            change = self._made(key, row, known, left_out)
        except ValueError as error:
            rows = [RefusedRow(f"line {row.line:,}: {error}", self.payload(row))]
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
            prepared = self._chunking.cut(shape.document(key, raw), digest, size, self.settings)
            left_out += prepared.left_out
            if prepared.version is None:  # a plugin leaves it out
                if known is None or known.version.brought_by != "run":
                    return Change(key, "left_out", size=size, left_out=left_out)
                return Change(key, "deleted", known.version, known, size=size, left_out=left_out)
            version = replace(prepared.version, item=item)
            state: ChangeState = "changed" if known else "added"
            return Change(key, state, version, known, prepared.records, size, left_out=left_out)
        values = shape.convert(raw)
        identity = document_id(self._collection, key, digest, self.settings)
        storable, count = cleaned(self._scan.record_type, values, self._config)
        if count:
            left_out.append(Omission(CLEANED, key, count))
        record = self._rows.row(record_id(identity, 0), storable)
        version = DocumentVersion(key, identity, digest, self.settings, size, 1, "run", "", item)
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
        if known is not None and known.version.is_of(digest, self.settings):
            self._outdate(refusal)
            self.counts[rows[0].item] += 1
            return Change(key, "unchanged", known.version, known, size=size)
        identity = document_id(self._collection, key, digest, self.settings)
        records, refused, count = self._records(rows, identity)
        if not records:
            return self._refused(key, rows, known, refusal, refused, [])
        if refused:
            self.unclean.add(rows[0].item)
        self._outdate(refusal)
        self.counts[rows[0].item] += 1
        version = DocumentVersion(key, identity, digest, self.settings, size, len(rows), "run", "", item)
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
                refused.append(RefusedRow(f"line {row.line:,}: {error}", self.payload(row), position))
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
        self.unclean.update(row.item for row in same)
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

    def payload(self, row: SpooledRow) -> dict[str, Any]:
        """Return what is kept of a row that is refused, as JSON has it."""
        values = unpacked(row.values)
        shown = values if isinstance(values, dict) else self._scan.shape.shown(values)
        place: dict[str, Any] = {"_item": self._scan.items[row.item], "_line": row.line}
        if row.text:
            place["_text"] = row.text
        return {**place, **{name: as_plain(value) for name, value in shown.items()}}

    def _outdate(self, refusal: DocumentVersion | None) -> None:
        if refusal is not None and refusal.brought_by == "run":
            self._on_outdated(refusal)

    def again(self, key: str, known: KnownDocument) -> Change | None:
        """Return the change of one row or block, which has its records also where it is unchanged.

        None where it is in the input no more.
        """
        rows = [
            SpooledRow._make(row) for row in self._scan.spool.find(key) if row[2] not in self._scan.dropped
        ]
        if not rows:
            return None
        change = self.decide(key, rows, known, None)
        if change.state in ("deleted", "left_out"):
            return None
        if change.state != "unchanged" or known.version.settings != self.settings:
            return change
        if self._scan.record_type.key is None:
            return replace(change, records=self._records(rows, known.version.document_id)[0])
        return replace(change, records=self._made(key, rows[0], known, []).records)
