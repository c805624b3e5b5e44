"""A run as its executor sees it, and what comes back from the workers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import count
from operator import methodcaller
from typing import TYPE_CHECKING

from batchwright.config import secrets_of
from batchwright.config.source_url import STDIN
from batchwright.contracts.events import Event, StopRequested
from batchwright.contracts.executor import AnyExecutor, Execution
from batchwright.contracts.partition import Findings, Job, Partition, Share
from batchwright.contracts.receipts import DocumentVersion
from batchwright.engine.fitness import needed_plugins, sample_of
from batchwright.engine.pipeline import Pipeline
from batchwright.engine.reading.changes import Difference
from batchwright.engine.reading.fetching import Fetcher
from batchwright.engine.reading.inventory import Inventory
from batchwright.engine.reading.pairs import pair
from batchwright.engine.reading.partition_changes import begun_in, changes_in
from batchwright.engine.reading.partitions import cut, partition_size
from batchwright.engine.reading.published import published, refused_versions
from batchwright.engine.session import Session
from batchwright.errors import ConfigError, ExecutorError, PluginError
from batchwright.plugins.foreign import Foreign, is_own
from batchwright.version import __version__

if TYPE_CHECKING:
    from batchwright.engine.rows.gather import Gathered
    from batchwright.engine.rows.row_changes import RowChanges


class RunExecution(Execution):
    """A run, as its executor sees it.

    Args:
        session: The run.
        inventory: The items of the input.
        fetcher: Fetches them.
        pending: Versions that earlier runs began.
        rows: The rows of the items; None where these are documents.

    Attributes:
        inventory, rows: As given.
        findings: Differences between the input and the published documents.
        row_changes: What became of rows; None where documents are loaded.
    """

    def __init__(
        self,
        session: Session,
        inventory: Inventory,
        fetcher: Fetcher,
        pending: list[DocumentVersion],
        rows: Gathered | None,
    ) -> None:
        self.stop = session.stop
        self.at_once = max(1, session.limits.writers // session.config.workers)
        self.findings = Findings()
        self._session = session
        self.inventory = inventory
        self._fetcher = fetcher
        self._pending = pending
        self.rows = rows
        self.row_changes: RowChanges | None = None
        self._loading: dict[
            int, dict[int, int]
        ] = {}  # of each partition elsewhere: the run's index of its batches
        self._indices = count()
        self._begun = self._stop_relayed = False

    @property
    def documents(self) -> int:
        """How many documents, or rows, are to be loaded."""
        return self.inventory.documents if self.rows is None else self.rows.scan.rows

    def load_here(self) -> None:
        """Load everything in this process, streamed."""
        self._begin()
        partition = self._everything()
        self._check_tokens()
        pipeline = Pipeline(self._session)
        found: Iterable[Difference]
        try:
            if self.rows is None:
                found = changes_in(partition, self._session, self._fetcher, pipeline.note_outdated)
            else:
                found = self._row_changes(self.rows, pipeline)
            pipeline.load(found, begun_in(partition, self._pending))
        finally:
            self.findings = pipeline.findings()

    def _check_tokens(self) -> None:
        """Refuse to send more tokens than the settings allow; all is read for that, and read again then.

        Raises:
            ConfigError: They would be more.
        """
        session, embedding = self._session, self._session.embedding
        if embedding is None or embedding.options.max_tokens is None:
            return
        from batchwright.engine.embedding.asking import ask_vectors  # most runs need none
        from batchwright.engine.embedding.embedding import too_many_tokens
        from batchwright.engine.embedding.estimate import Estimate

        estimate = Estimate(embedding, session.record_type, partial(ask_vectors, session.control))
        found: Iterable[Difference]
        if self.rows is None:
            found = changes_in(self._everything(), session, self._fetcher, lambda _: None)
        else:
            there = session.control, session.collection
            found = self.rows.changes().compare(published(*there), refused_versions(*there))
        for change in found:
            if self.stop.event.is_set():
                return
            estimate.add(change)
        estimate.finish(session.collection)
        if estimate.tokens > embedding.options.max_tokens:
            raise too_many_tokens(embedding, estimate.tokens)

    def _everything(self) -> Partition:
        """Return the whole input as a partition."""
        found = self.inventory
        return Partition(0, found.documents, found.size, found, complete=found.is_complete)

    def _row_changes(self, rows: Gathered, pipeline: Pipeline) -> Iterator[Difference]:
        there = self._session.control, self._session.collection
        each = "unchanged" in self._session.dispatcher.each_document
        self.row_changes = rows.changes(each=each, on_outdated=pipeline.note_outdated)
        by_item = partial(self._session.control.ask, methodcaller("by_item", self._session.collection))
        return self.row_changes.compare_together(published(*there), refused_versions(*there), by_item)

    def job(self) -> Job:
        """Return what to send to the workers."""
        session = self._session
        config, name = session.config, session.config.executor
        instead = "load into a server, such as postgresql, or run with the executor 'local'"
        if session.limits.writers < 2:
            raise ConfigError(
                f"executor: {name!r} has several processes write, and the sink takes one writer; {instead}"
            )
        if config.source_url == STDIN:
            raise ConfigError(
                f"executor: {name!r} has other processes read, which have another standard input"
            )
        if session.access.beside is not None:
            raise ConfigError(
                f"executor: {name!r} has several machines write, and the sink keeps its ledger in a file "
                f"beside it; {instead}"
            )
        if session.embedding is not None:
            from batchwright.engine.embedding.canary import compare  # most runs need none

            self._check_tokens()
            compare(session, session.embedding)  # once for all workers
        # a worker may have another working directory
        given = {"source": config.source_url, "collection": session.collection}
        config = config.model_copy(update=given)
        return Job(
            config,
            session.manager.extra(),
            session.run_id,
            __version__,
            session.dispatcher.each_document,
            session.tokens.get(session.collection),
            needed_plugins(
                session.manager, session.sink_name, self._fetcher.input.source.name, config.embedder
            ),
            sample_of(self.inventory, self.inventory.documents, self._fetcher.input),
        )

    def partitions(self, at_once: int) -> Iterator[Partition]:
        """Cut the input into partitions."""
        self._begin()
        pairs = pair(self.inventory, published(self._session.control, self._session.collection))
        size = partition_size(self.inventory.size, max(1, at_once))
        for partition in cut(pairs, size, complete=self.inventory.is_complete):
            if self.stop.event.is_set():
                self._relay_stop(StopRequested(self.stop.reason))
                return
            self._loading[partition.number] = {}
            yield replace(partition, beside=max(1, min(at_once, self.at_once)))

    def relay(self, partition: int, events: Iterable[Event]) -> None:
        """Pass on what a worker reported."""
        indices = self._loading.get(partition)
        if indices is None:
            return
        for event in events:
            if isinstance(event, StopRequested):
                self._relay_stop(event)
            else:
                self._session.dispatcher.relay(self._renumbered(event, indices))

    def settle(self, share: Share) -> None:
        """Add the share of a partition to the run."""
        self.relay(share.partition, share.events)
        if self._loading.pop(share.partition, None) is None:
            return
        self._session.dispatcher.tally.merge(share.account)
        self._session.manager.note_elsewhere(share.plugins)
        mine, theirs = self.findings, share.findings
        self.findings = Findings(
            mine.found + theirs.found,
            mine.published + theirs.published,
            [*mine.gone, *theirs.gone],
            [*mine.begun, *theirs.begun],
        )
        self._session.on_stored(list(share.chunk_ids))
        limit = self._session.limit
        limit.add(share.rejects)
        if share.state != "done":
            self.stop.request(share.reason, failed=share.state == "failed")
        elif limit.exceeded:
            self.stop.request(limit.exceeded, failed=True)

    @contextmanager
    def loaded_by(self, executor: AnyExecutor) -> Iterator[None]:
        """While the executor loads the run, and then a check that it did.

        Raises:
            ExecutorError: The executor can't have the work done, or raised what it must not.
            PluginError: It forgot a partition, or loaded documents twice.
        """
        who = f"the executor {executor.name!r}"
        foreign = not is_own(type(executor))
        with Foreign(who, ExecutorError, whatever=foreign, secrets=secrets_of(self._session.config)):
            yield
        if foreign and not self.stop.event.is_set():
            self._check(who)

    def _check(self, who: str) -> None:
        if self._loading:
            numbers = ", ".join(map(str, sorted(self._loading)))
            raise PluginError(
                f"{who} ended without a share of the partitions {numbers}: a defect of that plugin"
            )
        found, wanted = self.findings.found, self.documents
        if found < wanted:
            raise PluginError(f"{who} loaded {found:,} of {wanted:,} documents: a defect of that plugin")

    def _begin(self) -> None:
        """Note that loading begins.

        Raises:
            PluginError: It had begun; all would be counted twice.
        """
        if self._begun:
            name = self._session.config.executor
            raise PluginError(f"the executor {name!r} loads the run a second time: a defect of that plugin")
        self._begun = True

    def _relay_stop(self, event: StopRequested) -> None:
        """Pass on that the run is to stop, once, whoever noticed first."""
        if not self._stop_relayed:
            self._stop_relayed = True
            self._session.dispatcher.relay(event)

    def _renumbered(self, event: Event, indices: dict[int, int]) -> Event:
        """Return the event with the run's index in place of the worker's index of a batch."""
        index = getattr(event, "batch_index", None)
        if index is None:
            return event
        if index not in indices:
            indices[index] = next(self._indices)
        return replace(event, batch_index=indices[index])
