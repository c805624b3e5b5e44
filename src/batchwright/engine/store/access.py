"""What the clients of one process share on their way to its target."""

from __future__ import annotations

from batchwright.contracts.ledger import LedgerBeside
from batchwright.engine.judge import Judge
from batchwright.engine.setup import Setup
from batchwright.engine.store.breaker import Breaker
from batchwright.engine.store.pool import DatabasePool


class Access:
    """The way to a target's stores, for all threads of a process.

    Args:
        setup: Settings, what ends the work early, and where events go.
        judge: What classifies errors.
        pool: Where stores come from.
        who: Whose code the sink's is, in messages.

    Attributes:
        policy: Settings of delivery.
        stop: Ends the work early.
        wait: Seconds to wait for a run that has the collection, or a process that has the target.
        breaker: Holds all clients while the sink is down.
        beside: The ledger beside the sink, or None; known once the session is open.
        heard: When the sink last answered a heartbeat, by `time.monotonic`.
    """

    def __init__(self, setup: Setup, judge: Judge, pool: DatabasePool, who: str) -> None:
        self.policy, self.stop, self.wait = setup.policy, setup.stop, setup.config.wait
        self.judge, self.pool, self.who = judge, pool, who
        self.breaker = Breaker(
            setup.policy, setup.stop.event, setup.dispatcher.emit, judge.describe, judge.may_pass
        )
        self.beside: LedgerBeside | None = None
        self.heard = 0.0
