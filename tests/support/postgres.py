"""A real Postgres for the tests: started, stopped, killed and restarted at will, gone when its owner is.

    PostgresTemplate   an initdb'd data folder, made once a session     → copied by every
    PostgresServer     `postgres` as a direct child, on 127.0.0.1 and on a unix socket
    Databases          what one can ask of any server: URLs, CREATE and DROP DATABASE

Durability is as shipped: fsync and full_page_writes stay on, so what a killed server keeps is what it owes. A
server that is never killed owes nothing to a disk, and runs without: `UNHARMED`.
"""

from __future__ import annotations

import contextlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self
from urllib.parse import quote, urlencode

import psutil

from tests.support.binaries import give_to
from tests.support.databases import Databases
from tests.support.template import ADMIN, PostgresTemplate, ServerFailed
from tests.support.watchdog import watch

__all__ = [
    "UNHARMED",
    "Databases",
    "PostgresServer",
    "PostgresTemplate",
    "ServerFailed",
    "StopMode",
    "free_port",
]

StopMode = Literal["smart", "fast", "immediate"]
_SIGNALS: dict[StopMode, signal.Signals] = {
    "smart": signal.SIGTERM,
    "fast": signal.SIGINT,
    "immediate": signal.SIGQUIT,
}
UNHARMED = {"fsync": "off", "full_page_writes": "off"}
"""Settings of a server that many tests share and all leave alone: a third less of the kernel's time."""

_PORTS = range(20_000, 32_000)  # below every system's ephemeral range: see free_port()


