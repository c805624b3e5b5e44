"""One relation of a target that was loaded before, with its ledger; never made anew."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import cached_property
from itertools import chain
from typing import Any, TypeVar

from batchwright.config import BatchConfig, secrets_of
from batchwright.contracts.lease import Lease
from batchwright.contracts.ledger import Ledger, key_of, pages
from batchwright.contracts.receipts import Collection, DocumentVersion, KnownDocument
from batchwright.contracts.records import CHUNK, RecordType
from batchwright.contracts.search import Searchable, SearchHit
from batchwright.contracts.sink import AnySink, Inspectable, Store
from batchwright.contracts.vectors import StoredModel
from batchwright.engine.dispatch import Dispatcher
from batchwright.engine.heartbeat import holding
from batchwright.engine.rows.stored import sink_of
from batchwright.engine.session import Session
from batchwright.errors import ConfigError, SinkError
from batchwright.operations.asking import AskedLedger
from batchwright.operations.connections import Connections, understandable
from batchwright.plugins.manager import PluginManager

Value = TypeVar("Value")


class Relation:
    """A relation of a target, for any thread. It is connected to when something is asked of it.

    Args:
        sink: What opens it.
        connections: The sessions of the target, to which its own belongs.

    Attributes:
        name: Its name; None where the target has one relation only, without a name.
        collection: The collection that the settings name, to which the command is limited, or None.
        target: The target's URL, without a password.
        lock: Held by whoever uses the session.
        ledger: The store's own, or the one beside it.
    """

    def __init__(self, sink: AnySink, connections: Connections) -> None:
        self.name = sink.relation
        self.collection = connections.config.collection
        self.target = connections.config.target_shown
        self.lock = connections.lock
        self.ledger: Ledger = AskedLedger(connections, sink)
        self._sink = sink
        self._connections = connections

    @property
    def session(self) -> Session:
        """Its connections, open; what is written goes through them. It serves one thread: hold `lock`.

        Raises:
            SinkError, ConfigError: It can't be opened.
        """
        return self._connections.to(self._sink)

    @property
    def has_ledger(self) -> bool:
        """Whether there is a ledger: the store's own, or one beside it. Raises as `session`."""
        with self.lock:
            session = self.session
            return session.store().ledger is not None or session.access.beside is not None

    @cached_property
    def record_type(self) -> RecordType:
        """What it holds rows of. Raises as `session`."""
        with self.lock:
            return self.session.record_type

    @property
    def widens(self) -> bool:
        """Whether its columns can be widened."""
        return self._sink.widens

    def collections(self) -> list[Collection]:
        """Return the collections that the command is about, by name.

        Raises:
            ConfigError: There is none of the name given.
        """
        if self.collection is not None:
            return [self.collection_named(self.collection)]
        return self.ledger.collections()

    def collection_named(self, name: str) -> Collection:
        """Return a collection.

        Raises:
            ConfigError: There is none of this name.
        """
        found = {collection.name: collection for collection in self.ledger.collections()}
        if name not in found:
            raise no_collection(name, self.target, found)
        return found[name]

    def holding(self, *collections: str) -> AbstractContextManager[None]:
        """Hold the leases of collections meanwhile: no run, nor a program, writes to them.

        Raises:
            CollectionBusy: A run has one, after the time that the settings wait.
        """
        session = self.session
        return holding(session, collections, session.config.wait)

    def busy(self) -> list[Lease]:
        """Return the leases of the collections that are being loaded, as far as the ledger knows."""
        leases = [self.ledger.lease(collection.name) for collection in self.collections()]
        return [replace(lease, relation=self.name) for lease in leases if lease is not None]

    def holds(self, collection: str) -> bool:
        """Tell whether anything is published of a collection."""
        return bool(self.ledger.documents(collection, limit=1))

    def documents(self, collection: str) -> Iterator[KnownDocument]:
        """Return what is published of a collection, read page by page, by key in code point order."""
        return chain.from_iterable(pages(lambda after: self.ledger.documents(collection, after), key_of))

    def refused(self, collection: str) -> Iterator[DocumentVersion]:
        """Return the refused versions of a collection, read page by page, by key in code point order."""
        listed = pages(lambda after: self.ledger.refused(collection, after=after), lambda last: last.key)
        return chain.from_iterable(listed)

    def search(self, query: str, limit: int, collection: str | None = None, **asked: Any) -> list[SearchHit]:
        """Return what is found, the best first.

        Args:
            query: What to look for.
            limit: Results, at most.
            collection: Only of this one.
            **asked: What is asked for besides: see `Searchable.search`.

        Raises:
            SinkError: The store can't search.
        """
        with self.lock:
            hits = self.session.control.read(
                lambda store: self._searchable(store).search(query, limit, collection=collection, **asked)
            )
        return [replace(hit, relation=self.name) for hit in hits]

    def models(self) -> list[StoredModel]:
        """Return the models of which it keeps vectors, the one in use first."""
        with self.lock:
            return self.session.control.read(
                lambda store: [] if store.vectors is None else store.vectors.models()
            )

    def search_notes(self, query: str) -> Sequence[str]:
        """Return what to know of a search for the query: how it was understood, and how the index is."""
        with self.lock:
            return self.session.control.read(lambda store: self._searchable(store).notes(query))

    def reindex(self) -> Iterator[int]:
        """Make the index anew while no run writes; yield how many records each step took.

        Raises:
            CollectionBusy: A run has a collection.
            SinkError: The sink failed, or has no index.
        """
        names = [collection.name for collection in self.ledger.collections()]
        with self.lock, self.holding(*names):
            steps: tuple[Store, Iterator[int]] | None = None

            def step(store: Store) -> int | None:
                nonlocal steps
                if steps is None or steps[0] is not store:  # a connection was lost: it goes on from there
                    steps = store, iter(self._searchable(store).reindex())
                return next(steps[1], None)

            while (done := self.session.control.read(step)) is not None:
                yield done

    def inspect(self, question: Callable[[Inspectable], Value]) -> Value:
        """Return what the question to the store returns, which may read all rows.

        It is asked again, over a new connection, where one is lost.

        Raises:
            SinkError: The store can't say what it holds, or failed for good.
        """
        with self.lock:
            return self.session.control.read(lambda store: question(self._inspectable(store)), lasting=True)

    def _inspectable(self, store: Store) -> Inspectable:
        if not isinstance(store, Inspectable):
            raise SinkError(f"the sink of {self.target} can't tell what it holds")
        return store

    def _searchable(self, store: Store) -> Searchable:
        if not isinstance(store, Searchable):
            raise SinkError(
                f"the sink of {self.target} can't search; load into one that can (sqlite, postgresql)"
            )
        return store


@contextmanager
def found(
    config: BatchConfig,
    manager: PluginManager,
    dispatcher: Dispatcher | None = None,
    record_type: RecordType = CHUNK,
) -> Iterator[Relation | None]:
    """Open the relation that a run would load into; it is None where nothing was ever loaded there.

    Args:
        config: The settings.
        manager: The plugins.
        dispatcher: Where events of writes go.
        record_type: What the run would load.

    Raises:
        SinkError: It can't be reached.
    """
    with understandable(config), Connections(config, manager, dispatcher or Dispatcher()) as connections:
        manager.hide(secrets_of(config))
        sink: AnySink | None = manager.make_sink(config.to, config.sink)
        if not record_type.is_chunk:
            sink = sink_of(config, manager, record_type.name)
        relation = Relation(sink, connections) if sink is not None and sink.exists() else None
        yield relation if relation is not None and relation.has_ledger else None


def no_collection(name: str, target: str, there: Iterable[str]) -> ConfigError:
    """Return the error of a command that names a collection which a target doesn't have."""
    listed = ", ".join(there) or "none"
    return ConfigError(f"there is no collection {name} in {target}; its collections: {listed}")
