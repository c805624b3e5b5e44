"""How delivery goes about it: retries, deadlines, probes, and how much waits for one write."""

from __future__ import annotations

from dataclasses import field
from typing import Self

from batchwright.config import BatchConfig
from batchwright.contracts.lease import Owner
from batchwright.engine.lease import LeaseTimes
from batchwright.engine.store.retry import Schedule
from batchwright.values import dataclass


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """Settings of delivery; times are in seconds.

    Attributes:
        retries: When to try a call again.
        holds: Whether to wait for a sink that is down.
        farewell: When to try again to note how a run ended that is to end now.
        batch_timeout: For a batch with its retries, and for any other call; None for no end.
        max_outage: How long a sink may be down.
        first_probe: Before the first probe of an outage; each later wait is half as long again.
        slowest_probe: Between probes, at most.
        probe_timeout: For a probe.
        grace: For a cancelled call to end, before its connection is given up.
        parting: For a call to end once the run is to end, before it is cancelled.
        reaching: For a call that needs a new connection, once the run is to end.
        patience: For the ledger to say whether a batch is stored, once it is given up.
        at_once: Rejects, or documents without records, that wait for one write, at most.
        leases: The times of leases.
        owner: Who takes leases; None for this process.
    """

    retries: Schedule = field(default_factory=Schedule)
    holds: bool = True
    farewell: Schedule = field(default_factory=lambda: Schedule(max_retries=1, base=0.2))
    batch_timeout: float | None = None
    max_outage: float = 600.0
    first_probe: float = 0.5
    slowest_probe: float = 5.0
    probe_timeout: float = 10.0
    grace: float = 5.0
    parting: float = 10.0
    reaching: float = 3.0
    patience: float = 10.0
    at_once: int = 1_000
    leases: LeaseTimes = field(default_factory=LeaseTimes)
    owner: Owner | None = None

    @classmethod
    def of(cls, config: BatchConfig) -> Self:
        """Return what the settings say."""
        return cls(
            retries=Schedule(config.max_retries, cap=config.retry_cap, jitter=config.retry_jitter),
            batch_timeout=config.batch_timeout,
            max_outage=config.max_outage,
        )
