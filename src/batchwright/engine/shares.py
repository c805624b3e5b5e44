"""A run as its executor sees it, and what comes back from the workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import count

from batchwright.contracts.events import BatchWritten, DocumentFinished, Event, StopRequested
from batchwright.contracts.executor import Execution
from batchwright.contracts.partition import Findings, Job, Message, Mishap, Partition, Share
from batchwright.contracts.receipts import DocumentVersion
from batchwright.engine.access import Access
from batchwright.engine.context import Context
from batchwright.engine.delivery.limit import RejectLimit
from batchwright.engine.pipeline import Loader
from batchwright.engine.reading.changes import pair
from batchwright.engine.reading.feed import published
from batchwright.engine.reading.inventory import Inventory
from batchwright.engine.reading.partitions import cut, partition_size
from batchwright.errors import ConfigError, PluginError
from batchwright.model import Batch, ProcessedChunk
from batchwright.version import __version__


class RunExecution(Execution):
    """A run, as its executor sees it.

    Args:
        context: What the run shares.
        access: The ways to the sink.
        inventory: The documents of the input.
        pending: Versions that earlier runs began.
        limit: From where on rejects are a flood.
        on_stored: Told of the ids of chunks that were written.
        on_mishap: Told of errors that workers classified.

    Attributes:
        findings: What came to light.
    """

    def __init__(
        self,
        context: Context,
        access: Access,
        *,
        inventory: Inventory,
        pending: list[DocumentVersion],
        limit: RejectLimit,
        on_stored: Callable[[list[str]], None],
        on_mishap: Callable[[int, str], None],
    ) -> None:
        self.stop = context.stop
        self.at_once = max(1, access.limits.writers // context.config.workers)
        self.findings = Findings()
        self._context = context
        self._access = access
        self._inventory = inventory
        self._pending = pending
        self._limit = limit
        self._on_stored = on_stored
        self._on_mishap = on_mishap
        self._handed_out: dict[int, _Relay] = {}
        self._indices = count()
        self._told_of_stop = False

    def load_here(self) -> None:
        """Load everything in this process, streamed."""
        inventory = self._inventory

        def stored(batch: Batch[ProcessedChunk]) -> None:
            self._on_stored([chunk.id for chunk in batch.documents])

        loader = Loader(
            self._context,
            self._access,
            limit=self._limit,
            expected=lambda: self._context.tally.expected(inventory.size),
            on_stored=stored,
        )
        try:
            loader.load(Partition(0, inventory.documents, inventory.size, inventory), self._pending)
        finally:
            self.findings = loader.findings()

    def job(self) -> Job:
        """Return what to send to the workers."""
        context = self._context
        config, name = context.config, context.config.executor
        instead = "load into a server, such as postgresql, or run with the executor 'local'"
        if self._access.limits.writers < 2:
            raise ConfigError(
                f"executor: {name!r} has several processes write, and the sink takes one writer; {instead}"
            )
        if self._access.beside is not None:
            raise ConfigError(
                f"executor: {name!r} has several machines write, and the sink keeps its ledger in a file "
                f"beside it; {instead}"
            )
        config = config.model_copy(update={"input_dir": config.input_dir.absolute()})
        return Job(config, context.manager.sources(), context.run_id, __version__)

    def partitions(self, at_once: int) -> Iterator[Partition]:
        """Cut the input into partitions."""
        pairs = pair(self._inventory, published(self._access.control))
        for partition in cut(pairs, partition_size(self._inventory.size, at_once)):
            if self.stop.event.is_set():
                self._tell_of_stop(StopRequested(self.stop.reason))
                return
            self._handed_out[partition.number] = _Relay(self._indices)
            yield partition

    def hear(self, partition: int, messages: Iterable[Message]) -> None:
        """Hand on what a worker told."""
        relay = self._handed_out.get(partition)
        if relay is None:
            return
        for message in messages:
            if isinstance(message, Mishap):
                self._on_mishap(relay.index(message.batch_index), message.text)
            elif isinstance(message, StopRequested):
                self._tell_of_stop(message)
            elif (event := relay.event(message)) is not None:
                if isinstance(event, BatchWritten):
                    self._context.tally.told(event.records, event.size)
                self._context.emit(event)

    def settle(self, share: Share) -> None:
        """Hand in what became of a partition."""
        self.hear(share.partition, share.messages)
        relay = self._handed_out.pop(share.partition, None)
        if relay is None:
            return
        self._context.tally.merge(share.account)
        mine, theirs = self.findings, share.findings
        self.findings = Findings(
            mine.found + theirs.found,
            mine.published + theirs.published,
            [*mine.gone, *theirs.gone],
            [*mine.begun, *theirs.begun],
        )
        self._on_stored(list(share.chunk_ids))
        self._limit.add(share.rejects)
        if share.state != "done":
            self.stop.request(share.reason, failed=share.state == "failed")
        elif self._limit.exceeded:
            self.stop.request(self._limit.exceeded, failed=True)

    def _tell_of_stop(self, event: StopRequested) -> None:
        """Tell of it once, whoever noticed first."""
        if not self._told_of_stop:
            self._told_of_stop = True
            self._context.emit(event)

    def check(self) -> None:
        """Check that every partition has its share, now that the executor is done.

        Raises:
            PluginError: The executor forgot some.
        """
        if self._handed_out and not self.stop.event.is_set():
            numbers = ", ".join(map(str, sorted(self._handed_out)))
            raise PluginError(
                f"the executor {self._context.config.executor!r} ended without a share of the partitions "
                f"{numbers}: a defect of that plugin"
            )


class _Relay:
    """What is known of a partition that is being loaded elsewhere."""

    def __init__(self, indices: Iterator[int]) -> None:
        self._indices = indices
        self._mine: dict[int, int] = {}
        self._finished: set[str] = set()

    def index(self, batch_index: int) -> int:
        """Return the run's index for one of the worker's batches."""
        if batch_index < 0:
            return batch_index
        if batch_index not in self._mine:
            self._mine[batch_index] = next(self._indices)
        return self._mine[batch_index]

    def event(self, event: Event) -> Event | None:
        """Return the event as the run's reporters are to hear it, or None: they have heard it."""
        if isinstance(event, DocumentFinished):
            if event.source_file in self._finished:
                return None
            self._finished.add(event.source_file)
        index = getattr(event, "batch_index", None)
        return event if index is None else replace(event, batch_index=self.index(index))  # type: ignore[call-arg]
