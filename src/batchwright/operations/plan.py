"""Planning: what a run would do, without doing any of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import ceil

from batchwright.config import BatchConfig
from batchwright.contracts.receipts import DocumentVersion, KnownDocument
from batchwright.contracts.sizing import SizeLimits, SizingFeedback
from batchwright.engine.delivery.parts import Assembler, Work
from batchwright.engine.reading.changes import closed_folder, pair
from batchwright.engine.reading.inventory import Inventory
from batchwright.engine.reading.prepare import Prepared
from batchwright.engine.reading.preparing import prepare_all, reader_count
from batchwright.operations.target import found
from batchwright.plugins.manager import PluginManager


@dataclass(frozen=True, slots=True)
class Planned:
    """What the run would do about a document.

    Attributes:
        source_file: Which.
        change: added, changed, unchanged, deleted (gone from the input) or unreadable.
        records: Its records: those to write, to leave alone, or to remove.
        size: Its bytes.
        reason: Why it can't be read, else empty.
    """

    source_file: str
    change: str
    records: int
    size: int
    reason: str = ""


@dataclass(slots=True)
class Plan:
    """What a run would do.

    Attributes:
        added: Documents to be published for the first time.
        changed: Documents to be published in place of an older version.
        unchanged: Documents to be left alone.
        deleted: Documents published before that are gone from the input.
        unreadable: Documents that can't be read.
        records: Records to write.
        size: Bytes of the documents that they are made from.
        records_unchanged: Records to be left alone.
        records_deleted: Records of the documents that are gone.
        batches: Batches they would be written in; where the size adapts, if it stayed as it begins.
        batches_exact: Whether that is certain: the size is fixed, and there is one writer.
        pruned: Documents that would be removed from the target.
        refusal: Why the run would refuse to prune, else empty.
        exists: Whether anything was loaded into the target before.
    """

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    deleted: int = 0
    unreadable: int = 0
    records: int = 0
    size: int = 0
    records_unchanged: int = 0
    records_deleted: int = 0
    batches: int = 0
    batches_exact: bool = False
    pruned: int = 0
    refusal: str = ""
    exists: bool = False

    @property
    def documents(self) -> int:
        """All documents, found or gone."""
        return self.added + self.changed + self.unchanged + self.deleted + self.unreadable


def plan(
    config: BatchConfig, manager: PluginManager, on_document: Callable[[Planned], None] = lambda _: None
) -> Plan:
    """Read and chunk what a run would, and count; nothing is written, neither in the target nor beside it.

    Args:
        config: The settings of the run.
        manager: The plugins.
        on_document: Told of every document, by name; what is gone comes in its place among the others.

    Raises:
        ConfigError, PluginError, SinkError: The run could not begin.
    """
    with found(config, manager) as target:
        limits = (target.sink if target else manager.make_sink(config.to, config.sink)).limits
        result = Plan(exists=target is not None)
        batches = _Batches(config, manager, SizeLimits.of(limits), limits.writers)
        known = target.documents() if target else ()
        published = _plan_documents(config, known, result, batches, on_document)
    result.batches, result.batches_exact = batches.count(), batches.exact
    if config.prune and result.deleted:
        if result.deleted > config.prune_limit * published:
            result.refusal = (
                f"it would refuse to prune {result.deleted} of {published} documents: more than prune_limit "
                f"({config.prune_limit:.0%})"
            )
        else:
            result.pruned = result.deleted
    return result


def _plan_documents(
    config: BatchConfig,
    known: Iterable[KnownDocument],
    result: Plan,
    batches: _Batches,
    on_document: Callable[[Planned], None],
) -> int:
    """Count every document; return how many are published now."""
    published = 0
    closed_folders: tuple[str, ...] = ()
    inventory = Inventory(config)
    readers = reader_count(config, inventory.size)
    for both, prepared in prepare_all(pair(inventory, known), config, readers):
        published += both.known is not None
        if both.found is not None and prepared is not None:
            planned = _planned(prepared, both.known)
            if planned.change == "unreadable":
                closed_folders += tuple(closed_folder(both.found))
            if prepared.version is not None and prepared.chunks is not None:
                batches.add(Work(prepared.version, prepared.chunks))
        elif both.known is not None:
            version, rows = both.known.version, both.known.version.chunks - both.known.rejected
            closed = version.source_file.startswith(closed_folders) if closed_folders else False
            planned = Planned(version.source_file, "unreadable", 0, 0, "its folder can't be read")
            if not closed:
                planned = Planned(version.source_file, "deleted", rows, version.size)
        else:
            continue
        _count(result, planned)
        on_document(planned)
    return published


def _planned(prepared: Prepared, known: KnownDocument | None) -> Planned:
    version: DocumentVersion | None = prepared.version
    if version is None:
        return Planned(prepared.source_file, "unreadable", 0, prepared.size, prepared.reason)
    if prepared.chunks is None:
        records = version.chunks - (known.rejected if known else 0)
        return Planned(version.source_file, "unchanged", records, version.size)
    return Planned(version.source_file, "changed" if known else "added", version.chunks, version.size)


def _count(result: Plan, planned: Planned) -> None:
    setattr(result, planned.change, getattr(result, planned.change) + 1)
    if planned.change in ("added", "changed"):
        result.records += planned.records
        result.size += planned.size
    elif planned.change == "unchanged":
        result.records_unchanged += planned.records
    elif planned.change == "deleted":
        result.records_deleted += planned.records


class _Batches:
    """Counts the batches that documents make, as a writer cuts them."""

    def __init__(self, config: BatchConfig, manager: PluginManager, limits: SizeLimits, writers: int) -> None:
        self._manager = manager
        self._limits = limits
        self._fixed = None if config.batch_size is None else min(config.batch_size, limits.rows)
        self._adaptive = config.adaptive
        self._assembler = Assembler()
        self._records = self._cut = 0
        self.exact = self._fixed is not None and min(config.workers, writers) == 1

    def add(self, work: Work) -> None:
        self._records += len(work.chunks)
        if self._fixed is None:
            return
        self._assembler.add(work)
        while self._assembler.records >= self._fixed:
            self._take(self._fixed)

    def count(self) -> int:
        if self._fixed is None:
            feedback = SizingFeedback(total_items=self._records, adaptive=self._adaptive)
            return ceil(self._records / self._manager.batch_size(feedback, self._limits))
        while self._assembler:
            self._take(self._fixed)
        return self._cut

    def _take(self, rows: int) -> None:
        if self._assembler.cut(rows, self._limits.bytes).segments:
            self._cut += 1
