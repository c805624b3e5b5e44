"""The whole contract of a sink."""

from __future__ import annotations

from batchwright.testing.sinks.atomicity import AtomicityChecks
from batchwright.testing.sinks.collections import CollectionChecks
from batchwright.testing.sinks.contents import ContentChecks
from batchwright.testing.sinks.discards import DiscardChecks
from batchwright.testing.sinks.interruption import InterruptionChecks
from batchwright.testing.sinks.inventory import InventoryChecks
from batchwright.testing.sinks.leases import LeaseChecks
from batchwright.testing.sinks.lifecycle import LifecycleChecks
from batchwright.testing.sinks.noting import NotingChecks
from batchwright.testing.sinks.processes import ProcessChecks
from batchwright.testing.sinks.programs import ProgramChecks
from batchwright.testing.sinks.publication import PublicationChecks
from batchwright.testing.sinks.races import RaceChecks
from batchwright.testing.sinks.receipts import ReceiptChecks
from batchwright.testing.sinks.record_types import RecordTypeChecks
from batchwright.testing.sinks.refusals import RefusalChecks
from batchwright.testing.sinks.refused import RefusedChecks
from batchwright.testing.sinks.rejects import RejectChecks
from batchwright.testing.sinks.relations import RelationChecks
from batchwright.testing.sinks.searching import SearchChecks
from batchwright.testing.sinks.secrecy import SecrecyChecks
from batchwright.testing.sinks.severing import SeveringChecks


class SinkContract(
    AtomicityChecks,
    PublicationChecks,
    DiscardChecks,
    CollectionChecks,
    ProgramChecks,
    RaceChecks,
    LeaseChecks,
    ContentChecks,
    RefusalChecks,
    ReceiptChecks,
    RefusedChecks,
    RejectChecks,
    NotingChecks,
    InterruptionChecks,
    SeveringChecks,
    ProcessChecks,
    LifecycleChecks,
    SecrecyChecks,
    InventoryChecks,
    SearchChecks,
    RecordTypeChecks,
    RelationChecks,
):
    """Subclass it as ``TestMySink``, and supply two fixtures; each check then runs on an empty target.

    Fixtures to supply:
        make_sink: A callable that returns a new sink; within a test always of the same target, which is empty
            when the test begins.
        stored: A callable that returns the published rows, read without the sink: ProcessedChunks, or
            mappings with `id` and the ten fields. Before anything is published: an empty list.

    Fixtures that add checks:
        faults: ``faults(n)`` is a context in which the n-th step of a write fails.
        stored_kinds: A callable that returns the published rows of the record type `testing.kinds.KINDS`,
            read without the sink, as mappings with its fields, JSON as text: for sinks that take more than
            chunks.
        block: ``block()`` is a context in which writes to the target hang until they are cancelled.
        damage: ``damage()`` damages the target's files while no store is open, as a disk that fails does.
        sever: ``sever()`` cuts every connection to the target, as a server that dies does.
        wrong_target: A sink that can't be opened, with `SECRET` in its URL. By default its URL is
            that of `make_sink` without parameters, but with a user, a password and a port where nobody
            listens: a sink of files has to refuse a host, not to ignore it.

    Attributes:
        transactional: False where a failed write may leave rows in sight, as long as writing it again
            fixes that.
        concurrent_writers: How many to try at a time (4 at most, 3 of processes); None for what `limits`
            says.
        most_rows: Rows of the largest batch that is tried, where `limits` allows more.
        most_bytes: Bytes of the largest batch that is tried, where `limits` allows more.
        patience: Seconds that anything may take before it counts as hanging.

    Batches of up to 32 records are written whatever `limits` says. Where a store has no ledger of its own,
    the kit keeps one beside it, as the engine does. Checks of a capability are skipped without it.

    A promise that a sink can't keep is taken out by overriding its check with one that skips, and says why.
    """
