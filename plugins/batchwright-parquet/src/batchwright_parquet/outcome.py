"""What a receipt does to the ledger, decided under the lock on the manifest as it is then.

The rules are those that `batchwright.sinkkit.sql_ledger.steps` has for databases: what has to go is decided
before the rows of the batch come, what becomes visible after them. Nothing is changed before the commit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, fields
from typing import Any

from batchwright import Collection, DocumentVersion, IncompleteDocument, Receipt, Reject
from batchwright.sinkkit.rejects import REJECT_FIELDS
from batchwright.sinkkit.rejects import reject_of as reject_from
from batchwright_parquet.manifest import Op, State, place_of

_VERSION = tuple(field.name for field in fields(DocumentVersion))

Entry = dict[str, Any]


class Changes:
    """A table of the manifest with changes that aren't committed.

    Attributes:
        made: The new values by key; None for what goes.
    """

    def __init__(self, state: State, table: str) -> None:
        self._table = table
        self._committed = state.tables[table]
        self.made: dict[str, Any] = {}

    def get(self, key: str) -> Any:
        """Return the value, None where there is none."""
        return self.made[key] if key in self.made else self._committed.get(key)

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

    def __setitem__(self, key: str, value: Any) -> None:
        self.made[key] = value

    def __delitem__(self, key: str) -> None:
        self.made[key] = None

    @property
    def growth(self) -> int:
        """How many entries more there will be."""
        return sum((value is not None) - (key in self._committed) for key, value in self.made.items())

    def ops(self) -> Iterator[Op]:
        """Yield what changes."""
        for key, value in self.made.items():
            if value is not None or key in self._committed:
                yield self._table, key, value


class Outcome:
    """The ledger's part of a commit.

    Attributes:
        documents: The published versions, as the commit leaves them.
        removed: Versions whose rows go before those of the batch come.
        dropped: Versions of which no row stays, none of the batch either.
    """

    def __init__(self, state: State, receipt: Receipt, now: str) -> None:
        self._state = state
        self._receipt = receipt
        self._now = now
        self.documents = Changes(state, "documents")
        self._pending = Changes(state, "pending")
        self._rejects = Changes(state, "rejects")
        self._visible: dict[str, str | None] = {}
        self._left: dict[str, set[str]] = {}
        self.removed: set[str] = set()
        self.dropped: set[str] = set()

    def place_of(self, document_id: str) -> str | None:
        """Return the place of the document that a version is the published one of, or None."""
        if document_id in self._visible:
            return self._visible[document_id]
        return self._state.published.get(document_id)

    def begin(self) -> None:
        """Decide what comes before the rows of the batch.

        Raises:
            IncompleteDocument: The receipt continues a version that was discarded.
        """
        receipt = self._receipt
        for version in (*receipt.begun, *receipt.patched):
            if self.place_of(version.document_id) is None and version.document_id not in self._pending:
                self._pending[version.document_id] = {**self._entry(version), "refused": False}
        for document_id in receipt.continued:
            if self._is_unknown(document_id):
                raise IncompleteDocument(
                    f"the document version {document_id} was discarded by another run meanwhile; "
                    f"run again to load it",
                    document_id,
                )
        for identity in {*self._state.tables["pending"], *self._pending.made}:
            entry = self._pending.get(identity)
            goes = entry["brought_by"] == "program" or entry["refused"]
            if goes and entry["collection"] == receipt.collection:
                self._left.setdefault(entry["key"], set()).add(identity)
        for publication in receipt.publications:
            document_id = publication.version.document_id
            if publication.was_refused and not self._is_refused(document_id):
                raise IncompleteDocument(
                    f"{publication.version.key} has another version by now; run again", document_id
                )
        for publication in receipt.publications:
            self.removed |= self._replace(publication.version)
            self._forget_outdated(publication.version)
        own = {id_ for id_ in receipt.discarded if self._is_own(self._pending.get(id_))}
        self._remove({id_ for id_ in own if self.place_of(id_) is None})
        for document_id in own:
            del self._pending[document_id]
        for key, document_id in receipt.deleted:
            if self.place_of(document_id) == place_of(receipt.collection, key):
                self.removed.add(document_id)
                self._unpublish(key)
                self._forget(
                    entry for entry in self._rejects_of(key) if entry["document_id"] in (None, document_id)
                )
        self._remove({document_id for document_id in receipt.orphaned if self._is_unknown(document_id)})
        refused = {version.document_id for version in receipt.refused}
        self.removed |= {id_ for id_ in refused if id_ in self._pending and self.place_of(id_) is None}

    def finish(self, count: Callable[[str], int]) -> None:
        """Decide what comes after the rows of the batch.

        Args:
            count: Returns how many rows of a version are stored then.

        Raises:
            IncompleteDocument: A publication lacks rows.
        """
        receipt = self._receipt
        for identity in receipt.resolved:
            del self._rejects[identity]
        for version in receipt.refused:
            self._refuse(version)
        for reject in receipt.rejects:
            self._rejects[reject.id] = entry_of(reject)
        for publication in receipt.publications:
            version, found = publication.version, count(publication.version.document_id)
            if found != publication.rows:
                raise IncompleteDocument(
                    f"{version.key}: {found} of {publication.rows} rows are stored; "
                    f"run again, and it will be loaded anew",
                    version.document_id,
                )
        for publication in receipt.publications:
            self._publish(publication.version, publication.rejected)
        for version in receipt.patched:
            rows = count(version.document_id)
            if rows and rows + len(self._found("document_id", version.document_id)) >= version.records:
                if self.place_of(version.document_id) is None:  # it becomes visible
                    self.dropped |= self._replace(version)
                self._publish(version, version.records - rows)
            if self.place_of(version.document_id) is not None:
                del self._pending[version.document_id]
                self._forget_outdated(version)
        for version in receipt.noted:
            self._note(version)

    def ops(self) -> Iterator[Op]:
        """Yield the entries that change."""
        receipt = self._receipt
        row = [receipt.run_id, receipt.batch_index, receipt.records, self._now]
        yield "receipts", receipt.batch_id, row
        name = receipt.collection
        if name and name not in self._state.tables["collections"]:
            yield "collections", name, asdict(Collection(name))
        if receipt.cursor is not None:
            yield "cursors", name, receipt.cursor
        for key in receipt.items_gone:
            yield "items", self._place(key), None
        for item in receipt.items:
            yield "items", self._place(item.key), {**asdict(item), "collection": name}
        for table in (self.documents, self._pending, self._rejects):
            yield from table.ops()

    def _place(self, key: str) -> str:
        return place_of(self._receipt.collection, key)

    def _entry(self, version: DocumentVersion) -> Entry:
        return {**asdict(version), "collection": self._receipt.collection}

    def _is_own(self, entry: Entry | None) -> bool:
        return entry is not None and entry["collection"] == self._receipt.collection

    def _is_unknown(self, document_id: str) -> bool:
        return document_id not in self._pending and self.place_of(document_id) is None

    def _replace(self, version: DocumentVersion) -> set[str]:
        """Return the versions that go with a publication; what programs began is pending no more."""
        old = self.documents.get(self._place(version.key))
        visible = {old["document_id"]} if old is not None else set()
        left = {id_ for id_ in self._left.get(version.key, ()) if id_ in self._pending} - {
            version.document_id
        }
        for document_id in left:
            del self._pending[document_id]
        return left | visible - {version.document_id}

    def _publish(self, version: DocumentVersion, rejected: int) -> None:
        self._unpublish(version.key)
        entry = {"rejected": rejected, "run_id": self._receipt.run_id, "published_at": self._now}
        place = self._place(version.key)
        self.documents[place] = {**self._entry(version), **entry, "file": None}
        self._visible[version.document_id] = place
        del self._pending[version.document_id]

    def _note(self, version: DocumentVersion) -> None:
        place = self._place(version.key)
        known = self.documents.get(place)
        if known is not None and known["document_id"] == version.document_id:
            noted = {"fingerprint": version.fingerprint, "item": version.item}
            self.documents[place] = {**known, **noted}

    def _refuse(self, version: DocumentVersion) -> None:
        """Remember that nothing can be stored of a version, in place of what was refused before."""
        for document_id in self._left.get(version.key, set()) - {version.document_id}:
            if self._is_refused(document_id):
                del self._pending[document_id]
        if self.place_of(version.document_id) is None:
            self._pending[version.document_id] = {**self._entry(version), "refused": True}
        self._forget_outdated(version, also_visible=True)

    def _is_refused(self, document_id: str) -> bool:
        entry = self._pending.get(document_id)
        return entry is not None and entry["refused"]

    def _unpublish(self, key: str) -> None:
        place = self._place(key)
        old = self.documents.get(place)
        if old is not None:
            self._visible[old["document_id"]] = None
            del self.documents[place]

    def _remove(self, versions: set[str]) -> None:
        self.removed |= versions
        for document_id in versions:
            self._forget(self._found("document_id", document_id))

    def _forget_outdated(self, version: DocumentVersion, *, also_visible: bool = False) -> None:
        """Forget rejects of other versions of the document, unless these are to be finished, or visible."""
        visible = self.documents.get(self._place(version.key)) if also_visible else None
        keep = {version.document_id} | ({visible["document_id"]} if visible else set())
        self._forget(
            entry
            for entry in self._rejects_of(version.key)
            if (of := entry["document_id"]) is None or (of not in keep and of not in self._pending)
        )

    def _forget(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            del self._rejects[entry["id"]]

    def _rejects_of(self, key: str) -> list[Entry]:
        """Return the rejects of a document."""
        return [entry for entry in self._found("key", key) if self._is_own(entry)]

    def _found(self, name: str, value: str) -> list[Entry]:
        """Return the rejects that have a value."""
        ids = {*self._state.rejects_by[name].get(value, ()), *self._rejects.made}
        entries = (self._rejects.get(identity) for identity in ids)
        return [entry for entry in entries if entry is not None and entry[name] == value]


def version_of(entry: Entry) -> DocumentVersion:
    """Return the version in an entry."""
    return DocumentVersion(**{name: entry[name] for name in _VERSION})


def entry_of(reject: Reject) -> Entry:
    """Return a reject as it is kept."""
    payload = None if reject.payload is None else json.dumps(reject.payload)
    return {**{name: getattr(reject, name) for name in REJECT_FIELDS}, "payload": payload}


def reject_of(entry: Entry) -> Reject:
    """Return the reject in an entry.

    Raises:
        SinkError: Its payload can't be read.
    """
    return reject_from((*(entry[name] for name in REJECT_FIELDS), None))
