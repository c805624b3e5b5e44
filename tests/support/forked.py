"""Commands in processes of their own that need no import: forked from one that has everything loaded.

They can be killed and stopped as any other, and may have a hurried clock of leases, or pass for processes of
another machine.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from dataclasses import dataclass, replace
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any, Self

from batchwright.contracts.lease import Lease, Owner
from batchwright.engine.lease import LeaseTimes, Looker, Standing
from tests.support.command import Ended
from tests.support.two_hosts import enter
from tests.support.two_runs import wait_until

PATIENCE = 90.0
"""Seconds that a command may take."""

HURRIED = LeaseTimes(
    beat=0.1, beat_timeout=5.0, young=1.0, again=0.5, in_flight=0.5, ending=5.0, writes=5.0, poll=0.05
)
"""Times of leases for tests: a run that is stopped for two seconds is replaced."""

ELSEWHERE = Owner("elsewhere", 1, "another-boot", "pid:[1]", 1)
"""A process of another machine: nobody here can tell whether it goes on."""


@dataclass(frozen=True)
class Order:
    """What a command is to do.

    Attributes:
        arguments: Of `batchwright`.
        cwd: Where.
        environ: More of the environment.
        times: Of its leases.
        owner: Whom it passes for; None for itself.
        network: The path of the network namespace in which it runs; None for ours.
    """

    arguments: tuple[str, ...]
    cwd: Path
    environ: dict[str, str]
    times: LeaseTimes = HURRIED
    owner: Owner | None = None
    network: str | None = None


class Forked:
    """A command, begun. Leaving its context ends it."""

    def __init__(self, order: Order, out: Path) -> None:
        out.mkdir(parents=True)
        self._out = out
        self._process: ForkServerProcess = _context().Process(target=_obey, args=(order, out), daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        """Its number."""
        assert self._process.pid is not None
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it is still there."""
        if self._process.is_alive():
            os.kill(self.pid, number)

    def waits(self) -> None:
        """Wait until it has found a collection busy, and waits for it.

        Where the database is a file that one process opens, it waits for that, and finds nothing: so long.
        """
        end = time.monotonic() + 3
        wait_until(
            lambda: (self._out / "waits").exists() or time.monotonic() > end,
            "the command has found the collection busy",
        )

    def ended(self, timeout: float = PATIENCE) -> Ended:
        """Wait for its end."""
        self._process.join(timeout)
        code = self._process.exitcode
        assert code is not None, f"still going after {timeout} s: {self.said('err')}"
        return Ended(code, self.said("out"), self.said("err"))

    def said(self, stream: str) -> str:
        """Return what it wrote to `out` or `err` so far."""
        path = self._out / stream
        return path.read_text() if path.exists() else ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.is_alive():
            os.kill(self.pid, signal.SIGCONT)
            self._process.kill()
        self._process.join(30)


def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "tests.support.preloaded"])
    return context


def _obey(order: Order, out: Path) -> None:
    from batchwright.cli.main import execute
    from batchwright.engine.store.policy import DeliveryPolicy

    signal.alarm(round(PATIENCE))
    for number, stream in ((1, "out"), (2, "err")):
        descriptor = os.open(out / stream, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(descriptor, number)
    sys.stdout, sys.stderr = (open(number, "w", buffering=1, closefd=False) for number in (1, 2))  # noqa: SIM115
    os.chdir(order.cwd)
    if order.network is not None:
        enter(order.network)
    os.environ.update(order.environ)
    original = DeliveryPolicy.of

    def of(config: Any) -> DeliveryPolicy:
        return replace(original(config), leases=order.times, owner=order.owner)

    DeliveryPolicy.of = of  # type: ignore[method-assign]
    look = Looker.look

    def noting_look(looker: Looker, lease: Lease) -> Standing:
        standing = look(looker, lease)
        if standing == "live":
            (out / "waits").touch()
        return standing

    Looker.look = noting_look  # type: ignore[method-assign, assignment]
    code = execute(order.arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
