"""The one statement that stores a receipt, and with it, in small batches, the rows.

Everything hangs on the receipt: the other parts act only if it was inserted. It is not inserted where it is
there already, nor where a document to be published lacks rows. So a statement sent twice acts once, one that
finds a document incomplete does nothing, and a small batch costs one round trip, commit and all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from batchwright.builtin.postgres import statements
from batchwright.builtin.postgres.names import Names
from batchwright.builtin.postgres.rejects import reject_columns
from batchwright.builtin.postgres.rows import (
    INT4,
    INT8,
    TEXT,
    UUID,
    BinaryArray,
    array,
    big_integers,
    integers,
    texts,
    uuids,
)
from batchwright.contracts.receipts import DocumentVersion, Publication, Receipt
from batchwright.model import ProcessedChunk, chunk_id

_LAST_INDEX = 0xFFFFFFFF


class Statement:
    """A statement made of named parts; a part that has nothing to do is left out."""

    def __init__(self) -> None:
        self.parts: list[tuple[str, str]] = []
        self.values: list[Any] = []
        self.answers = [statements.GUARD]

    def add(self, name: str, text: str, *values: Any) -> None:
        """Add a part with its parameters."""
        self.parts.append((name, text))
        self.values += values

    def ask(self, text: str, *values: Any) -> None:
        """Add a column to what the statement answers; only after all parts."""
        self.answers.append(text)
        self.values += values

    @property
    def key(self) -> tuple[str, ...]:
        """What two statements with the same text have in common."""
        return (*(text for _, text in self.parts), *self.answers)

    @property
    def text(self) -> str:
        """The text, with the relations' names left open."""
        parts = ", ".join(f"{name} AS ({text})" for name, text in self.parts)
        return f"WITH {parts} SELECT {', '.join(self.answers)}"


