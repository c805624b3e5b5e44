"""Loading a partition in a process of an executor's: what `Executor` plugins run on their workers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from uuid import uuid4

from batchwright.config import BatchConfig, secrets_of
from batchwright.contracts.account import DocumentState
from batchwright.contracts.events import EndState, Event
from batchwright.contracts.partition import Findings, Job, Partition, Share
from batchwright.contracts.records import CHUNK
from batchwright.contracts.reporter import Reporter, ReporterOptions
from batchwright.contracts.stop import Stop
from batchwright.engine.dispatch import Dispatcher
from batchwright.engine.fitness import plugins_for
from batchwright.engine.pipeline import Pipeline
from batchwright.engine.reading.fetching import Fetcher
from batchwright.engine.reading.input import Input
from batchwright.engine.reading.partition_changes import begun_in, changes_in
from batchwright.engine.reject_limit import RejectLimit
from batchwright.engine.session import Session
from batchwright.engine.setup import Setup
from batchwright.engine.store.breaker import OutageTooLong
from batchwright.engine.store.policy import DeliveryPolicy
from batchwright.engine.tally import Tally
from batchwright.errors import (
    BatchwrightError,
    ConfigError,
    PluginError,
    RunInterrupted,
    SinkError,
    WorkerUnfit,
)
from batchwright.plugins.foreign import Foreign
from batchwright.plugins.manager import PluginManager
from batchwright.secrets import describe

REPORT_EVERY = 0.2
"""Seconds between two reports to the driver, at least."""


def load_partition(
    job: Job,
    partition: Partition,
    *,
    report: Callable[[Sequence[Event]], None],
    stop: Stop,
    report_every: float = REPORT_EVERY,
) -> Share:
    """Load a partition into the sink, in this process, with plugins and connections of its own.

    It may have been loaded before, in part or whole, by a worker that died: what is stored is found in the
    ledger, accounted for as the run's own, and not written again.

    Args:
        job: What the driver says of the run.
        partition: Which.
        report: Sends events to the driver; the last ones come with the share. What is lost costs the
            driver's reporters some progress, nothing else.
        stop: Request it to have the partition end early.
        report_every: Seconds between two reports, at least.

    Raises:
        WorkerUnfit: This process can't load the run: it has another version of batchwright, not the plugins,
            not the documents, or no access to the target. Give the partition to another, and this one
            nothing more; `check_worker` finds most of it beforehand.
        SinkError: The target failed.
    """
    manager = plugins_for(job)
    try:
        with Foreign("a plugin, on the worker,", SinkError):
            return _load(job, partition, manager, _Reporter(report, job.each_document, report_every), stop)
    except (ConfigError, PluginError) as error:  # the driver could begin with the same settings
        raise WorkerUnfit(describe(error, secrets_of(job.config))) from None
    except BatchwrightError:
        raise
    except Exception as error:  # noqa: BLE001 - it may hold what can't be sent, or must not be shown
        said = describe(error, secrets_of(job.config))
        raise SinkError(f"{type(error).__name__}: {said}") from None


def _load(job: Job, partition: Partition, manager: PluginManager, reporter: _Reporter, stop: Stop) -> Share:
    # an executor's process may not be allowed processes of its own
    config = job.config.model_copy(update={"readers": 1})
    chunk_ids: list[str] = []
    setup = Setup(
        config,
        manager,
        DeliveryPolicy.of(config),
        Dispatcher([reporter], tally=Tally(partition.size, embeds=config.embedder is not None)),
        stop,
        chunk_ids.extend,
    )
    session = Session(
        setup,
        record_type=CHUNK,
        run_id=job.run_id,
        attempt=f"{uuid4().hex[:12]}/",  # another attempt's batches are other batches
        limit=_own_limit(config),
    )
    if job.token is not None:
        session.tokens[session.collection] = job.token  # the driver keeps it alive
    if session.embedding is not None:
        session.embedding.share(partition.beside)
    given = Input.of(config, manager)
    fetcher = Fetcher(given, session.judge, session.policy, stop.event, setup.dispatcher.emit)
    pipeline = Pipeline(session)
    findings = Findings()
    try:
        with closing(given), _opened(session):
            try:
                pending = session.control.ask(lambda ledger: ledger.pending(session.collection))
                found = changes_in(partition, session, fetcher, pipeline.note_outdated)
                pipeline.load(found, begun_in(partition, pending))
            finally:
                findings = pipeline.findings()
    except (OutageTooLong, RunInterrupted) as error:
        stop.request(str(error))
    state: EndState = "done" if not stop.event.is_set() else "failed" if stop.failed else "interrupted"
    return Share(
        partition.number,
        session.dispatcher.tally.account(),
        findings,
        tuple(chunk_ids),
        session.limit.count,
        state,
        stop.reason,
        tuple(reporter.rest()),
        manager.faults(),
    )


def _opened(session: Session) -> Session:
    """Open the target, which the driver could do: an error is the worker's."""
    try:
        return session.open(patiently=True)
    except SinkError as error:
        raise WorkerUnfit(f"it has no access to the target: {error}", may_pass=True) from None


def _own_limit(config: BatchConfig) -> RejectLimit:
    """Return how many rejects end the partition; a share of all records is for the driver to judge."""
    most = config.max_rejects
    return RejectLimit(None if most is not None and 0 < most < 1 else most)


class _Reporter(Reporter[ReporterOptions]):
    """Sends events in groups, so that there are few of those."""

    name = "driver"

    def __init__(
        self,
        report: Callable[[Sequence[Event]], None],
        each_document: frozenset[DocumentState],
        every: float,
    ) -> None:
        super().__init__(ReporterOptions())
        self.each_document = each_document
        self._report = report
        self._every = every
        self._lock = threading.Lock()
        self._waiting: list[Event] = []
        self._reported = time.monotonic()

    def handle(self, event: Event) -> None:
        """Send the event soon: with one that comes later, or with the share."""
        with self._lock:
            self._waiting.append(event)
            if time.monotonic() - self._reported < self._every:
                return
            events, self._waiting = self._waiting, []
            self._reported = time.monotonic()
            self._report(events)

    def rest(self) -> list[Event]:
        """Return what was not sent."""
        with self._lock:
            events, self._waiting = self._waiting, []
            return events
