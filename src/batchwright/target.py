"""Target: a program's way to what was loaded."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from batchwright.config import BatchConfig, located, secrets_of
from batchwright.contracts.lease import Lease
from batchwright.contracts.receipts import KnownDocument, Reject, Run
from batchwright.contracts.records import RecordType
from batchwright.contracts.reporter import AnyReporter
from batchwright.contracts.search import SearchHit, SearchMode
from batchwright.contracts.vectors import StoredModel, Vector, packed
from batchwright.engine.dispatch import Dispatcher
from batchwright.errors import BatchwrightError, ConfigError
from batchwright.operations.asked_vector import AskedVectors
from batchwright.operations.collections import CollectionStatus
from batchwright.operations.connections import understandable
from batchwright.operations.reject_selection import PAGE, RejectSelection, resolve
from batchwright.operations.relation import Relation
from batchwright.operations.status import Status, runs, status
from batchwright.operations.target import OpenTarget, existing, nothing_loaded
from batchwright.plugins.manager import PluginManager

if TYPE_CHECKING:
    from batchwright.engine.reading.changes import Change
    from batchwright.operations.corrected import Corrected
    from batchwright.operations.plan import Plan
    from batchwright.operations.reindex import Reindexed
    from batchwright.operations.repair import Repaired
    from batchwright.operations.replay import Replayed
    from batchwright.operations.verify import Finding, Verification

Value = TypeVar("Value")


class Target:
    """What was loaded: search it, look at documents, runs and rejects, check it, and repair it.

    ::

        with Target("sqlite:///kb.db") as kb:
            for hit in kb.search("install"):
                print(hit.key, hit.excerpt)

    A target may have several relations, one for each type of records; all of them are looked at, one after
    the other. One that can't be read is left out: `unreadable` says why, and the log warns of it.

    Opening creates nothing, so a read-only file or role will do for all that only reads. For any thread;
    calls take turns. A connection that was lost is replaced at the next call.

    Args:
        to: The target's URL, or all settings.
        table: The relation to look at; None for every one that the target has.
        plugins: More plugins: objects or modules with hook implementations, paths, or module names.
        manager: The plugins, where they are loaded already; then `plugins` and the settings' are not.
        reporters: They receive the events of what is written, and of retries.
    """

    def __init__(
        self,
        to: str | BatchConfig,
        *,
        table: str | None = None,
        plugins: Sequence[object] = (),
        manager: PluginManager | None = None,
        reporters: Iterable[AnyReporter] = (),
    ) -> None:
        self.config = to if isinstance(to, BatchConfig) else BatchConfig(to=to)
        self._table = table
        self._plugins = plugins
        self._manager = manager
        self._reporters = tuple(reporters)
        self._stack = ExitStack()
        self._there: OpenTarget | None = None
        self._process = 0

    @property
    def name(self) -> str:
        """The URL, without a password."""
        return self.config.target_shown

    @property
    def relations(self) -> list[str | None]:
        """The names of the relations that are looked at; None for the only one, where it has no name."""
        return [relation.name for relation in self._opened.relations]

    @property
    def unreadable(self) -> dict[str, BatchwrightError]:
        """The relations that could not be read when they were asked last, by name, and why."""
        return dict(self._opened.unreadable) if self._there is not None else {}

    def record_type(self, relation: str | None = None) -> RecordType:
        """Return what a relation holds rows of.

        Args:
            relation: Its name; None where there is one only.

        Raises:
            ConfigError: There is no such relation, or several, of which none was named.
            SinkError: It can't be read.
        """
        return self._opened.named(relation).record_type

    def open(self) -> Self:
        """Open it; `with` does the same, and closes it in the end.

        Raises:
            ConfigError, PluginError: A setting or a plugin is wrong, or there is no such relation.
            SinkError: Nothing is loaded there, or it can't be reached.
        """
        if self._there is None or self._process != os.getpid():
            with located(self.config), ExitStack() as stack:
                dispatcher = Dispatcher(self._reporters, secrets=secrets_of(self.config))
                there = existing(self.config, self._plugged(), dispatcher, table=self._table)
                self._there = stack.enter_context(there)
                self._asked = AskedVectors(self.config, self._plugged())
                stack.callback(self._asked.close)
                self._process, self._stack = os.getpid(), stack.pop_all()
        return self

    def close(self) -> None:
        """Close it. May come more than once; `open` opens it again."""
        stack, self._stack, self._there = self._stack, ExitStack(), None
        if self._process == os.getpid():  # else the connections are another process's
            stack.close()

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- reading ----------------------------------------------------------------------------------

    def search(
        self,
        text: str,
        limit: int = 10,
        *,
        collection: str | None = None,
        mode: SearchMode | None = None,
        vector: Sequence[float] | None = None,
        where: Mapping[str, Any] | None = None,
    ) -> list[SearchHit]:
        """Search what was loaded, or one collection of it; return the best `limit` results, the best first.

        Relations of one record type are searched together. Their scores are compared as they are.

        Args:
            text: What to look for.
            limit: Results, at most.
            collection: Only of this one.
            mode: By the words of the text ("text"), by the nearness of its vector ("vector"), or by both
                ("hybrid"); None for what the settings say.
            vector: The text's vector; None has the settings' embedder make it, where it is needed.
            where: Only records of which fields, or keys of a chunk's metadata, have these values.

        Raises:
            ConfigError: Several relations, of several record types, have a text to be searched; or `where`
                names what there isn't; or a vector is needed, and the settings name no embedder of its model.
            PluginError: The embedder failed.
            SinkError: The target can't search, nothing is loaded there, or it can't be reached.
        """
        from batchwright.operations.search import search

        def vector_of(used: StoredModel) -> Vector:
            if vector is None:
                return self._asked.of(text, used)
            try:
                return packed(vector, used.model.dimensions)
            except ValueError as error:
                raise ConfigError(f"{used.model.name}: {error}") from None

        hits = search(
            self._opened,
            text,
            limit,
            collection,
            mode=mode or self.config.search_mode,
            vector_of=vector_of,
            where=where,
        )
        if hits is None:
            raise nothing_loaded(self.config)
        return hits

    def search_notes(
        self, text: str, *, collection: str | None = None, mode: SearchMode | None = None
    ) -> list[str]:
        """Return what to know of a search for the text, in sentences.

        What was understood otherwise than one may expect, or why it looks by letter instead of in an index.

        Raises:
            SinkError: The target can't search, or can't be reached.
        """
        from batchwright.operations.search import notes

        return notes(self._opened, text, collection, mode or self.config.search_mode)

    def status(self) -> Status:
        """Return how things stand: documents, records, rejects, and the last run."""
        return status(self._opened)

    def collections(self) -> list[CollectionStatus]:
        """Return the collections by relation and name, and how things stand in each.

        Only the one that the settings name, if they do.

        Raises:
            ConfigError: There is none of the name that the settings give, or it is in several relations.
        """
        return list(self.status().collections)

    def busy(self) -> list[Lease]:
        """Return the leases of collections that are being loaded, or were when their owner died."""
        return [lease for relation in self._opened.about() for lease in relation.busy()]

    def runs(self, limit: int = 20, *, collection: str | None = None) -> list[Run]:
        """Return the latest runs, newest first; into one collection, or into all."""
        return runs(self._opened, collection, limit=limit)

    def documents(self, *, collection: str | None = None) -> Iterator[KnownDocument]:
        """Yield the published documents by relation, collection and key, in code point order.

        A page at a time is in memory.
        """
        for relation, name in self._places(collection):
            yield from relation.documents(name)

    def document(self, key: str, *, collection: str | None = None) -> KnownDocument | None:
        """Return the published version of a document, in the first collection that has one, or None."""
        places = self._places(collection)
        found = (relation.ledger.document(name, key) for relation, name in places)
        return next((known for known in found if known is not None), None)

    def rejects(
        self,
        *ids: str,
        collection: str | None = None,
        run: str | None = None,
        key: str | None = None,
        error: str | None = None,
    ) -> Iterator[Reject]:
        """Yield what was set aside and matches all that is given, by relation and id.

        A page at a time is in memory.

        Args:
            ids: Only these; beginnings and short ids will do, where they are unambiguous.
            collection: Only of this collection.
            run: Only of this run; the beginning of its id will do.
            key: Only of this document.
            error: Only where this occurs in the error's class, or equals its SQLSTATE.

        Raises:
            ConfigError: There is no reject, or more than one, with an id that was given; or the collection
                is in several relations.
        """
        for page in RejectSelection(ids, run, key, error, collection).pages(self._opened):
            yield from page

    def reject(self, reject_id: str) -> Reject:
        """Return the one reject that is meant by an id, the beginning of one, or a short id.

        Raises:
            ConfigError: There is none, or more than one.
        """
        [(relation, reject)] = resolve(self._opened.each(), [reject_id])
        return replace(reject, relation=relation.name)

    def verify(self) -> Verification:
        """Return a comparison of what the target should hold with what it holds.

        Iterate over it for what is wrong; then it knows how many documents and rows there are. Documents
        that a run publishes meanwhile are no faults.

        Raises:
            SinkError: The sink can't say what it holds, or can't be reached.
        """
        from batchwright.operations.verify import Verification

        return Verification(self._opened)

    def plan(self, on_document: Callable[[Change], None] | None = None) -> Plan:
        """Return what a run would do. It reads the settings' source, and need not be open.

        Args:
            on_document: Called with every document, found or gone, by key; None where only their number
                counts.

        Raises:
            ConfigError, PluginError, SinkError: The run could not begin.
        """
        from batchwright.operations.plan import plan

        with located(self.config):
            return plan(self.config, self._plugged(), on_document)

    # --- mending ----------------------------------------------------------------------------------

    def replay(self, rejects: Iterable[Reject | Corrected]) -> Iterator[Replayed]:
        """Store records that were set aside, as they are or corrected; yield what became of each.

        Each leaves the rejects in the transaction that stores it. It ends after one that fails for good.
        Nothing is stored until this is iterated over.

        Args:
            rejects: Which, as `rejects` yields them.

        Raises:
            ConfigError: Several relations, of several record types, have rejects.
            CollectionBusy: A run has the collection.
        """
        from batchwright.operations.replay import replay

        yield from replay(self._opened, self.config, rejects)

    def drop(self, rejects: Iterable[Reject]) -> int:
        """Forget rejects; return how many there were."""
        there, dropped = self._opened, 0
        for name, some in groupby(rejects, key=lambda reject: reject.relation):
            ledger = there.named(name).ledger
            while ids := [reject.id for reject in islice(some, PAGE)]:
                dropped += ledger.drop_rejects(ids)
        return dropped

    def repair(self, findings: Iterable[Finding], source: str | Path | None = None) -> Iterator[Repaired]:
        """Restore what `verify` found, as far as it can be; yield what became of each.

        A document is read again, if it is still what was loaded; the settings must be those it was loaded
        with. Nothing is restored until this is iterated over.

        Args:
            findings: What is wrong.
            source: What to restore from; None for what each collection came from.

        Raises:
            ConfigError: That is not here; or the target's relations hold several record types.
            CollectionBusy: A run has the collection.
            SinkError: The sink failed.
        """
        from batchwright.operations.repair import repair

        yield from repair(self._opened, self.config, findings, source)

    def reindex(self) -> Iterator[Reindexed]:
        """Make the full-text index anew, from what is stored; yield how far it is.

        For an index that an older version of batchwright made, or that is damaged. What is done stays so if
        it breaks off; again, it goes on from there. Nothing is done until this is iterated over. Runs are
        refused meanwhile, or wait.

        Raises:
            CollectionBusy: A run has a collection.
            SinkError: The sink failed, or has no index.
        """
        from batchwright.operations.reindex import reindex

        with understandable(self.config):
            yield from reindex(self._opened)

    def delete_collection(self, name: str, *, purge: bool = False) -> CollectionStatus:
        """Remove a collection: its documents, what was begun, and its rejects; return what was there.

        What was removed stays so if it breaks off; again, it goes on from there.

        Args:
            name: Which.
            purge: Whether vectors that no row uses any more go in the same transactions.

        Raises:
            ConfigError: There is none of this name, or it is in several relations.
            CollectionBusy: A run has it.
            SinkError: The sink failed, somebody writes into the collection meanwhile, or a relation that may
                have it as well can't be read.
        """
        from batchwright.operations.collections import delete

        relation = self._opened.having(name, certainly=True)
        with understandable(self.config), relation.lock:
            return delete(relation, name, purge=purge)

    # --- connections ------------------------------------------------------------------------------

    def _places(self, collection: str | None) -> Iterator[tuple[Relation, str]]:
        """Yield the collections that are meant, each with its relation."""
        for relation in self._opened.about(collection):
            names = [one.name for one in relation.collections()] if collection is None else [collection]
            yield from ((relation, name) for name in names)

    @property
    def _opened(self) -> OpenTarget:
        if self._there is None:
            raise BatchwrightError("the target is not open: with Target(…) as target, or target.open()")
        if self._process != os.getpid():
            raise BatchwrightError(
                "the target was opened in another process, whose connections this one can't share; "
                "open it here as well: target.open()"
            )
        return self._there

    def _plugged(self) -> PluginManager:
        if self._manager is None:
            self._manager = PluginManager.of(self.config, self._plugins)
        return self._manager
