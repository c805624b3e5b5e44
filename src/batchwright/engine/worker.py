"""Loading a partition in a process of an executor's: what `Executor` plugins run on their workers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

from batchwright.config import BatchConfig
from batchwright.contracts.failure import Decision, Failure
from batchwright.contracts.partition import Findings, Job, Message, Mishap, Partition, Share
from batchwright.contracts.stop import Stop
from batchwright.engine.access import Access
from batchwright.engine.context import Context
from batchwright.engine.delivery.breaker import OutageTooLong
from batchwright.engine.delivery.limit import RejectLimit
from batchwright.engine.judge import decide
from batchwright.engine.pipeline import Loader
from batchwright.engine.tally import Tally
from batchwright.errors import BatchwrightError, ConfigError, RunInterrupted, SinkError
from batchwright.model import Batch, ProcessedChunk
from batchwright.plugins.manager import PluginManager
from batchwright.secrets import describe
from batchwright.version import __version__

TELL_EVERY = 0.2
"""Seconds between two messages to the driver, at least."""


def load_partition(
    job: Job, partition: Partition, *, tell: Callable[[Sequence[Message]], None], stop: Stop
) -> Share:
    """Load a partition into the sink, in this process, with plugins and connections of its own.

    It may have been loaded before, in part or whole, by a worker that died: what is stored is found in the
    ledger, accounted for as the run's own, and not written again.

    Args:
        job: What the driver says of the run.
        partition: Which.
        tell: Sends messages to the driver, every 0.2 seconds at most; the last ones come with the share.
            What is lost costs the driver's reporters some progress, nothing else.
        stop: Request it to have the partition end early.

    Raises:
        ConfigError: This machine has another version of batchwright, no such directory, or no such sink.
        PluginError: A plugin is broken.
        SinkError: The target can't be opened.
    """
    _check(job)
    # an executor's process may not be allowed processes of its own
    config = job.config.model_copy(update={"readers": 1})
    manager = PluginManager.load(job.plugins, config.disable_plugins)
    teller = _Teller(tell)
    tally = Tally()

    def classified(error: Exception, attempt: int, batch: Batch[Any]) -> Decision:
        failure = Failure(error, batch, attempt, batch.metadata.get("phase", "write"))
        decision = decide(failure, config, manager)
        text = f"{type(error).__name__}: {context.message(error)}"
        teller.add(Mishap(batch.batch_index, text))
        return decision

    context = Context(
        config,
        manager=manager,
        run_id=job.run_id,
        session=f"{job.run_id}/{uuid4().hex[:12]}",  # another attempt's batches are other batches
        emit=teller.add,
        decide=classified,
        stop=stop,
        tally=tally,
    )
    manager.hide(context.secrets)
    try:
        return _load(context, partition, teller)
    except BatchwrightError:
        raise
    except Exception as error:  # noqa: BLE001 - it may hold what can't be sent, or must not be shown
        raise SinkError(f"{type(error).__name__}: {describe(error, context.secrets)}") from None


def _load(context: Context, partition: Partition, teller: _Teller) -> Share:
    chunk_ids: list[str] = []

    def stored(batch: Batch[ProcessedChunk]) -> None:
        chunk_ids.extend(chunk.id for chunk in batch.documents)

    limit = RejectLimit(_own_limit(context.config), lambda: 0)
    findings: Callable[[], Findings] = Findings
    try:
        with Access(context, patient=True) as access:
            loader = Loader(
                context,
                access,
                limit=limit,
                expected=lambda: context.tally.expected(partition.size),
                on_stored=stored,
                on_earlier=chunk_ids.extend,
            )
            findings = loader.findings
            loader.load(partition, access.control.first(lambda ledger: ledger.pending()))
    except (OutageTooLong, RunInterrupted) as error:
        context.stop.request(str(error))
    stop = context.stop
    state = "done" if not stop.event.is_set() else "failed" if stop.failed else "interrupted"
    return Share(
        partition.number,
        context.tally.account(),
        findings(),
        tuple(chunk_ids),
        limit.count,
        state,
        stop.reason,
        tuple(teller.rest()),
    )


def _check(job: Job) -> None:
    if job.version != __version__:
        raise ConfigError(
            f"the worker has batchwright {__version__}, the driver {job.version}; install the same on both"
        )
    if not job.config.input_dir.is_dir():
        raise ConfigError(
            f"the worker has no directory {job.config.input_dir}; have every worker see the documents there"
        )


def _own_limit(config: BatchConfig) -> float | None:
    """Return how many rejects end the partition; a share of all records is for the driver to judge."""
    limit = config.max_rejects
    return None if limit is not None and 0 < limit < 1 else limit


class _Teller:
    """Sends messages in groups, so that there are few of those."""

    def __init__(self, tell: Callable[[Sequence[Message]], None]) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._waiting: list[Message] = []
        self._told = time.monotonic()

    def add(self, message: Message) -> None:
        """Send the message soon: with one that comes later, or with the share."""
        with self._lock:
            self._waiting.append(message)
            if time.monotonic() - self._told < TELL_EVERY:
                return
            messages, self._waiting = self._waiting, []
            self._told = time.monotonic()
            self._tell(messages)

    def rest(self) -> list[Message]:
        """Return what was not sent."""
        with self._lock:
            messages, self._waiting = self._waiting, []
            return messages
