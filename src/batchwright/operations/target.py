"""The target of a command that works on what was loaded: its store and its ledger, never made anew."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

from batchwright.config import BatchConfig, secrets_of
from batchwright.contracts.failure import Failure
from batchwright.contracts.lease import Lease
from batchwright.contracts.ledger import Ledger
from batchwright.contracts.receipts import Collection, DocumentVersion, KnownDocument
from batchwright.contracts.sink import Inspectable, Searchable, SearchHit, Store
from batchwright.engine.delivery.policy import DeliveryPolicy
from batchwright.engine.dispatch import Dispatcher
from batchwright.engine.heartbeat import holding
from batchwright.engine.session import Session
from batchwright.engine.setup import Setup
from batchwright.errors import BatchwrightError, ConfigError, SinkError
from batchwright.operations.asking import AskedLedger
from batchwright.plugins.manager import PluginManager
from batchwright.secrets import describe, mask


class Target:
    """An open target that was loaded before, for any thread.

    Args:
        session: Its connections; what is written goes through them.

    Attributes:
        session: The same. It serves one thread at a time: hold `lock`.
        lock: Held by whoever uses the session.
        ledger: The store's own, or the one beside it.
        collection: The collection that the settings name, to which the command is limited, or None.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.collection = session.config.collection
        self.lock = threading.RLock()
        self.ledger: Ledger = AskedLedger(session, self.lock)

    @property
    def name(self) -> str:
        """The URL, without a password."""
        return self.session.target

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
            there = ", ".join(found) or "none"
            raise ConfigError(f"there is no collection {name} in {self.name}; its collections: {there}")
        return found[name]

    def holding(self, collection: str) -> AbstractContextManager[None]:
        """Hold a collection's lease meanwhile: no run, nor a program, writes to it.

        Raises:
            CollectionBusy: A run has it, after the time that the settings wait.
        """
        return holding(self.session, collection, self.session.config.wait)

    def busy(self) -> list[Lease]:
        """Return the leases of the collections that are being loaded, as far as the ledger knows."""
        leases = [self.ledger.lease(collection.name) for collection in self.collections()]
        return [lease for lease in leases if lease is not None]

    def holds(self, collection: str) -> bool:
        """Tell whether anything is published of a collection."""
        return bool(self.ledger.documents(collection, limit=1))

    def documents(self, collection: str) -> Iterator[KnownDocument]:
        """Yield what is published of a collection, by key in code point order."""
        after = ""
        while page := self.ledger.documents(collection, after):
            yield from page
            after = page[-1].version.key

    def refused(self, collection: str) -> Iterator[DocumentVersion]:
        """Yield the versions of a collection that were refused, by key in code point order."""
        after = ""
        while page := self.ledger.refused(collection, after=after):
            yield from page
            after = page[-1].key

    def search(self, query: str, limit: int, collection: str | None = None) -> list[SearchHit]:
        """Return what is found, the best first.

        Raises:
            SinkError: The store can't search.
        """
        with self.lock:
            return self.session.control.read(
                lambda store: list(self._searchable(store).search(query, limit, collection=collection))
            )

    def inspectable(self) -> Inspectable:
        """Return the store as one that can say what it holds; to be used with the lock held.

        Raises:
            SinkError: It can't say.
        """
        store = self.session.store()
        if not isinstance(store, Inspectable):
            raise SinkError(f"the sink of {self.name} can't tell what it holds")
        return store

    def _searchable(self, store: Store) -> Searchable:
        if not isinstance(store, Searchable):
            raise SinkError(
                f"the sink of {self.name} can't search; load into one that can (sqlite, postgresql)"
            )
        return store


def name_of(config: BatchConfig) -> str:
    """Return the target's URL without its password."""
    return mask(str(config.to), secrets_of(config))


@contextmanager
def existing(
    config: BatchConfig, manager: PluginManager, dispatcher: Dispatcher | None = None
) -> Iterator[Target]:
    """Open the target of the settings.

    Raises:
        SinkError: Nothing was ever loaded there, or it can't be reached.
    """
    with found(config, manager, dispatcher) as target:
        if target is None:
            raise nothing_loaded(config)
        yield target


@contextmanager
def found(
    config: BatchConfig, manager: PluginManager, dispatcher: Dispatcher | None = None
) -> Iterator[Target | None]:
    """Open the target of the settings; it is None where nothing was ever loaded there.

    Args:
        config: The settings.
        manager: The plugins.
        dispatcher: Where events of writes go.

    Raises:
        SinkError: It can't be reached.
    """
    with understandable(config):
        policy = replace(DeliveryPolicy.of(config), holds=False)
        session = Session(Setup(config, manager, policy, dispatcher or Dispatcher()))
        if not session.exists():
            yield None
            return
        with session.open(create=False):
            has_ledger = session.store().ledger is not None or session.beside is not None
            yield Target(session) if has_ledger else None


def nothing_loaded(config: BatchConfig) -> SinkError:
    """Return the error of a command that needs something loaded."""
    name = name_of(config)
    return SinkError(f"nothing is loaded in {name} yet; load a directory: batchwright run DIR --to {name}")


@contextmanager
def understandable(config: BatchConfig) -> Iterator[None]:
    """Turn a database's errors into ours, which say that it is not a defect of the command."""
    try:
        yield
    except BatchwrightError:
        raise
    except Exception as error:
        if isinstance(error, OSError | sqlite3.Error) or Failure(error).sqlstate is not None:
            raise SinkError(describe(error, secrets_of(config))) from error
        raise
