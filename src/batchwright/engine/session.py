"""The open connections of one process to its target: to the sink, and to the ledger beside it."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cached_property, partial
from itertools import count
from typing import TYPE_CHECKING, Self
from uuid import uuid4

from batchwright.config import secrets_of
from batchwright.contracts.receipts import Receipt
from batchwright.contracts.records import CHUNK, RecordType
from batchwright.contracts.sink import AnySink, SinkLimits, Store
from batchwright.engine.collection import CHUNKS
from batchwright.engine.judge import Judge
from batchwright.engine.reject_limit import RejectLimit
from batchwright.engine.setup import Setup
from batchwright.engine.store.access import Access
from batchwright.engine.store.ceiling import Ceiling
from batchwright.engine.store.client import StoreClient
from batchwright.engine.store.ledger_beside import (
    NAME_ANOTHER,
    identity_of,
    ledger_path,
    missing,
    open_ledger_beside,
)
from batchwright.engine.store.pool import DatabasePool
from batchwright.errors import ConfigError, SinkError
from batchwright.plugins.foreign import Foreign, bounded
from batchwright.plugins.limits import limits_of

if TYPE_CHECKING:
    from batchwright.engine.embedding.embedding import Embedding


class Session:
    """What a run in one process, or a command, shares: settings, plugins, connections, and where events go.

    Args:
        setup: Settings, plugins, where events go, and what ends the work early.
        record_type: What the target is to hold; None for what it holds, once the session is open.
        collection: What is loaded into; empty for the one that the settings name, or ``chunks``.
        run_id: The run; a new id where it is empty.
        attempt: Sets the batches of one attempt at a part of the run apart from those of another.
        sink: What opens stores; None for what the settings say.
        limit: From where on rejects are a flood; by default never.

    Attributes:
        collection: What is loaded into.
        target: The target's URL, without a password.
        sink_name: The name of its sink.
        exists: Returns whether the target was set up before; creates nothing.
        limits: The sink's limits.
        record_type: What the target holds; known once the session is open.
        policy: Settings of delivery.
        limit: From where on rejects are a flood.
        ceiling: The size of batch that doesn't time out, as far as is known.
        access: The way to its stores, once the session is open.
        control: The way to the store apart from those of the writers, likewise.
        tokens: Of the leases that this work holds, by collection: its receipts carry them.
    """

    access: Access
    control: StoreClient

    def __init__(
        self,
        setup: Setup,
        *,
        record_type: RecordType | None = None,
        collection: str = "",
        run_id: str = "",
        attempt: str = "",
        sink: AnySink | None = None,
        limit: RejectLimit | None = None,
    ) -> None:
        self._setup = setup
        self.config = config = setup.config
        self.manager = manager = setup.manager
        self.policy = setup.policy
        self.dispatcher = setup.dispatcher
        self.stop = setup.stop
        self.on_stored = setup.on_stored
        self.run_id = run_id or str(uuid4())
        self.collection = collection or config.collection or CHUNKS
        self.judge = Judge(config, manager, self.dispatcher.emit)
        self.describe = self.judge.describe
        self.tokens: dict[str, str] = {}
        self.limit = limit or RejectLimit()
        self.ceiling = Ceiling()
        self._batches = (f"{self.run_id}/{attempt}{number}" for number in count())
        self._secrets = secrets_of(config)
        manager.hide(self._secrets)
        self.target = config.target_shown
        sink = sink or manager.make_sink(config.to, config.sink)
        sink.batch_timeout = config.batch_timeout
        self._sink = sink
        self.sink_name = sink.name
        self._who = who = f"the sink {sink.name!r}"
        self.exists = partial(bounded, who, sink.exists, self.policy.batch_timeout)
        self.limits = limits_of(sink, who, SinkLimits, SinkError, self._secrets)
        self._wanted = record_type
        self.record_type = record_type or CHUNK
        self._opened = ExitStack()

    def open(self, *, create: bool = True, patiently: bool = False) -> Self:
        """Open the first store, and the ledger beside it if it keeps none of its own.

        Args:
            create: Whether to create what the target lacks.
            patiently: Whether to wait for a sink that is down, since the run goes on elsewhere.

        Raises:
            ConfigError: The target or an option is wrong.
            SinkError: The target can't be opened.
            OutageTooLong, RunInterrupted: Being patient was in vain.
        """
        # a store for each writer, for the session itself, the heartbeat of its lease, and its vectors
        size = self.config.workers + 2 + (self.config.embedder is not None)
        pool = DatabasePool(self._sink, size, self._wanted, create=create)
        self.access = access = Access(self._setup, self.judge, pool, self._who)
        self.control = self.client()
        self.judge.wrote = patiently
        with ExitStack() as stack:
            stack.callback(self.manager.rest)
            stack.callback(pool.close)
            stack.callback(self.control.close)
            store = self.control.open(patiently=patiently)
            with Foreign(self._who, SinkError, whatever=True, secrets=self._secrets):
                self._check_type(store)
                keeps_ledger = store.ledger is not None
            if not keeps_ledger:
                path = ledger_path(self.config, self._sink, self._wanted)
                if create or path.exists():
                    named = identity_of(self._sink, self._wanted)
                    access.beside = open_ledger_beside(path, store, named, adopt=self.config.adopt)
                    stack.callback(access.beside.close)
                elif wrong := missing(path, store):
                    raise SinkError(f"{wrong}; {NAME_ANOTHER}")
            self._opened = stack.pop_all()
        return self

    @cached_property
    def embedding(self) -> Embedding | None:
        """The embedder that records go through; None where the settings name none.

        Raises:
            ConfigError: There is none of that name, an option is wrong, or the target keeps no vectors.
        """
        if self.config.embedder is None:
            return None
        from batchwright.engine.embedding.embedding import Embedding  # few need it

        return Embedding.of(self.config, self.manager, self._sink)

    def _check_type(self, store: Store) -> None:
        """Take over what the target holds, which is what was asked for."""
        wanted, self.record_type = self._wanted, store.record_type
        if wanted is not None and wanted != store.record_type:
            raise takes_only(self.target, store.record_type.name, wanted.name)

    def close(self) -> None:
        """Close what is open. May come more than once."""
        self._opened.close()
        embedding = self.__dict__.get("embedding")
        if embedding is not None:
            embedding.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def client(self, writer: int = 0) -> StoreClient:
        """Return a way to the store for one thread; `close` it in the end."""
        return StoreClient(self.access, writer)

    def store(self) -> Store:
        """Return the session's own store, for reading."""
        return self.control.open()

    def receipt(self, collection: str) -> Receipt:
        """Return a receipt with an id that no other has, in this process or another; it does nothing yet."""
        return Receipt(next(self._batches), self.run_id, collection, token=self.tokens.get(collection))


def takes_only(target: str, taken: str, other: str) -> ConfigError:
    """Return the error of a target that holds records of another type."""
    return ConfigError(f"{target} takes {taken} only, not {other}; choose another target")