class PostgresServer(Databases):
    """A server of our own. Not started by making it; as a context manager, started and closed.

    Args:
        template: What to copy, and whose account and programs to use.
        settings: Postgres settings by name, `{"max_connections": "5"}`.

    Attributes:
        port: The same over every restart, so that URLs stay good.
        log: The file of its log, over every restart.
    """

    def __init__(self, template: PostgresTemplate, settings: Mapping[str, str] | None = None) -> None:
        self._template = template
        self._folder = Path(tempfile.mkdtemp(prefix="s", dir=template.folder))
        self._data = self._folder / "data"
        shutil.copytree(template.data, self._data)
        if template.account is not None:
            give_to(self._folder, template.account)
        self.log = self._folder / "log"
        self._settings = dict(settings or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._use(free_port())

    def _use(self, port: int) -> None:
        self.port = port
        super().__init__(f"postgresql://{ADMIN}:{self._template.password}@127.0.0.1:{port}/postgres")

    def socket_dsn(self, dbname: str = "postgres") -> str:
        """Returns the URL of a database through the unix socket."""
        where = urlencode({"host": str(self._folder), "port": self.port})
        return f"postgresql://{ADMIN}:{self._template.password}@/{quote(dbname, safe='')}?{where}"

    @property
    def pid(self) -> int | None:
        """The postmaster's process number; None while it isn't running."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self, timeout: float = 60) -> None:
        """Starts the server and returns once it takes connections.

        Args:
            timeout: Seconds to wait, recovery from a crash included.

        Raises:
            ServerFailed: It ended, or isn't ready in time.
        """
        if self.pid is not None:
            raise RuntimeError("the server is running: stop() it first")
        first_start = not self.log.exists()
        deadline = time.monotonic() + timeout
        for _ in range(10):
            begins = self.log.stat().st_size if self.log.exists() else 0
            self._launch()
            if self._is_ready(deadline):
                return
            ended = self.pid is None
            said = self._tail(begins)
            self._end()
            if not (ended and first_start and "Address already in use" in said):
                break
            self._use(free_port())
        why = "ended instead of starting" if ended else f"isn't ready after {timeout:g} s"
        raise ServerFailed(f"Postgres on port {self.port} {why}. Its log:\n{said}")

    def stop(self, mode: StopMode = "fast", timeout: float = 60) -> None:
        """Stops the server, in one of Postgres' own ways; does nothing when it isn't running.

        Args:
            mode: `smart` waits for clients to leave, `fast` sends them away, `immediate` crashes cleanly.
            timeout: Seconds to wait; then the server is killed.

        Raises:
            ServerFailed: It had to be killed.
        """
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(_SIGNALS[mode])
            try:
                process.wait(timeout)
            except subprocess.TimeoutExpired:
                said = self._tail(0)
                self.kill()
                raise ServerFailed(
                    f"Postgres didn't stop ({mode}) in {timeout:g} s. Its log:\n{said}"
                ) from None
        self._end()

    def kill(self) -> None:
        """Kills the postmaster with SIGKILL, then every process of its, and returns when all are gone.

        Backends are killed too since one can outlive its postmaster, and go on answering and writing.
        """
        family: list[psutil.Process] = []
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(psutil.Error):
                postmaster = psutil.Process(self._process.pid)
                postmaster.suspend()  # so that it starts no other child between the count and its end
                family = postmaster.children(recursive=True)
        self._end()
        for child in family:
            with contextlib.suppress(psutil.Error):
                child.kill()
        _wait_until_gone(family, timeout=30)

    def restart(self, mode: StopMode = "fast") -> None:
        """Stops the server, if it runs, and starts it on the same data and port."""
        self.stop(mode)
        self.start()

    def close(self) -> None:
        """Ends the server and removes all that it wrote. To be called once, whatever state it is in."""
        self.kill()
        self._free_shared_memory()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _launch(self) -> None:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self._folder),
            "dynamic_shared_memory_type": "mmap",  # in the data folder: a kill leaves nothing in /dev/shm
            "log_line_prefix": "%m [%p] %d ",
            **self._settings,
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        with self.log.open("ab") as log:
            self._process = self._template.spawn(
                [self._template.binaries / "postgres", "-D", self._data, *options], stdout=log.fileno()
            )
        self._watchdog = watch(self._process.pid, self._template.folder)

    def _is_ready(self, deadline: float) -> bool:
        """Waits for the word `ready` in postmaster.pid, as pg_ctl does; False when it won't come."""
        while time.monotonic() < deadline and self.pid is not None:
            with contextlib.suppress(FileNotFoundError):
                lines = (self._data / "postmaster.pid").read_text().splitlines()
                if len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready":
                    return True
            time.sleep(0.01)
        return False

    def _end(self) -> None:
        """Leaves neither postmaster nor watchdog, the watchdog last."""
        for process in (self._process, self._watchdog):
            if process is not None:
                process.kill()
                process.wait()
        self._process = self._watchdog = None

    def _free_shared_memory(self) -> None:
        """Frees the segment that a killed postmaster leaves (they are few: 4,096 on a machine)."""
        with contextlib.suppress(OSError, IndexError):
            key_and_number = (self._data / "postmaster.pid").read_text().splitlines()[6].split()
            subprocess.run(["ipcrm", "-m", key_and_number[1]], capture_output=True, timeout=10)

    def _tail(self, begins: int) -> str:
        with self.log.open("rb") as log:
            log.seek(max(begins, self.log.stat().st_size - 4000))
            return log.read().decode(errors="replace")


def free_port() -> int:
    """Returns a loopback port that nobody listens on.

    Not from the ephemeral range, where binding to port 0 finds them: a client that tries again and again
    while its server is down would one day be given that port itself, connect to itself, and keep it.
    """
    for port in random.SystemRandom().sample(_PORTS, 200):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError(f"200 ports between {_PORTS.start} and {_PORTS.stop} are all taken")


def _wait_until_gone(processes: list[psutil.Process], timeout: float) -> None:
    """Waits for the end of processes that aren't our children; an unreaped one has ended."""
    deadline = time.monotonic() + timeout
    for process in processes:
        while time.monotonic() < deadline:
            try:
                if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                    break
            except psutil.NoSuchProcess:
                break
            time.sleep(0.005)
        else:
            raise ServerFailed(f"process {process.pid} of Postgres outlived SIGKILL by {timeout:g} s")
