"""Leases: judging the one that somebody else holds, and waiting for it, or taking it over.

Whether a lease is live, dead or silent is decided here and nowhere else.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Literal, Protocol, TypeVar

from batchwright.contracts.lease import Lease, Owner, Patience
from batchwright.contracts.ledger import Ledger
from batchwright.engine.owner import has_ended
from batchwright.errors import CollectionBusy, RunInterrupted
from batchwright.values import dataclass

logger = logging.getLogger("batchwright")

Value = TypeVar("Value")

Standing = Literal["live", "doubtful", "silent", "dead"]
"""What a lease is. live: its owner works. doubtful: no heartbeat came lately; to be looked at again. silent:
none came since the look before. dead: its owner has ended, as everybody on its machine can see."""

_MOST_DEFEATS = 20
"""Times that others were quicker, one after the other, before that counts as busy."""

_given_up: set[str] = set()
"""Tokens of this process whose runs have ended, and which the ledger may still have."""


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """The times of leases, in seconds.

    Attributes:
        beat: Between two heartbeats.
        beat_timeout: For a heartbeat.
        young: A lease whose last heartbeat is younger is live.
        again: An older one is looked at again after this time; it is silent if nothing has changed.
        writes: A run waits so long for what programs are writing when it begins.
        in_flight: A takeover waits so long for what is being written, before it ends the writers.
        ending: And so long for those to end.
        poll: Between two looks while waiting for a live lease.
    """

    beat: float = 10.0
    beat_timeout: float = 10.0
    young: float = 60.0
    again: float = 15.0
    writes: float = 30.0
    in_flight: float = 5.0
    ending: float = 5.0
    poll: float = 0.5


class Looker:
    """Judges a lease, look after look.

    Args:
        me: The process that looks.
        times: How long to wait for heartbeats.
        clock: Seconds of a clock that nobody sets.
    """

    def __init__(self, me: Owner, times: LeaseTimes, clock: Callable[[], float] = time.monotonic) -> None:
        self._me = me
        self._times = times
        self._clock = clock
        self._seen = ("", 0)
        self._since = 0.0

    def look(self, lease: Lease) -> Standing:
        """Judge the lease as it is now."""
        if lease.token in _given_up or has_ended(lease.owner, self._me):
            return "dead"
        now, seen = self._clock(), (lease.token, lease.beat)
        if seen != self._seen:
            self._seen, self._since = seen, now
        if 0 <= lease.age < self._times.young:
            return "live"
        # also where the age is negative: somebody set the ledger's clock back
        return "silent" if now - self._since >= self._times.again else "doubtful"

    @property
    def until_next(self) -> float:
        """Seconds until another look at a doubtful lease can tell."""
        return max(0.0, self._since + self._times.again - self._clock())


class Ask(Protocol):
    """Asks the ledger, in good order: again after a transient fault."""

    def __call__(self, question: Callable[[Ledger], Value], /) -> Value:
        """Return the answer."""


class Waiting:
    """Getting a collection from whoever holds it.

    Args:
        ask: The way to the ledger.
        me: This process.
        times: How long to wait for what.
        stop: Ends a wait at once.
        clock: Seconds of a clock that nobody sets.
    """

    def __init__(
        self,
        ask: Ask,
        me: Owner,
        times: LeaseTimes,
        stop: threading.Event,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._me = me
        self._times = times
        self._stop = stop
        self._clock = clock

    def take(self, lease: Lease, wait: float) -> None:
        """Take the lease of a collection, once nobody has it any more.

        Args:
            lease: What is to be.
            wait: Seconds to wait for a live one.

        Raises:
            CollectionBusy: Somebody else has it.
            RunInterrupted: `stop` was set.
        """
        self._replace(lease.collection, lease, wait)

    def free(self, collection: str, wait: float) -> None:
        """Wait until nobody has the lease of a collection; remove one that is dead or silent. As `take`."""
        self._replace(collection, None, wait)

    def _replace(self, collection: str, new: Lease | None, wait: float) -> None:
        looker, end, defeats = Looker(self._me, self._times, self._clock), self._clock() + wait, 0
        while True:
            old = self._ask(lambda ledger: ledger.lease(collection))
            if old is None and new is None:
                return
            if old and new and old.token == new.token:  # taken, though nobody could say so
                return
            standing: Standing = "dead" if old is None else looker.look(old)
            if standing in ("dead", "silent"):
                if self._swap(collection, old, new):
                    if old is not None:
                        _tell_of_takeover(old, standing)
                    return
                defeats += 1
            if standing == "live" or defeats > _MOST_DEFEATS:
                left = end - self._clock()
                if left <= 0:
                    raise busy(old) if old else CollectionBusy(collection)
                pause = min(self._times.poll, left)
            elif standing == "doubtful":
                pause = looker.until_next
            else:
                pause = 0.0
            if self._stop.wait(pause):
                raise RunInterrupted(f"stopped while waiting for the collection {collection!r}")

    def _swap(self, collection: str, old: Lease | None, new: Lease | None) -> bool:
        times = self._times
        token, patience = None, Patience(times.writes)
        if old is not None:
            token, patience = old.token, Patience(times.in_flight, times.ending)
        return self._ask(lambda ledger: ledger.swap_lease(collection, token, new, patience))


def give_up(token: str) -> None:
    """Note that the run of this token has ended, whether the ledger could be told or not."""
    _given_up.add(token)


def forget(token: str) -> None:
    """Note that the ledger doesn't have the token any more."""
    _given_up.discard(token)


def busy(lease: Lease) -> CollectionBusy:
    """Return the error that says who has the collection."""
    return CollectionBusy(
        lease.collection, run_id=lease.run_id, held_by=str(lease.owner), since=lease.since, token=lease.token
    )


def _tell_of_takeover(old: Lease, standing: Standing) -> None:
    why = "has ended" if standing == "dead" else f"sent no heartbeat for {old.age:.0f} s"
    logger.warning(
        "the run %s (%s) of the collection %r %s; its place is taken",
        old.run_id,
        old.owner,
        old.collection,
        why,
    )
