"""A data folder fresh from initdb, and what every server made from it shares."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests.support.binaries import find_binaries, give_to, server_account, within_reach

ADMIN = "postgres"
_SOCKET_PATH_LIMIT = 103  # the kernels' limits are 108 (Linux) and 104 (macOS), with the closing NUL


class ServerFailed(RuntimeError):
    """The server didn't start or stop in time; the message ends with what its log says."""


class PostgresTemplate:
    """A data folder fresh from initdb, from which servers are made by copying (0.1 s instead of 0.6 s).

    Attributes:
        folder: Everything of this template and of its servers lies below; short, so that socket paths fit.
        binaries: Where `postgres` is, reachable by `account`.
        account: Whom the servers run as; None for ourselves.
        password: Of the superuser `postgres`.
    """

    def __init__(self, binaries: Path | None = None) -> None:
        found = binaries if binaries is not None else find_binaries()
        self.account = server_account()
        self.folder = _short_folder()
        self.password = secrets.token_hex(12)
        try:
            if self.account is not None:
                os.chown(self.folder, self.account.pw_uid, self.account.pw_gid)
            self.binaries = within_reach(found, self.account, self.folder)
            self._initialize()
        except BaseException:
            self.close()
            raise

    @property
    def data(self) -> Path:
        """The pristine data folder; no server ever runs on it."""
        return self.folder / "template"

    def _initialize(self) -> None:
        secret = self.folder / "password"
        secret.write_text(self.password)
        secret.chmod(0o600)
        if self.account is not None:
            give_to(self.folder, self.account)
        options = [
            "--locale=C",
            "--encoding=UTF8",
            "--auth=scram-sha-256",
            f"--username={ADMIN}",
            "--no-sync",
        ]
        initdb = self.spawn(
            [self.binaries / "initdb", f"--pgdata={self.data}", f"--pwfile={secret}", *options],
            stdout=subprocess.PIPE,
        )
        try:
            said, _ = initdb.communicate(timeout=120)
        finally:
            initdb.kill()  # does nothing once it has ended
            initdb.wait()
        secret.unlink()
        if initdb.returncode != 0:
            raise ServerFailed(f"initdb failed with {initdb.returncode}:\n{said.decode(errors='replace')}")

    def spawn(self, command: Sequence[Path | str], stdout: int) -> subprocess.Popen[bytes]:
        """Starts a program of the server's as its account, away from our environment and terminal."""
        account = self.account
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env={"LC_ALL": "C", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C is for pytest, which then stops the server in order
            user=account.pw_uid if account is not None else None,
            group=account.pw_gid if account is not None else None,
            extra_groups=[] if account is not None else None,
        )

    def close(self) -> None:
        """Removes the folder and all in it; stop the servers first."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _short_folder() -> Path:
    """Makes a folder that leaves room for a socket's name, in the temporary folder or else in /tmp."""
    name = len("/bw-12345678/s12345678/.s.PGSQL.12345")
    usual = tempfile.gettempdir()
    account = server_account()
    fits = len(os.fsencode(usual)) + name <= _SOCKET_PATH_LIMIT
    return Path(tempfile.mkdtemp(prefix="bw-", dir=usual if fits and account is None else "/tmp"))
