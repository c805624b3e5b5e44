"""Holding leases: taking them, keeping them alive by heartbeats, and giving them back."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from batchwright.contracts.lease import Lease, Patience
from batchwright.contracts.ledger import Ledger
from batchwright.engine.lease import Waiting, forget, give_up
from batchwright.engine.owner import this_process
from batchwright.errors import LeaseLost

if TYPE_CHECKING:
    from batchwright.engine.session import Session

logger = logging.getLogger("batchwright")

_BEATS_WHEN_PARTING = 4
"""So many while the run would wait for a sink that says nothing."""


@contextmanager
def holding(session: Session, collections: Sequence[str], wait: float) -> Iterator[None]:
    """Hold the leases of collections: what the session writes to them carries the tokens.

    They are given back at the end, whatever happened.

    Args:
        session: The session, open.
        collections: The collections, which are there.
        wait: Seconds to wait for a run that has one.

    Raises:
        CollectionBusy: Another run has one.
        RunInterrupted: The session's `stop` was set while waiting.
    """
    me = session.policy.owner or this_process()
    since = datetime.now(UTC).isoformat(timespec="seconds")
    leases = [Lease(name, str(uuid4()), session.run_id, me, since) for name in sorted(collections)]
    ask = partial(session.control.ask, patiently=False)
    waiting = Waiting(ask, me, session.policy.leases, session.stop.event)
    try:
        for lease in leases:
            waiting.take(lease, wait)
            session.tokens[lease.collection] = lease.token
        with Heartbeat(session, *leases):
            yield
    finally:
        for lease in leases:
            give_up(lease.token)
            if session.tokens.pop(lease.collection, None):
                _give_back(session, lease)


class Heartbeat:
    """While it is entered, a thread notes in the ledger, at intervals, that the run goes on.

    Once the run is to end, and somebody waits patiently for that, it does so more often: it tells whether the
    sink still answers. It has a connection of its own. A heartbeat that can't be written is no outage: the
    next one may be. One that finds another token ends the run.

    Args:
        session: The run.
        leases: Its leases.
    """

    def __init__(self, session: Session, *leases: Lease) -> None:
        self._session = session
        self._leases = leases
        self._times = session.policy.leases
        self._ended, self._woken = threading.Event(), threading.Event()
        session.stop.on_request(self._wake)
        self._thread = threading.Thread(target=self._work, name="batchwright-heartbeat", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._woken.set()
        self._thread.join(self._times.beat_timeout)

    def _work(self) -> None:
        client = self._session.client()
        try:
            while not self._pause():
                try:
                    lost = client.ask_once(self._beat, self._times.beat_timeout)
                except Exception as error:  # noqa: BLE001 - whatever it is, the run itself notices what matters
                    logger.debug("a heartbeat could not be written: %s", self._session.describe(error))
                    continue
                self._session.access.heard = time.monotonic()
                if lost is not None and not self._ended.is_set():
                    self._session.stop.request(str(lost))
                    return
        finally:
            client.close()

    def _wake(self) -> None:
        if self._session.stop.patient:
            self._woken.set()

    def _pause(self) -> bool:
        """Wait until the next heartbeat is due, or it all ends; return whether it does."""
        if self._woken.is_set():
            return self._ended.wait(self._session.policy.parting / _BEATS_WHEN_PARTING)
        self._woken.wait(self._times.beat)
        return self._ended.is_set()

    def _beat(self, ledger: Ledger) -> LeaseLost | None:
        for lease in self._leases:
            if ledger.beat(lease.collection, lease.token):
                continue
            runs = ledger.runs(lease.collection, limit=1)
            others = [run.run_id for run in runs if run.run_id != lease.run_id]
            return LeaseLost(lease.collection, replaced_by="".join(others))
        return None


def _give_back(session: Session, lease: Lease) -> None:
    """Give the lease back; where that fails, others find its owner dead, or silent."""
    try:
        given = session.control.ask_once(
            lambda ledger: ledger.swap_lease(
                lease.collection, lease.token, None, Patience(session.policy.leases.in_flight)
            ),
            session.policy.patience,
        )
    except Exception as error:  # noqa: BLE001 - how the run ended is known, and matters more
        logger.warning(
            "the collection %r could not be released; the next run sees first that this one has ended: %s",
            lease.collection,
            session.describe(error),
        )
    else:
        forget(lease.token)
        if not given:
            logger.debug("the collection %r was taken over", lease.collection)