class Receipts:
    """Makes the statements. Their texts are few and are kept, so that the server can prepare them."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._texts: dict[tuple[str, ...], bytes] = {}

    def alone(self, receipt: Receipt) -> tuple[bytes, list[Any]]:
        """Return a statement for what the ledger keeps; it answers whether the receipt was new."""
        statement = Statement()
        statement.add("receipt", statements.RECEIPT, *_receipt(receipt))
        _add_consequences(statement, receipt)
        return self._finished(statement)

    def with_rows(
        self, receipt: Receipt, chunks: Sequence[ProcessedChunk], arrays: Sequence[BinaryArray]
    ) -> tuple[bytes, list[Any]]:
        """Return a statement for the receipt and the rows; it answers whether they were stored."""
        statement = Statement()
        _add_receipt(statement, receipt, chunks)
        if chunks:
            statement.add("stored", statements.ROWS, *arrays)
        _add_removal(statement, receipt)
        _add_consequences(statement, receipt)
        return self._finished(statement)

    def before_rows(self, receipt: Receipt, chunks: Sequence[ProcessedChunk]) -> tuple[bytes, list[Any]]:
        """Return a statement for the receipt of rows that follow in the same transaction.

        It answers whether the receipt was stored, and whether none of the rows is there yet.
        """
        statement = Statement()
        _add_receipt(statement, receipt, chunks)
        _add_removal(statement, receipt)
        _add_consequences(statement, receipt)
        statement.ask(statements.UNTOUCHED, *_spans(chunks))
        return self._finished(statement)

    def _finished(self, statement: Statement) -> tuple[bytes, list[Any]]:
        key = statement.key
        text = self._texts.get(key)
        if text is None:
            text = self._texts[key] = self._names.statement(statement.text).as_bytes(None)
        return text, statement.values


def counted(receipt: Receipt) -> list[Publication]:
    """Return the publications of which rows were stored before, so that they are to be counted."""
    return [publication for publication in receipt.publications if publication.stored_before > 0]


def span(version: str) -> tuple[str, str]:
    """Return the first and the last id that a chunk of the document version can have."""
    return chunk_id(version, 0), chunk_id(version, _LAST_INDEX)


def _receipt(receipt: Receipt) -> tuple[Any, ...]:
    return receipt.batch_id, receipt.run_id, receipt.batch_index, receipt.records


def _add_receipt(statement: Statement, receipt: Receipt, chunks: Sequence[ProcessedChunk]) -> None:
    publications = counted(receipt)
    if not publications:
        statement.add("receipt", statements.RECEIPT, *_receipt(receipt))
        return
    versions = [publication.version.document_id for publication in publications]
    wanted = set(versions)
    here = [chunk.id for chunk in chunks if chunk.document_id in wanted]
    rows_here = Counter(map(_version_of, here))
    before = [publication.rows - rows_here[publication.version.document_id] for publication in publications]
    values = [*_spans_of(versions), array(INT8, big_integers(before)), array(UUID, uuids(here))]
    statement.add("receipt", statements.CHECKED_RECEIPT, *_receipt(receipt), *values)


def _add_removal(statement: Statement, receipt: Receipt) -> None:
    if receipt.obsolete:
        statement.add("removed", statements.OBSOLETE, *_spans_of(receipt.obsolete))


def _add_consequences(statement: Statement, receipt: Receipt) -> None:
    published = [publication.version for publication in receipt.publications]
    files = array(TEXT, texts(version.source_file for version in published))
    if published:
        rejected = array(INT4, integers(publication.rejected for publication in receipt.publications))
        statement.add("published", statements.PUBLISHED, receipt.run_id, *_versions(published), rejected)
        ids = array(UUID, uuids(version.document_id for version in published))
        statement.add("outdated", statements.OUTDATED, files, ids)
    if receipt.opened:
        statement.add("opened", statements.OPENED, *_versions(receipt.opened))
    if published or receipt.discarded:
        statement.add(
            "no_longer_pending", statements.NO_LONGER_PENDING, files, array(UUID, uuids(receipt.discarded))
        )
    if receipt.deleted:
        statement.add("deleted", statements.DELETED, *_columns(receipt.deleted))
        names = [name for name, _ in receipt.deleted]
        statement.add("deleted_rejects", statements.DELETED_REJECTS, names)
    if receipt.obsolete:
        statement.add("forgotten", statements.FORGOTTEN, list(receipt.obsolete))
    if receipt.rejects:
        last = {reject.id: reject for reject in receipt.rejects}  # one statement can't touch a row twice
        statement.add("rejected", statements.REJECTED, *_columns(map(reject_columns, last.values())))
    if receipt.resolved:
        statement.add("resolved", statements.RESOLVED, list(receipt.resolved))


def _versions(versions: Sequence[DocumentVersion]) -> list[BinaryArray]:
    return [
        array(TEXT, texts(version.source_file for version in versions)),
        array(UUID, uuids(version.document_id for version in versions)),
        array(TEXT, texts(version.content_hash for version in versions)),
        array(TEXT, texts(version.settings for version in versions)),
        array(INT8, big_integers(version.size for version in versions)),
        array(INT4, integers(version.chunks for version in versions)),
    ]


def _spans_of(versions: Sequence[str]) -> list[BinaryArray]:
    first, last = zip(*map(span, versions), strict=True)
    return [array(UUID, uuids(first)), array(UUID, uuids(last))]


def _columns(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _version_of(identity: str) -> str:
    return identity[:28] + "00000000"


def _spans(chunks: Sequence[ProcessedChunk]) -> tuple[BinaryArray, BinaryArray]:
    """Return the least and the greatest id among the chunks of each version."""
    low: dict[str, str] = {}
    high: dict[str, str] = {}
    for chunk in chunks:
        identity = chunk.id
        version = identity[:28]
        if version not in low:
            low[version] = high[version] = identity
        elif identity > high[version]:
            high[version] = identity
        elif identity < low[version]:
            low[version] = identity
    return array(UUID, uuids(low.values())), array(UUID, uuids(high.values()))
