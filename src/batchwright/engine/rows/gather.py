"""Gather the rows of an input: look at the target, list the items, read them all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from batchwright.contracts.events import Event
from batchwright.contracts.receipts import DocumentVersion
from batchwright.contracts.records import RecordType
from batchwright.engine.judge import Judge
from batchwright.engine.reading.fetching import Fetcher
from batchwright.engine.reading.input import Input
from batchwright.engine.reading.inventory import Inventory, listed
from batchwright.engine.reading.prepare import Chunking
from batchwright.engine.reject_limit import RejectLimit
from batchwright.engine.rows.found_types import given_types
from batchwright.engine.rows.row_changes import RowChanges
from batchwright.engine.rows.scan import ROWS_JUDGED, SHARE_OF_BAD, Scan, Scanner
from batchwright.engine.rows.stored import Stored, stored
from batchwright.engine.setup import Setup
from batchwright.sinkkit.record_changes import widened_fields


@dataclass(frozen=True, slots=True)
class Gathered:
    """The rows of an input.

    Attributes:
        inventory: The items that they came from.
        fetcher: Fetched these.
        scan: The rows.
        collection: What they are loaded into.
        last_run: The run that had loaded the collection last, when they were about to be read.
        unlisted: How many rows are there of each item that the ledger knows, and that is gone from the input;
            empty where that can't be told.
        widened: Which columns of the target are to be widened, and from what to what.
    """

    inventory: Inventory
    fetcher: Fetcher
    scan: Scan
    collection: str
    last_run: str
    unlisted: Mapping[str, int] = field(default_factory=dict)
    widened: tuple[str, ...] = ()

    def forgotten(self, missing: Mapping[str, int]) -> list[str]:
        """Return the items to forget: they are gone, and so are all of their rows.

        Args:
            missing: How many rows of each item were removed.
        """
        return [item for item, held in self.unlisted.items() if held == missing.get(item, 0)]

    def changes(
        self, *, each: bool = False, on_outdated: Callable[[DocumentVersion], None] = lambda _: None
    ) -> RowChanges:
        """Return what compares the rows with what is published.

        Args:
            each: Whether every unchanged row is wanted by itself.
            on_outdated: Called with each version that was refused, and isn't what is in the input any more.
        """
        given, cuts = self.fetcher.input, self.scan.record_type.is_chunk
        return RowChanges(
            self.scan,
            given.config,
            self.collection,
            complete=self.inventory.is_complete,
            each=each,
            on_outdated=on_outdated,
            chunking=Chunking(given.config, given.manager, self.collection) if cuts else None,
        )

    def limit(self) -> RejectLimit:
        """Return from where on rejects are a flood: by default a tenth of the rows, if there are many."""
        most, rows = self.fetcher.input.config.max_rejects, self.scan.rows
        if most is None and rows >= ROWS_JUDGED:
            most = SHARE_OF_BAD
        return RejectLimit(most, lambda: rows)


def gather(
    input: Input,
    setup: Setup,
    collection: str,
    emit: Callable[[Event], None],
    *,
    anew: bool = False,
    describes: bool = False,
) -> Gathered:
    """Read all rows of an input, sort them on disk, and find their types.

    Args:
        input: What is loaded.
        setup: Settings, plugins, and what ends the work early.
        collection: What it is loaded into.
        emit: Takes the events of errors and outages, and those that say how many rows were read.
        anew: Whether to read items that are as they were, too.
        describes: Whether to look at how rows are written.

    Raises:
        ConfigError: A setting doesn't fit the rows, or there are none.
        SourceError: The source can't be listed, or most lines are no rows.
        SinkError: The target can't be reached.
        RunInterrupted, OutageTooLong: Reading was stopped, or the source was down for too long.
    """
    config = setup.config
    given_types(config)  # before anything is read
    judge = Judge(config, setup.manager, emit)
    fetcher = Fetcher(input, judge, setup.policy, setup.stop.event, emit)
    cutting = Chunking(config, setup.manager, collection).settings if config.chunk is not None else ""
    table = getattr(setup.manager.make_sink(config.to, config.sink).options, "table", None) or ""
    scanner = Scanner(
        fetcher, setup.stop.event.is_set, emit, table=table, cutting=cutting, describes=describes
    )
    there = stored(setup, scanner.name, collection)
    since = None if input.source.complete else there.cursor
    inventory = listed(input, judge.describe, since, setup.stop.event)
    scan = scanner.scan(inventory, replace(there, items={}) if anew else there)
    if scan.cursor is not None:
        inventory.cursor = scan.cursor
    widened = tuple(_widened(there, scan.record_type))
    unlisted: dict[str, int] = {}
    if inventory.is_complete and there.held:
        listed_keys = {item.key for item in inventory if item.key in there.held}
        unlisted = {key: rows for key, rows in there.held.items() if key not in listed_keys}
    return Gathered(inventory, fetcher, scan, collection, there.last_run, unlisted, widened)


def _widened(there: Stored, wanted: RecordType) -> Iterator[str]:
    """Say which columns of the target are to be widened."""
    stored = there.record_type
    if stored is None or not there.widens:
        return
    for wider in widened_fields(stored, wanted):
        was, now = (one.kind.removesuffix(", nullable") for one in (stored.field(wider.name), wider))
        yield f"{wider.name}: the column is widened from {was} to {now}; what is stored stays equal"
