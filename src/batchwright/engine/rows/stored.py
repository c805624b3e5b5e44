"""What a target holds already, before anything is opened for writing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from batchwright.config import BatchConfig
from batchwright.contracts.ledger import Ledger, pages
from batchwright.contracts.receipts import ItemVersion
from batchwright.contracts.records import CHUNK, RecordType
from batchwright.contracts.sink import AnySink
from batchwright.engine.session import Session
from batchwright.engine.setup import Setup
from batchwright.engine.store.client import StoreClient
from batchwright.plugins.manager import PluginManager


@dataclass(frozen=True, slots=True)
class Stored:
    """What a target holds of the rows that are to be loaded.

    Attributes:
        record_type: What its relation was made for; None where it is new.
        cursor: How far the source was read; None where that isn't known.
        items: The items that were read before, and of which all rows are there still, by key.
        held: How many rows of each item that the ledger knows are there, by key.
        last_run: The run that loaded the collection last; empty where none did.
        widens: Whether the target can widen its columns.
    """

    record_type: RecordType | None = None
    cursor: str | None = None
    items: Mapping[str, ItemVersion] = field(default_factory=dict)
    held: Mapping[str, int] = field(default_factory=dict)
    last_run: str = ""
    widens: bool = False


def stored(setup: Setup, name: str, collection: str) -> Stored:
    """Look at the relation that rows go into.

    Args:
        setup: Settings and plugins.
        name: The name of the record type, which is that of the relation where no other is given.
        collection: The collection.

    Raises:
        SinkError: The target can't be reached.
    """
    sink = sink_of(setup.config, setup.manager, name)
    if sink is None:
        return Stored()
    with Session(setup, sink=sink, collection=collection).open(create=False) as session:
        if session.store().ledger is None and session.access.beside is None:
            return Stored(session.record_type, widens=sink.widens)
        client = session.control
        cursor = client.ask(lambda ledger: ledger.cursor(collection))
        last_run = client.ask(partial(last_run_of, collection=collection))
        items = _known_items(client, collection)
        held: dict[str, int] = {}
        if items:
            found = client.ask(lambda ledger: ledger.by_item(collection))
            held = {one.item: one.documents for one in found}
        whole = {key: item for key, item in items.items() if held.get(key, 0) == item.rows}
        known = {key: held.get(key, 0) for key in items}
        return Stored(session.record_type, cursor, whole, known, last_run, sink.widens)


def last_run_of(ledger: Ledger, collection: str) -> str:
    """Return the run that loaded a collection last; an empty text where none did."""
    return next((run.run_id for run in ledger.runs(collection, limit=1)), "")


def _known_items(client: StoreClient, collection: str) -> dict[str, ItemVersion]:
    """Return the items that the ledger knows, by key."""

    def ask(after: str) -> list[ItemVersion]:
        return client.ask(lambda ledger: ledger.items(collection, after))

    return {item.key: item for page in pages(ask, lambda item: item.key) for item in page}


def sink_of(config: BatchConfig, manager: PluginManager, name: str) -> AnySink | None:
    """Return what opens the relation of a record type; None where it is new.

    Args:
        config: The settings, which may give the relation another name.
        manager: The plugins.
        name: The name of the record type.
    """
    given = manager.make_sink(config.to, config.sink)
    name = CHUNK.relation if name == CHUNK.name else name
    relation = getattr(given.options, "table", None) or name
    return next((sink for sink in given.relations() if sink.relation in (None, relation)), None)
