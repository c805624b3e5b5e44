"""What is to become of each document: the one decision, which a run and a plan share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple

from batchwright.config import BatchConfig
from batchwright.contracts.account import NONE_STORABLE
from batchwright.contracts.receipts import DocumentVersion, KnownDocument
from batchwright.contracts.rows import Placed
from batchwright.engine.delivery.row_block import RowBlock
from batchwright.engine.reading.fetching import Fetcher
from batchwright.engine.reading.pairs import Pair
from batchwright.engine.reading.prepare import Prepared, Preparer
from batchwright.engine.reading.preparing import prepare_all
from batchwright.items import Item
from batchwright.model import Omission
from batchwright.values import dataclass

ChangeState = Literal["added", "changed", "unchanged", "refused", "deleted", "failed", "left_out"]
"""What a run finds about a document; `deleted` is gone from the input, `failed` can't be read.

`left_out` is one that isn't to be loaded, and was not before.

`refused` is one of which no record could be stored, and which is as it was then.
"""


AT_ONCE = 64
BYTES_AT_ONCE = 1024 * 1024
"""Unchanged documents that are counted together, at most, and from how many bytes on no more are."""


class RefusedRow(NamedTuple):
    """A line of the input that is no row, or one of several with the same key.

    Attributes:
        reason: Why it can't be loaded.
        payload: What is known of it, as JSON has it.
        position: Its place in its document; None for that among the lines that are refused.
    """

    reason: str
    payload: Mapping[str, Any]
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A document of the input, or one that was published by a run and is gone from it.

    Attributes:
        key: Which.
        state: What is to become of it.
        version: The version to store, to leave alone, or that is gone; None where it can't be read.
        known: What is published under the key, or None.
        records: What to store; None where there is nothing to.
        size: Bytes read.
        left_out: What of it is left out.
        reason: Why it can't be read, or is refused; else empty.
        is_found: Whether it is in the input.
        is_noted: Whether it is unchanged, but the ledger has to note the fingerprint in `version`.
        is_repeated: Whether an earlier attempt at the same partition of the same run published it.
        position: Among what a program brought, where its key is another's as well.
        refused_rows: Lines that are refused now: all of a document that is refused, or those of a block that
            has other rows.
        payload: Of what can't be read, what is known of it, as JSON has it.
        is_deadly: Whether reading it killed the process.
        is_unfetched: Whether it is unchanged by its fingerprint, and was not fetched.
    """

    key: str
    state: ChangeState
    version: DocumentVersion | None = None
    known: KnownDocument | None = None
    records: Sequence[Placed] | None = None
    size: int = 0
    left_out: Sequence[Omission] = ()
    reason: str = ""
    is_found: bool = True
    is_noted: bool = False
    is_repeated: bool = False
    position: int | None = None
    refused_rows: Sequence[RefusedRow] = ()
    payload: Mapping[str, Any] | None = None
    is_deadly: bool = False
    is_unfetched: bool = False

    @property
    def is_runs(self) -> bool:
        """Whether a run published what is there: `prune_limit` is a share of these."""
        return self.known is not None and self.known.version.brought_by == "run"


@dataclass(slots=True)
class Unchanged:
    """Documents of the input that are stored as they are, counted together: there may be millions.

    Attributes:
        documents: How many.
        records: Their records.
        rejected: How many of these were set aside.
        size: Their bytes.
        runs: How many of them a run published.
        unfetched: How many of them were not fetched, since their fingerprints are as they were.
    """

    documents: int = 0
    records: int = 0
    rejected: int = 0
    size: int = 0
    runs: int = 0
    unfetched: int = 0

    def add(self, known: KnownDocument, *, unfetched: bool = False) -> None:
        """Count a document."""
        version = known.version
        self.documents += 1
        self.records += version.records
        self.rejected += known.rejected
        self.size += version.size
        self.runs += version.brought_by == "run"
        self.unfetched += unfetched

    @property
    def is_many(self) -> bool:
        """Whether it is time to pass them on; a run that is to end stops there."""
        return self.documents >= AT_ONCE or self.size >= BYTES_AT_ONCE


Difference = Change | RowBlock | Unchanged
"""What is to become of one document, of many rows that are new or changed, or of many that are neither."""


