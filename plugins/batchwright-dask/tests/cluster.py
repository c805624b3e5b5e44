"""A real scheduler and its workers, each a process of its own on the loopback."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from distributed import Client

from tests.support.postgres import free_port

PATIENCE = 90.0
"""Seconds that a process may take to be there, on a busy machine."""


class Member:
    """A process of the cluster: its output goes to a file, and it is ended by its own number."""

    def __init__(self, name: str, folder: Path, arguments: list[str], environ: Mapping[str, str]) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=folder,
                env={**os.environ, "PYTHONWARNINGS": "default", **environ},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        """What it has said."""
        return self.log.read_text("utf-8", errors="replace")

    def kill(self) -> None:
        """End it with SIGKILL."""
        self.process.kill()
        self.process.wait(30)


class Cluster:
    """A scheduler, and workers of one thread without a nanny: a killed one stays dead.

    Args:
        folder: Of the logs and of what Dask keeps in files.
        environ: For all of its processes.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._environ = {
            # faster than by default, so that tests are
            "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "10s",
            "DASK_TEMPORARY_DIRECTORY": str(folder),
            **(environ or {}),
        }
        self._started = 0
        port = free_port()
        self.address = f"tcp://127.0.0.1:{port}"
        self.members: list[Member] = []
        self.scheduler = self._start(
            "scheduler",
            ["distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"],
            {},
        )
        self.workers: list[Member] = []

    def start_worker(self, environ: Mapping[str, str] | None = None) -> Member:
        """Start a worker; `wait` tells when it is there."""
        name = f"worker{self._started}"
        self._started += 1
        options = ["--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--no-dashboard", "--name", name]
        worker = self._start(
            name, ["distributed.cli.dask_worker", self.address, *options], dict(environ or {})
        )
        self.workers.append(worker)
        return worker

    def client(self) -> Client:
        """Return a connection of the test's own."""
        return Client(self.address, set_as_default=False, timeout=PATIENCE)

    def wait(self) -> None:
        """Wait until those workers are there that should be, and no others."""
        wanted = {worker.name for worker in self.workers}
        deadline = time.monotonic() + PATIENCE
        with self.client() as client:
            while names_of(client).keys() != wanted:
                assert time.monotonic() < deadline, f"{names_of(client).keys()} are there, not {wanted}"
                time.sleep(0.05)

    def complete(self, number: int = 2) -> None:
        """Have so many workers, in place of those that were killed."""
        self.workers = [worker for worker in self.workers if worker.process.poll() is None]
        for worker in self.workers[number:]:
            worker.kill()
        del self.workers[number:]
        while len(self.workers) < number:
            self.start_worker()
        self.wait()

    def kill_busy(self, client: Client) -> Member:
        """Kill a worker that is loading a partition."""
        addresses = {address: name for name, address in names_of(client).items()}
        busy = [addresses[address] for address, keys in client.processing().items() if keys]
        victim = next(worker for worker in self.workers if worker.name in busy)
        self.workers.remove(victim)
        victim.kill()
        return victim

    @property
    def output(self) -> str:
        """What all of its processes have said."""
        return "".join(member.output for member in self.members)

    def _start(self, name: str, arguments: list[str], environ: Mapping[str, str]) -> Member:
        member = Member(name, self._folder, arguments, {**self._environ, **environ})
        self.members.append(member)
        return member

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for member in reversed(self.members):
            member.kill()


def names_of(client: Client) -> dict[str, str]:
    """Return the addresses of the workers by their names."""
    workers = client.scheduler_info(n_workers=-1)["workers"]
    return {worker["name"]: address for address, worker in workers.items()}
