"""A real pgbouncer in front of a server, in transaction mode: each transaction may have another session.

It is started where it is installed (`apt-get install pgbouncer`), under root as `nobody`: it refuses root.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

import psycopg

from tests.support.binaries import give_to, server_account
from tests.support.databases import Databases
from tests.support.postgres import free_port
from tests.support.watchdog import watch

_PATIENCE = 20.0  # seconds

_CONFIGURATION = """
[databases]
* = host={host} port={port} user={user} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
max_client_conn = 100
query_wait_timeout = 60
logfile = {folder}/log
pidfile = {folder}/pid
"""


def find_pgbouncer() -> str | None:
    """Return the program; None where it is not installed."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")


class Pooler(Databases):
    """A pgbouncer; as a context manager, started and ended. Its URLs lead through it.

    Args:
        server: What it stands in front of.
        size: Sessions of a database.
        mode: After what a session is another client's.

    Attributes:
        size: The same.
    """

    def __init__(self, server: Databases, size: int = 1, mode: str = "transaction") -> None:
        self._behind = urlsplit(server.dsn())
        self.size = size
        self._mode = mode
        self._folder = Path(tempfile.mkdtemp(prefix="bouncer-", dir="/tmp"))
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None
        super().__init__(f"postgresql://anybody@127.0.0.1:{self._port}/postgres")

    def __enter__(self) -> Self:
        program = find_pgbouncer()
        assert program is not None
        behind, account = self._behind, server_account()
        configuration = self._folder / "pgbouncer.ini"
        configuration.write_text(
            _CONFIGURATION.format(
                host=behind.hostname,
                port=behind.port or 5432,
                user=unquote(behind.username or ""),
                password=unquote(behind.password or ""),
                own_port=self._port,
                mode=self._mode,
                size=self.size,
                folder=self._folder,
            )
        )
        configuration.chmod(0o600)
        if account is not None:
            give_to(self._folder, account)
        self._process = subprocess.Popen(
            [program, "-q", configuration],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )
        self._watchdog = watch(self._process.pid, self._folder)
        try:
            self._wait_until_ready()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                psycopg.connect(self.dsn(), connect_timeout=5).close()
            except psycopg.OperationalError as error:
                ended = self._process is not None and self._process.poll() is not None
                if ended or time.monotonic() > deadline:
                    log = self._folder / "log"
                    said = log.read_text() if log.exists() else "nothing"
                    raise RuntimeError(f"pgbouncer does not start: {error}; its log: {said}") from error
                time.sleep(0.05)
            else:
                return

    def _end(self) -> None:
        for process in (self._process, self._watchdog):
            if process is not None:
                process.send_signal(signal.SIGKILL)
                process.wait()
        self._process = self._watchdog = None
        shutil.rmtree(self._folder, ignore_errors=True)
