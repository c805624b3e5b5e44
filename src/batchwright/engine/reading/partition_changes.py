"""The changes of one partition: its items beside what is published in its range."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from batchwright.contracts.partition import Partition
from batchwright.contracts.receipts import DocumentVersion
from batchwright.engine.reading.changes import Change, Unchanged, changes
from batchwright.engine.reading.fetching import Fetcher
from batchwright.engine.reading.pairs import Pair, beside, pair
from batchwright.engine.reading.published import of_keys, published, refused_versions
from batchwright.engine.session import Session
from batchwright.engine.store.client import StoreClient
from batchwright.items import Item

ITEMS_A_PAGE = 1_000
"""Items that are looked up together."""


def changes_in(
    partition: Partition,
    session: Session,
    fetcher: Fetcher,
    on_outdated: Callable[[DocumentVersion], None],
) -> Iterator[Change | Unchanged]:
    """Compare a partition of the input with what is published; decide about each document, by key.

    Args:
        partition: The partition.
        session: The run.
        fetcher: Fetches what was found.
        on_outdated: Called with each version that was refused, and isn't what is in the input any more.
    """
    there = session.control, session.collection, partition.after, partition.until
    pairs = (
        beside(pair(partition.found, published(*there)), refused_versions(*there))
        if partition.complete
        else looked_up(partition.found, session.control, session.collection)
    )
    return changes(
        pairs,
        fetcher,
        session.collection,
        partition.size,
        before=partition.before,
        closed=partition.closed,
        complete=partition.complete,
        each="unchanged" in session.dispatcher.each_document,
        on_outdated=on_outdated,
    )


def looked_up(found: Iterable[Item], client: StoreClient, collection: str) -> Iterator[Pair]:
    """Yield the items with what is published under their keys, which is looked up a page at a time.

    For an input that isn't complete: it may be a small part of what is published.
    """
    rest = iter(found)
    while page := list(islice(rest, ITEMS_A_PAGE)):
        known, refused = of_keys(client, collection, [item.key for item in page])
        for item in page:
            yield Pair(item, known.get(item.key), refused.get(item.key))


def begun_in(partition: Partition, pending: Iterable[DocumentVersion]) -> list[DocumentVersion]:
    """Return the versions in a partition that earlier runs, or attempts, began."""
    return [v for v in pending if v.brought_by == "run" and _within(partition, v.key)]


def _within(partition: Partition, key: str) -> bool:
    return key > partition.after and (partition.until is None or key <= partition.until)
