"""The ledger's part of a commit: which entries of the manifest a receipt sets and removes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from batchwright import DocumentVersion, Receipt, Reject
from batchwright.sinkkit.rejects import REJECT_COLUMNS, to_json
from batchwright.sinkkit.rejects import reject_of as reject_from
from batchwright_parquet.manifest import Op, State

VERSION = ("source_file", "document_id", "content_hash", "settings", "size", "chunks")


def of_receipt(receipt: Receipt, state: State, now: str, places: dict[str, str | None]) -> Iterator[Op]:
    """Yield what a receipt changes.

    Args:
        receipt: What commits.
        state: What is committed already.
        now: When (ISO 8601).
        places: The file that each published version is in, by document_id.
    """
    if receipt.batch_id:  # an empty one names no batch: a probe
        yield "receipts", receipt.batch_id, [receipt.run_id, receipt.batch_index, receipt.records, now]
    yield from _publications(receipt, state, now, places)
    published = {publication.version.document_id for publication in receipt.publications}
    for name, document_id in receipt.deleted:
        known = state.tables["documents"].get(name)
        if known is not None and known["document_id"] == document_id:
            yield "documents", name, None
    gone, obsolete = {name for name, _ in receipt.deleted}, set(receipt.obsolete)
    yield from _removed(state, lambda r: r["source_file"] in gone or r["document_id"] in obsolete)
    for document_id in receipt.discarded:
        yield "pending", document_id, None
    for version in receipt.opened:
        if version.document_id not in state.tables["pending"] and version.document_id not in published:
            yield "pending", version.document_id, asdict(version)
    for identity in receipt.resolved:
        yield "rejects", identity, None
    for reject in receipt.rejects:
        yield "rejects", reject.id, entry_of(reject)


def _publications(receipt: Receipt, state: State, now: str, places: dict[str, str | None]) -> Iterator[Op]:
    last = {p.version.source_file: p for p in receipt.publications}
    for name, publication in last.items():
        version = publication.version
        yield (
            "documents",
            name,
            {
                **asdict(version),
                "rejected": publication.rejected,
                "run_id": receipt.run_id,
                "published_at": now,
                "file": places.get(version.document_id),
            },
        )
    for document_id, pending in state.tables["pending"].items():
        if pending["source_file"] in last:
            yield "pending", document_id, None

    def outdated(reject: dict[str, Any]) -> bool:
        publication = last.get(reject["source_file"])
        return publication is not None and (
            reject["position"] == -1 or reject["document_id"] != publication.version.document_id
        )

    yield from _removed(state, outdated)


def _removed(state: State, unwanted: Any) -> Iterator[Op]:
    for identity, reject in state.tables["rejects"].items():
        if unwanted(reject):
            yield "rejects", identity, None


def version_of(entry: dict[str, Any]) -> DocumentVersion:
    """Return the version in an entry."""
    return DocumentVersion(**{name: entry[name] for name in VERSION})


def entry_of(reject: Reject) -> dict[str, Any]:
    """Return a reject as it is kept."""
    names = Reject.__dataclass_fields__
    return {
        **{name: getattr(reject, name) for name in names},
        "payload": to_json(reject.payload) if reject.payload is not None else None,
    }


def reject_of(entry: dict[str, Any]) -> Reject:
    """Return the reject in an entry.

    Raises:
        SinkError: Its payload can't be read.
    """
    return reject_from((*(entry[name] for name in REJECT_COLUMNS[:-1]), None))
