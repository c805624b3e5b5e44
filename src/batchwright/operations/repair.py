"""Repair what `verify` found: restore exactly the rows that are missing or damaged."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import NamedTuple

from batchwright.config import BatchConfig
from batchwright.contracts.ledger import rejects_of
from batchwright.contracts.receipts import PROGRAM, DocumentVersion, KnownDocument
from batchwright.contracts.rows import Placed
from batchwright.contracts.vectors import TEXT_REFUSED
from batchwright.engine.delivery.assembler import Assembler
from batchwright.engine.delivery.deliverer import Deliverer
from batchwright.engine.delivery.work import Work
from batchwright.engine.embedding.works import embed_works
from batchwright.engine.reading.changes import Change, reread
from batchwright.engine.reading.input import Input
from batchwright.engine.reading.prepare import Preparer
from batchwright.engine.removing import remove
from batchwright.engine.rows.gather import gather
from batchwright.engine.rows.row_changes import RowChanges
from batchwright.engine.setup import Setup
from batchwright.errors import (
    BatchwrightError,
    ConfigError,
    IncompleteDocument,
    RunInterrupted,
    SinkError,
    SourceError,
)
from batchwright.items import Item
from batchwright.operations.connections import understandable
from batchwright.operations.relation import Relation
from batchwright.operations.target import OpenTarget
from batchwright.operations.verify import Fault, Finding
from batchwright.plugins.foreign import Foreign
from batchwright.plurals import counted

ROWS_AT_ONCE = 1_000


class Repaired(NamedTuple):
    """What was found, and why it could not be repaired; empty where it was."""

    finding: Finding
    reason: str


def repair(
    target: OpenTarget, config: BatchConfig, findings: Iterable[Finding], source: str | Path | None
) -> Iterator[Repaired]:
    """Restore what was found, as far as it can be; yield what became of each. See `Target.repair`."""
    repairers = dict[tuple[str | None, str | None], Repairer]()
    if len(target.relations) > 1:
        target.of_one_type("verify --repair", target.about())
    held: tuple[str | None, str | None] | None = None
    with ExitStack() as inputs, ExitStack() as lease:
        for finding in findings:
            relation, name = target.named(finding.relation), finding.collection
            place = relation.name, name
            if place not in repairers:
                given = _source_of(relation, name) if source is None else source
                own = config.model_copy(update={"source": given or None})
                repairers[place] = inputs.enter_context(closing(Repairer(relation, own)))
            with understandable(config), relation.lock:
                if name is not None and place != held:
                    lease.close()
                    lease.enter_context(relation.holding(name))
                    held = place
                repaired = Repaired(finding, repairers[place].repair(finding))
            yield repaired


def _source_of(relation: Relation, collection: str | None) -> str:
    """Return what a collection was loaded from; nothing where nothing is read again.

    Raises:
        ConfigError: It is not here.
    """
    if collection is None:  # rows that belong to nothing are removed
        return ""
    origin = relation.collection_named(collection).origin
    if origin == PROGRAM:
        return ""
    if "://" not in origin and not os.path.exists(origin):  # noqa: PTH110 - pathlib raises where a folder may not be entered
        raise ConfigError(
            f"{origin}, where the collection {collection} came from, is not here; "
            f"name the source: verify SOURCE --repair"
        )
    return origin


class Repairer:
    """Restores documents from their source, and removes rows that belong to nothing.

    A document is restored only from the content that it was loaded from, with the same settings: then the
    rows are the same. Sound rows stay as they are, and rejected records stay out.

    Args:
        relation: Where.
        config: The settings that the documents were loaded with; their source is where they are.
    """

    def __init__(self, relation: Relation, config: BatchConfig) -> None:
        self._relation = relation
        self._config = config
        self._indices = count()
        self._preparers: dict[str, Preparer] = {}
        self._rows: dict[str, RowChanges] = {}

    def repair(self, finding: Finding) -> str:
        """Repair what was found; return why it could not be, or an empty string.

        Raises:
            SinkError: The sink failed.
            RunInterrupted: The lease of the collection was lost.
        """
        if finding.fault is Fault.ORPHANED:
            remove(self._relation.session, "", orphaned=(finding.document_id,))
            return ""
        known = finding.known
        collection = finding.collection
        if known is None or collection is None or finding.fault is Fault.SURPLUS:
            return "rows were added by hand: remove them by hand, or change the document and run again"
        if known.version.brought_by == "program":
            return "a program stored it, not a run: have the program store it again"
        if known.version.item:
            change = self._row_changes(collection).reread(finding.key, known)
        else:
            item = self._item(finding.key)
            change = None if item is None else reread(self._preparer(collection), item, known)
        if change is None:
            return f"{self._config.source_shown} has it no more: run again"
        if change.state == "unchanged" and change.records is not None:
            return self._restore(collection, known, change.records)
        return _why_not(change, known.version)

    def _restore(self, collection: str, known: KnownDocument, records: Sequence[Placed]) -> str:
        version = known.version
        sound = self._relation.inspect(lambda store: store.sound(version.document_id))
        there = sound & {record.id for record in records}
        rejects = rejects_of(self._relation.ledger, collection, version)
        rejected = {reject.id for reject in rejects if reject.error != TEXT_REFUSED}
        wanted = [record for record in records if record.id not in there and record.id not in rejected]
        missing = version.records - len(there) - len(wanted)
        work = Work(version, wanted, is_published=True, rejected=missing)
        session = self._relation.session
        embed_works(session, collection, [work])
        deliverer = Deliverer(session, session.control, collection)
        assembler = Assembler()
        assembler.add(work)
        while assembler and not work.failed:
            part = assembler.cut(min(session.limits.rows, ROWS_AT_ONCE), session.limits.bytes)
            deliverer.deliver(part, next(self._indices))
        if not work.failed:
            deliverer.settle(next(self._indices))
        if session.stop.event.is_set():  # another run has the place of this repair
            raise RunInterrupted(session.stop.reason)
        failure = deliverer.failure
        if failure is not None and isinstance(failure.error, IncompleteDocument):
            return str(failure.error)
        if failure is not None and failure.error is not None:
            raise SinkError(session.describe(failure.error)) from failure.error
        if refused := work.rejected - missing:
            said = counted(refused, "record")
            return f"{said} can't be stored, now among the rejects: batchwright rejects list"
        return ""

    def close(self) -> None:
        """Close what documents were restored from."""
        if "_input" in self.__dict__:
            self._input.close()

    @cached_property
    def _input(self) -> Input:
        """What documents are restored from, made when it is needed."""
        return Input.of(self._config, self._relation.session.manager)

    def _item(self, key: str) -> Item | None:
        """Return what a document is read from; None where that is gone.

        Raises:
            SourceError: The source can't be asked.
        """
        source = self._input
        try:
            with Foreign(source.who, SourceError):
                return source.source.item(key)
        except BatchwrightError:
            raise
        except Exception as error:
            raise SourceError(
                f"{self._config.source_shown}: {self._relation.session.describe(error)}"
            ) from error

    def _row_changes(self, collection: str) -> RowChanges:
        """Return the rows of the input, which are read once for all that is to be restored."""
        if collection not in self._rows:
            session, config = self._relation.session, self._config
            if not session.record_type.is_chunk:
                config = config.model_copy(update={"key": session.record_type.key})
            setup = Setup(config, session.manager, session.policy, stop=session.stop)
            given = Input.of(config, session.manager)
            with closing(given):
                rows = gather(given, setup, collection, session.dispatcher.emit, anew=True)
            self._rows[collection] = rows.changes()
        return self._rows[collection]

    def _preparer(self, collection: str) -> Preparer:
        if collection not in self._preparers:
            self._preparers[collection] = Preparer(self._input, collection)
        return self._preparers[collection]


def _why_not(change: Change, known: DocumentVersion) -> str:
    """Say why a document can't be restored from what there is in the input now."""
    now = change.version
    if now is None:
        return f"it can't be read again: {change.reason}"
    if now.content_hash != known.content_hash:
        return "the file has changed since; run again to load it as it is now"
    return (
        f"it was loaded with other settings ({known.settings}, now {now.settings}); "
        "give the ones it was loaded with, or run again"
    )
