"""Plan: what a run would do, without doing any of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from math import ceil

from batchwright.config import BatchConfig, secrets_of
from batchwright.contracts.events import ItemLeftOut
from batchwright.contracts.records import CHUNK, RecordType
from batchwright.contracts.sink import SinkLimits
from batchwright.engine.collection import check_origin
from batchwright.engine.delivery.assembler import Assembler
from batchwright.engine.delivery.sizer import Sizer, writer_count
from batchwright.engine.delivery.work import Work
from batchwright.engine.embedding.asking import ask_vectors
from batchwright.engine.embedding.embedding import Embedding, too_many_tokens
from batchwright.engine.embedding.estimate import Estimate
from batchwright.engine.judge import Judge
from batchwright.engine.reading.changes import Change, Unchanged, changes, refusal
from batchwright.engine.reading.deaths import reading_apart
from batchwright.engine.reading.fetching import Fetcher
from batchwright.engine.reading.input import LOCAL, Input
from batchwright.engine.reading.inventory import Inventory, listed
from batchwright.engine.reading.omissions import Omissions
from batchwright.engine.reading.pairs import beside, pair
from batchwright.engine.reading.preparing import may_start_processes
from batchwright.engine.rows.gather import Gathered, gather
from batchwright.engine.setup import Setup
from batchwright.engine.store.policy import DeliveryPolicy
from batchwright.errors import SinkError
from batchwright.operations.relation import Relation, found
from batchwright.plugins.limits import limits_of
from batchwright.plugins.manager import PluginManager
from batchwright.secrets import describe
from batchwright.sinkkit.record_changes import added_fields


@dataclass(slots=True)
class Plan:
    """What a run would do.

    Attributes:
        added: Documents to be published for the first time.
        changed: Documents to be published in place of an older version.
        unchanged: Documents to be left alone.
        unfetched: How many of these were not fetched, since their fingerprints are as they were.
        refused: Documents of which no record could be stored, and which are as they were then.
        deleted: Documents published before that are gone from the input.
        failed: Documents that can't be read.
        records: Records to write.
        size: Bytes of the documents that they are made from.
        records_unchanged: Records to be left alone.
        records_rejected: Records of unchanged and refused documents that are set aside.
        records_removed: Records of the documents that are gone.
        batches: Batches that a run would write; if the size adapts, counted with the first size.
        batches_exact: Whether that is certain: the size is fixed, and one writer writes, in this process.
        removed: Documents that would be removed from the target.
        refusal: Why the run would refuse to prune, else empty.
        exists: Whether anything was loaded into the target before.
        collection: What the run would load into.
        left_out: What would be left out, by reason.
        named: The first of that, of each reason.
        executor: Which executor would load: for rows it is ``local``, whatever the settings say.
        columns: What each column would hold, where rows would be loaded.
        formats: How the rows are written, where their format leaves a choice, and in how many files each.
        notes: What is worth knowing of that, such as columns that are nearly numbers.
        embedder: Which would make vectors; empty for none.
        model: Its model.
        host: Where texts would be sent; empty where they stay on this machine.
        texts: Texts that would be sent: those that have no vector yet, each once.
        tokens: Their tokens, about.
        too_much: Why the run would refuse to send them, else empty.
    """

    collection: str

    executor: str = LOCAL
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    unfetched: int = 0
    refused: int = 0
    deleted: int = 0
    failed: int = 0
    records: int = 0
    size: int = 0
    records_unchanged: int = 0
    records_rejected: int = 0
    records_removed: int = 0
    batches: int = 0
    batches_exact: bool = False
    removed: int = 0
    refusal: str = ""
    exists: bool = False
    left_out: dict[str, int] = field(default_factory=dict)
    named: list[ItemLeftOut] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    formats: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    embedder: str = ""
    model: str = ""
    host: str = ""
    texts: int = 0
    tokens: int = 0
    too_much: str = ""

    @property
    def documents(self) -> int:
        """All documents, found or gone."""
        return self.added + self.changed + self.unchanged + self.refused + self.deleted + self.failed


def plan(
    config: BatchConfig, manager: PluginManager, on_document: Callable[[Change], None] | None = None
) -> Plan:
    """Read and chunk what a run would, and count; nothing is written, neither in the target nor beside it.

    Args:
        config: The settings of the run.
        manager: The plugins.
        on_document: Called with every document, found or gone, by key; None where only their number counts.

    Raises:
        ConfigError, PluginError, SinkError: The run could not begin.
    """
    with closing(Input.of(config, manager)) as given:
        return _plan(given, on_document)


def _plan(given: Input, on_document: Callable[[Change], None] | None) -> Plan:
    config, manager = given.config, given.manager
    name = given.collection.name
    setup = Setup(config, manager, DeliveryPolicy.of(config))
    rows = gather(given, setup, name, _nothing, describes=True) if given.is_rows else None
    wanted = rows.scan.record_type if rows else CHUNK
    inventory = rows.inventory if rows else listed(given, lambda error: describe(error, secrets_of(config)))
    published = 0
    with found(config, manager, record_type=wanted) as relation:
        sink = manager.make_sink(config.to, config.sink)
        limits = limits_of(sink, f"the sink {sink.name!r}", SinkLimits, SinkError, secrets_of(config))
        result = Plan(name, given.executor, exists=relation is not None)
        embedding = Embedding.of(config, manager, sink)
        estimate = None if embedding is None else _estimate(embedding, wanted, relation, config)
        result.named += (ItemLeftOut(path, reason) for reason, path, _ in inventory.left_out.named)
        omissions = Omissions(result.named.append)
        if rows:
            result.columns = {} if wanted.is_chunk else {one.name: one.kind for one in wanted.fields}
            result.formats = dict(rows.scan.formats.most_common())
            result.notes = [*rows.widened, *rows.scan.notes]
        if relation:
            _check_relation(given, wanted, relation)
        batches = _Batches(given, limits, wanted)
        for change in _decided(setup, given, rows, inventory, relation, each=on_document is not None):
            if isinstance(change, Unchanged):
                published += change.runs
                _count_unchanged(result, change)
                continue
            published += change.is_runs
            if change.version is not None and change.records is not None:
                batches.add(Work(change.version, change.records))
            if estimate is not None:
                estimate.add(change)
            _count(result, change)
            omissions.add(change)
            if on_document is not None:
                on_document(change)
        if embedding is not None and estimate is not None:
            _say_what_is_sent(result, embedding, estimate)
    result.left_out = dict(inventory.left_out.counts + Counter(omissions.take()))
    result.batches, result.batches_exact = batches.count(), batches.exact
    result.refusal = refusal(config, result.deleted, published)
    if (config.prune or not given.source.complete) and not result.refusal:
        result.removed = result.deleted
    return result


def _check_relation(given: Input, wanted: RecordType, relation: Relation) -> None:
    """Refuse, as a run would, a relation of other records, or a collection of another source."""
    shown = str(relation.name or relation.target)
    added_fields(relation.record_type, wanted, shown, widens=relation.widens)
    for there in relation.ledger.collections():
        if there.name == given.collection.name:
            check_origin(given.config, given.collection, there)


def _decided(
    setup: Setup,
    given: Input,
    rows: Gathered | None,
    inventory: Inventory,
    relation: Relation | None,
    *,
    each: bool,
) -> Iterable[Change | Unchanged]:
    """Return what is to become of each document: the decisions of a run."""
    name = given.collection.name
    known = relation.documents(name) if relation else ()
    refused = relation.refused(name) if relation else ()
    if rows:
        return rows.changes(each=each).compare(known, refused)
    apart = bool(relation and reading_apart(relation.ledger, name)) and may_start_processes()
    judge = Judge(setup.config, setup.manager, _nothing)
    fetcher = Fetcher(given, judge, setup.policy, setup.stop.event, _nothing, apart=apart)
    pairs = beside(pair(inventory, known), refused)
    return changes(pairs, fetcher, name, inventory.size, complete=inventory.is_complete, each=each)


def _say_what_is_sent(result: Plan, embedding: Embedding, estimate: Estimate) -> None:
    """Add what would be sent to the embedder, and whether that is more than the settings allow."""
    estimate.finish(result.collection)
    result.embedder, result.model = embedding.embedder.name, embedding.model.name
    result.host, result.texts, result.tokens = embedding.host, estimate.texts, estimate.tokens
    most = embedding.options.max_tokens
    if most is not None and estimate.tokens > most:
        result.too_much = str(too_many_tokens(embedding, estimate.tokens))


def _estimate(
    embedding: Embedding, record_type: RecordType, relation: Relation | None, config: BatchConfig
) -> Estimate:
    """Return what counts the texts that would be sent."""
    embedding.check(record_type, config)
    if relation is None:
        return Estimate(embedding, record_type, None)
    ask = partial(ask_vectors, relation.session.control, patiently=False)
    return Estimate(embedding, record_type, ask)


def _nothing(_event: object) -> None:
    """Tell nobody."""


def _count_unchanged(result: Plan, page: Unchanged) -> None:
    result.unchanged += page.documents
    result.unfetched += page.unfetched
    result.records_unchanged += page.records - page.rejected
    result.records_rejected += page.rejected


def _count(result: Plan, change: Change) -> None:
    if change.state != "left_out":
        setattr(result, change.state, getattr(result, change.state) + 1)
    version = change.version
    if version is None:
        return
    rejected = change.known.rejected if change.known else 0
    if change.state == "unchanged":
        result.unfetched += change.is_unfetched
        result.records_unchanged += version.records - rejected
        result.records_rejected += rejected
    elif change.state == "refused":
        result.records_rejected += version.records
    elif change.state == "deleted":
        result.records_removed += version.records - rejected
    else:
        result.records += version.records - len(change.refused_rows)
        result.size += version.size


class _Batches:
    """Counts the batches that documents make, cut as a writer cuts them."""

    def __init__(self, given: Input, limits: SinkLimits, record_type: RecordType) -> None:
        config, size = given.config, given.manager.batch_size
        self._records = self._documents = self._cut = 0
        self._sizer = Sizer.of(config, limits, record_type, size, lambda: self._records)
        self._assembler = Assembler()
        # other executors cut the input into partitions, each with batches of its own
        is_alone = given.executor == LOCAL and writer_count(config, limits) == 1
        self.exact = is_alone and config.batch_size is not None

    def add(self, work: Work) -> None:
        self._records += len(work.records)
        self._documents += 1
        if self._sizer.fixed is None:
            return
        self._assembler.add(work)
        while self._assembler.is_full(self._sizer.rows()):
            self._take()

    def count(self) -> int:
        if self._sizer.fixed is None:  # documents without records take a batch, too
            return max(ceil(self._records / self._sizer.rows()), min(1, self._documents))
        while self._assembler:
            self._take()
        return self._cut

    def _take(self) -> None:
        self._assembler.cut(self._sizer.rows(), self._sizer.limits.bytes)
        self._cut += 1
