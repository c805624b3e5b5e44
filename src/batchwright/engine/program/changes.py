"""Compare what a program brings with what is published, a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from batchwright.contracts.account import NONE_STORABLE
from batchwright.contracts.receipts import DocumentVersion, KnownDocument
from batchwright.engine.delivery.row_block import RowBlock
from batchwright.engine.program.documents import Brought
from batchwright.engine.program.seen_keys import SeenKeys
from batchwright.engine.reading.changes import Change, Difference, Unchanged
from batchwright.engine.reading.prepare import reason_of
from batchwright.engine.reading.published import of_keys
from batchwright.engine.store.client import StoreClient

DOCUMENTS_A_PAGE = 1_000
BYTES_A_PAGE = 1024 * 1024
"""Documents that are looked up together, at most, and their bytes, but for the last one's."""


def own_changes(
    brought: Iterable[Brought],
    client: StoreClient,
    collection: str,
    seen: SeenKeys,
    on_outdated: Callable[[DocumentVersion], None],
    *,
    each: bool,
) -> Iterator[Difference]:
    """Yield what is to become of the documents, a page after the other.

    Args:
        brought: The documents.
        client: The way to the ledger.
        collection: Theirs.
        seen: Takes their keys.
        on_outdated: Called with each version that was refused, and isn't the one that was brought now.
        each: Whether every unchanged document is wanted by itself.
    """
    for page in _pages(brought):
        usable = [document for document in page if not document.reason]
        again = seen.add([(document.key, document.position) for document in page])
        keys = [document.key for document in usable if document.position not in again]
        known, refused = of_keys(client, collection, keys)
        new: list[tuple[Brought, KnownDocument | None]] = []
        unchanged = Unchanged()
        for document in page:
            if document.position in again:
                yield _met_again(document, again[document.position])
                continue
            if document.reason:
                yield _unusable(document, document.reason)
                continue
            there, before = known.get(document.key), refused.get(document.key)
            if before is None:
                is_same = there is not None and document.is_version(there.version)
                if there is not None and is_same and not each:
                    unchanged.add(there)
                    continue
                if document.row is not None and not is_same:
                    new.append((document, there))
                    continue
            change = _change(document, there, before)
            if before is not None and change.state != "refused":
                on_outdated(before)
            yield change
        if unchanged.documents:
            yield unchanged
        if new:
            yield _together(new, collection)


def _together(new: Sequence[tuple[Brought, KnownDocument | None]], collection: str) -> RowBlock:
    """Return documents of one record each, with what each takes the place of, as rows."""
    documents, known = zip(*new, strict=True)
    _, keys, hashes, settings, sizes, _, _, rows = zip(*documents, strict=True)
    columns = list(zip(*rows, strict=True))
    return RowBlock.of(collection, keys, hashes, settings[0], columns, sizes, known, brought_by="program")


def _change(document: Brought, known: KnownDocument | None, refused: DocumentVersion | None) -> Change:
    key = document.key
    if known is not None and document.is_version(known.version):
        return Change(key, "unchanged", known.version, known, size=document.size)
    if refused is not None and document.is_version(refused):
        return Change(key, "refused", refused, known, size=document.size, reason=NONE_STORABLE)
    try:
        prepared = document.prepare()
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it is about this document alone
        return _unusable(document, reason_of(error))
    version = prepared.version
    if version is not None and version.key != key:
        version = replace(version, key=key)
    return Change(
        key,
        "changed" if known else "added",
        version,
        known,
        prepared.records,
        prepared.size,
        prepared.left_out,
    )


def _met_again(document: Brought, first: int) -> Change:
    reason = f"records {first} and {document.position} have the same key; the first was taken"
    return Change(document.key, "failed", reason=reason, position=document.position)


def _unusable(document: Brought, reason: str) -> Change:
    place = f"record {document.position}"
    return Change(document.key or place, "failed", size=document.size, reason=f"{place}: {reason}")


def _pages(brought: Iterable[Brought]) -> Iterator[list[Brought]]:
    page: list[Brought] = []
    size = 0
    for document in brought:
        page.append(document)
        size += document.size
        if len(page) >= DOCUMENTS_A_PAGE or size >= BYTES_A_PAGE:
            yield page
            page, size = [], 0
    if page:
        yield page
