"""Compare what a program brings with what is published, a page at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from batchwright.contracts.ledger import Ledger
from batchwright.contracts.receipts import KnownDocument
from batchwright.engine.delivery.client import StoreClient
from batchwright.engine.own_documents import Brought
from batchwright.engine.reading.changes import Change
from batchwright.engine.reading.prepare import reason_of
from batchwright.engine.seen_keys import SeenKeys

DOCUMENTS_A_PAGE = 1_000
BYTES_A_PAGE = 1024 * 1024
"""Documents that are looked up together, at most, and their bytes, but for the last one's."""


def own_changes(
    brought: Iterable[Brought], client: StoreClient, collection: str, seen: SeenKeys
) -> Iterator[Change]:
    """Yield what is to become of each document, in the order in which they were brought.

    Args:
        brought: The documents.
        client: The way to the ledger.
        collection: Theirs.
        seen: Takes their keys.
    """
    for page in _pages(brought):
        usable = [document for document in page if not document.reason]
        again = seen.add([(document.key, document.position) for document in page if document.key])
        seen.nameless += sum(not document.key for document in page)
        known = _known(client, collection, [d.key for d in usable if d.position not in again])
        for document in page:
            if document.position in again:
                yield _met_again(document, again[document.position])
            elif document.reason:
                yield _unusable(document, document.reason)
            else:
                yield _change(document, known.get(document.key))


def _change(document: Brought, known: KnownDocument | None) -> Change:
    if (
        known is not None
        and known.version.content_hash == document.content_hash
        and known.version.settings == document.settings
    ):
        return Change(document.key, "unchanged", known.version, known, size=document.size)
    try:
        prepared = document.prepare()
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it is about this document alone
        return _unusable(document, reason_of(error))
    return Change(
        document.key,
        "changed" if known else "added",
        prepared.version,
        known,
        prepared.records,
        prepared.size,
        prepared.left_out,
        prepared.cleaned,
    )


def _met_again(document: Brought, first: int) -> Change:
    reason = f"records {first} and {document.position} have the same key; the first was taken"
    return Change(document.key, "failed", reason=reason, position=document.position)


def _unusable(document: Brought, reason: str) -> Change:
    place = f"record {document.position}"
    return Change(document.key or place, "failed", size=document.size, reason=f"{place}: {reason}")


def _known(client: StoreClient, collection: str, keys: list[str]) -> dict[str, KnownDocument]:
    if not keys:
        return {}
    return {
        known.version.key: known for known in client.ask(partial(_find, collection=collection, keys=keys))
    }


def _find(ledger: Ledger, collection: str, keys: list[str]) -> list[KnownDocument]:
    return ledger.find(collection, keys)


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
