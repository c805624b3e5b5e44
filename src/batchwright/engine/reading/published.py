"""What is published of a collection, and what was refused: read from the ledger a page at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from batchwright.contracts.ledger import key_of, pages
from batchwright.contracts.receipts import DocumentVersion, KnownDocument
from batchwright.engine.store.client import StoreClient


def published(
    client: StoreClient, collection: str, after: str = "", until: str | None = None
) -> Iterator[KnownDocument]:
    """Yield a collection's published documents behind `after` up to `until`, sorted by key."""
    for page in pages(lambda at: client.ask(lambda ledger: ledger.documents(collection, at)), key_of, after):
        if until is not None and key_of(page[-1]) > until:
            yield from (known for known in page if key_of(known) <= until)
            return
        yield from page


def refused_versions(
    client: StoreClient, collection: str, after: str = "", until: str | None = None
) -> Iterator[DocumentVersion]:
    """Yield a collection's refused versions behind `after` up to `until`, sorted by key."""

    def ask(at: str) -> list[DocumentVersion]:
        return client.ask(lambda ledger: ledger.refused(collection, after=at))

    for version in chain.from_iterable(pages(ask, lambda version: version.key, after)):
        if until is not None and version.key > until:
            return
        yield version


def begun_by_programs(client: StoreClient, collection: str) -> list[DocumentVersion]:
    """Return a collection's versions that programs began, and that are not complete."""
    pending = client.ask(lambda ledger: ledger.pending(collection), patiently=False)
    return [version for version in pending if version.brought_by == "program"]


def of_keys(
    client: StoreClient, collection: str, keys: list[str]
) -> tuple[dict[str, KnownDocument], dict[str, DocumentVersion]]:
    """Return what is published under these keys, and what was refused."""
    if not keys:
        return {}, {}
    known = client.ask(lambda ledger: ledger.find(collection, keys))
    refused = client.ask(lambda ledger: ledger.refused(collection, keys))
    return {one.version.key: one for one in known}, {version.key: version for version in refused}
