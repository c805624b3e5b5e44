"""The workers of the cluster: which of them may load the run."""

from __future__ import annotations

import logging
import pickle
import time
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from batchwright import ExecutorError, Job
from distributed import Client, Future

from batchwright_dask import tasks
from batchwright_dask.lost import address_of, outcome, scheduler_needed
from batchwright_dask.options import DaskOptions
from batchwright_dask.tasks import Unfit

LOOK_EVERY = 1.0
"""Seconds between two looks at which workers there are."""

CHECK_AGAIN = 5.0
"""Seconds until a worker without access to the target is checked again."""

GRACE = 5.0
"""Seconds to wait for a fit worker, or for more of them, while a cluster starts."""

FETCH = 5.0
"""Seconds that fetching an answer may take; it lies in the memory of the worker that gave it."""

logger = logging.getLogger("batchwright.dask")


@dataclass(slots=True)
class _Worker:
    """A worker.

    Attributes:
        threads: Tasks that it runs at the same time.
        check: The check that it has been asked for.
        unfit: Why it gets nothing of the run.
        since: When that was found.
    """

    threads: int
    check: Future[Any] | None = None
    unfit: Unfit | None = None
    since: float = field(default_factory=time.monotonic)

    @property
    def is_fit(self) -> bool:
        return self.check is None and self.unfit is None


class Workers:
    """Keeps a list of the workers, and has each checked before it gets anything of the run."""

    def __init__(self, client: Client, job: Job, options: DaskOptions) -> None:
        self._client = client
        self._job = job
        self._options = options
        self._workers: dict[str, _Worker] = {}
        self._looked = 0.0
        self._checks = count()
        self._warned: set[str] = set()
        self._seen_fit = time.monotonic()

    @property
    def there(self) -> list[str]:
        """The addresses of all that there are."""
        return list(self._workers)

    @property
    def fit(self) -> list[str]:
        """The addresses of those that may load the run."""
        return [address for address, worker in self._workers.items() if worker.is_fit]

    @property
    def places(self) -> int:
        """How many partitions they load at the same time."""
        return sum(worker.threads for worker in self._workers.values() if worker.is_fit)

    @property
    def are_being_checked(self) -> bool:
        """Whether more of them may turn out to be fit soon."""
        return any(worker.check is not None for worker in self._workers.values())

    def look(self) -> None:
        """Take note of workers that came and went, and of what was found out about them.

        Raises:
            ExecutorError: None can load the run, or there has been none for too long.
        """
        now = time.monotonic()
        if now - self._looked >= LOOK_EVERY:
            self._looked = now
            self._take_note(now)
        for address, worker in self._workers.items():
            if worker.check is not None and worker.check.done():
                self._settle(address, worker, worker.check)
        if self.fit:
            self._seen_fit = now
        else:
            self._wait_no_longer(now - self._seen_fit)

    def exclude(self, unfit: Unfit) -> None:
        """Give the worker nothing more of the run."""
        worker = self._workers.get(unfit.address)
        if worker is not None:
            worker.check, worker.unfit, worker.since = None, unfit, time.monotonic()
        if unfit.address not in self._warned:
            self._warned.add(unfit.address)
            logger.warning("the worker %s gets nothing of this run: %s", unfit.address, unfit.reason)

    def _take_note(self, now: float) -> None:
        with scheduler_needed(self._client):
            there = self._client.nthreads()
        for address in self._workers.keys() - there.keys():
            del self._workers[address]
        for address, threads in there.items():
            worker = self._workers.setdefault(address, _Worker(0))
            is_new, worker.threads = not worker.threads, threads
            passing = worker.unfit is not None and worker.unfit.may_pass and now - worker.since > CHECK_AGAIN
            if is_new or passing:
                worker.check = self._asked(address)

    def _asked(self, address: str) -> Future[Any]:
        key = f"batchwright-{self._job.run_id}-check-{next(self._checks)}"
        with scheduler_needed(self._client):
            return self._client.submit(pickle.load, tasks.parcel(self._job), key=key, workers=[address])

    def _settle(self, address: str, worker: _Worker, check: Future[Any]) -> None:
        worker.check, worker.since = None, time.monotonic()
        if check.cancelled():  # the worker went, or the scheduler: whoever needs it next says so
            worker.threads = 0
            return
        try:
            error, answer = outcome(check, FETCH)
        except TimeoutError:  # it died before it was asked: if it is there, it is checked again
            worker.threads = 0
            return
        if error is not None:
            reason = f"{type(error).__name__}: {error}"
            if isinstance(error, ImportError):
                reason += "; install the same batchwright and plugins on every worker"
            answer = Unfit(address, reason)
        worker.unfit = None
        if answer is not None:
            self.exclude(answer)

    def _wait_no_longer(self, seconds: float) -> None:
        """Raise an ExecutorError if no worker has been fit for so many seconds, and that is too long."""
        unfit = [worker.unfit for worker in self._workers.values() if worker.unfit is not None]
        hopeless = unfit and len(unfit) == len(self._workers) and not any(one.may_pass for one in unfit)
        if seconds > (min(GRACE, self._options.worker_timeout) if hopeless else self._options.worker_timeout):
            if unfit:
                reasons = "; ".join(f"{one.address}: {one.reason}" for one in unfit[:5])
                more = f"; and {len(unfit) - 5} more" if len(unfit) > 5 else ""
                raise ExecutorError(f"no worker of the cluster can load this run: {reasons}{more}")
            raise ExecutorError(
                f"the cluster has had no worker for {self._options.worker_timeout:g} s "
                f"(executors.dask.worker_timeout); start some with `dask worker "
                f"{address_of(self._client)} --nthreads 1`, and run again to go on"
            )