def changes(
    pairs: Iterable[Pair],
    fetcher: Fetcher,
    collection: str,
    size: int,
    *,
    before: Mapping[str, str] | None = None,
    closed: Iterable[str] = (),
    complete: bool = True,
    each: bool = True,
    on_outdated: Callable[[DocumentVersion], None] = lambda _: None,
) -> Iterator[Change | Unchanged]:
    """Read what was found and compare it with what is published; decide about each document, by key.

    Documents that a program stored, and that are not in the input, are left out.

    Args:
        pairs: What was found beside what is published.
        fetcher: Fetches what was found.
        collection: The collection.
        size: Bytes that were found.
        before: Ids of the versions that were published when the run began, by key; None for those of `pairs`.
        closed: Folders, with a slash at the end, that can't be read.
        complete: Whether what isn't found is gone.
        each: Whether every unchanged document is wanted by itself.
        on_outdated: Called with each version that was refused, and isn't what is in the input any more.
    """
    folders, unchanged = list(closed), Unchanged()
    for both, prepared in prepare_all(pairs, fetcher, collection, size):
        if not each and prepared is not None and prepared.is_known and _is_plain(both, prepared, before):
            assert both.known is not None  # noqa: S101 - it is what is known
            unchanged.add(both.known, unfetched=prepared.is_unfetched)
            if unchanged.is_many:
                yield unchanged
                unchanged = Unchanged()
            continue
        is_gone = both.found.deleted if both.found is not None else complete
        if (
            both.refused is not None
            and (is_gone or prepared)
            and _is_outdated(both.refused, prepared, folders)
        ):
            on_outdated(both.refused)
        if both.found is None or prepared is None:
            if is_gone and both.known is not None and both.known.version.brought_by == "run":
                yield _missing(both.known, folders, is_found=both.found is not None)
            elif both.found is not None:
                yield Change(both.key, "left_out")
            continue
        if prepared.version is None:
            folders += closed_folder(both.found)  # what is published from it isn't gone
        yield _change(prepared, both.known, before)
    if unchanged.documents:
        yield unchanged


def _is_plain(both: Pair, prepared: Prepared, before: Mapping[str, str] | None) -> bool:
    """Tell whether there is nothing to say of a document that is known but that it is unchanged."""
    version = prepared.version
    return (
        version is not None
        and both.refused is None
        and prepared.fingerprint == version.fingerprint
        and (before is None or before.get(prepared.key) == version.document_id)
    )


def reread(preparer: Preparer, found: Item, known: KnownDocument) -> Change:
    """Read a published document again and decide about it; an unchanged one has its records then, too."""
    return _change(preparer.prepare(found, known.version, anew=True), known, None)


REFUSING = "refusing to prune"
"""What a refusal begins with."""


def refusal(config: BatchConfig, gone: int, published: int) -> str:
    """Return why documents that are gone from the input won't be removed, or an empty string."""
    if not config.prune:
        return ""
    doubt = (
        f"is {config.source_shown} the right source? If so, the same command with --prune-limit 1.0 removes "
        "them (prune_limit in the settings); without --prune they stay"
    )
    return too_many(config, gone, published, doubt)


def too_many(config: BatchConfig, gone: int, published: int, doubt: str) -> str:
    """Return why so many of the published documents won't be removed, or an empty string."""
    # divided, not multiplied: 0.57 * 100 is less than 57
    if not gone or gone / published <= config.prune_limit:
        return ""
    return (
        f"{REFUSING} {gone} of {published} documents: more than prune_limit "
        f"({config.prune_limit * 100:g}%); {doubt}"
    )


def closed_folder(found: Item) -> list[str]:
    """Return what could not be looked at as a folder, with a slash at the end: it may be one."""
    if not found.error:
        return []
    return ["" if found.key == "." else f"{found.key}/"]


def _change(prepared: Prepared, known: KnownDocument | None, before: Mapping[str, str] | None) -> Change:
    key, version = prepared.key, prepared.version
    if prepared.is_left_out:
        if known is None or known.version.brought_by != "run":
            return Change(key, "left_out", size=prepared.size, left_out=prepared.left_out)
        return Change(key, "deleted", known.version, known, size=prepared.size, left_out=prepared.left_out)
    if version is None:
        return Change(
            key,
            "failed",
            known=known,
            size=prepared.size,
            reason=prepared.reason,
            is_deadly=prepared.is_deadly,
        )
    there = known is not None if before is None else key in before
    state: ChangeState = "changed" if there else "added"
    repeated = prepared.is_known and before is not None and before.get(key) != version.document_id
    if prepared.is_known and not repeated:
        state = "unchanged"
    if prepared.is_known and prepared.fingerprint != version.fingerprint:
        version = replace(version, fingerprint=prepared.fingerprint)
    if prepared.is_refused:
        return Change(key, "refused", version, known, size=prepared.size, reason=NONE_STORABLE)
    return Change(
        key,
        state,
        version,
        known,
        prepared.records,
        prepared.size,
        prepared.left_out,
        is_noted=prepared.is_known and prepared.version is not version,
        is_repeated=repeated,
        is_unfetched=prepared.is_unfetched,
    )


def _is_outdated(refused: DocumentVersion, prepared: Prepared | None, folders: Iterable[str]) -> bool:
    if refused.brought_by != "run":
        return False
    return not _is_within(refused.key, folders) if prepared is None else not prepared.is_refused


def _is_within(key: str, folders: Iterable[str]) -> bool:
    return any(key.startswith(folder) for folder in folders)


def _missing(known: KnownDocument, folders: Iterable[str], *, is_found: bool = False) -> Change:
    version = known.version
    if _is_within(version.key, folders):
        reason = "its folder can't be read; the version stored before stays"
        return Change(version.key, "failed", known=known, reason=reason, is_found=False)
    return Change(version.key, "deleted", version, known, is_found=is_found)
