"""What a target holds already, before anything is opened for writing."""

from __future__ import annotations

from dataclasses import dataclass

from batchwright.config import BatchConfig
from batchwright.contracts.records import RecordType
from batchwright.contracts.sink import AnySink
from batchwright.engine.session import Session
from batchwright.engine.setup import Setup
from batchwright.plugins.manager import PluginManager


@dataclass(frozen=True, slots=True)
class Stored:
    """What a target holds of the rows that are to be loaded.

    Attributes:
        record_type: What its relation was made for; None where it is new.
        cursor: How far the source was read; None where that isn't known.
    """

    record_type: RecordType | None = None
    cursor: str | None = None


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
        if session.store().ledger is None and session.beside is None:
            return Stored(session.record_type)
        return Stored(session.record_type, session.control.ask(lambda ledger: ledger.cursor(collection)))


def sink_of(config: BatchConfig, manager: PluginManager, name: str) -> AnySink | None:
    """Return what opens the relation of a record type; None where it is new.

    Args:
        config: The settings, which may give the relation another name.
        manager: The plugins.
        name: The name of the record type.
    """
    given = manager.make_sink(config.to, config.sink)
    relation = getattr(given.options, "table", None) or name
    return next((sink for sink in given.relations() if sink.relation in (None, relation)), None)
