"""Two hosts and a switch between them, in network namespaces: the link can be cut without a word to anybody.

Each namespace belongs to a process that only sleeps, and goes with it, also where the test was killed. The
switch is a bridge in a namespace of its own: when it is down, both hosts still see a carrier, as they do
where a partition, a firewall or a power failure is behind the next switch. Nobody is sent anything.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

SERVER = "10.77.0.1"
CLIENT = "10.77.0.2"

_LONGEST = "900"  # seconds that a namespace is there, at most
_NEW_NETWORK = 0x40000000  # CLONE_NEWNET


class NoNetworks(Exception):
    """Namespaces can't be made here, for the reason that it says."""


class TwoHosts:
    """The hosts; `server` and `client` are the paths of their namespaces. Leaving its context removes all.

    Raises:
        NoNetworks: When it is entered.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        if (
            sys.platform != "linux"
            or os.geteuid() != 0
            or not all(map(shutil.which, ("ip", "unshare", "nsenter")))
        ):
            raise NoNetworks("needs root on Linux, ip, unshare and nsenter")
        with self._stack:
            server, client, switch = (self._namespace() for _ in range(3))
            self.server, self.client, self._switch = map(_path, (server, client, switch))
            _ip(self._switch, "link add switch type bridge")
            for name, pid, address in (("server", server, SERVER), ("client", client, CLIENT)):
                _ip(self._switch, f"link add {name} type veth peer name eth0 netns {pid}")
                _ip(self._switch, f"link set {name} master switch up")
                _ip(_path(pid), f"addr add {address}/24 dev eth0")
                _ip(_path(pid), "link set eth0 up")
                _ip(_path(pid), "link set lo up")
            self.mend()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def cut(self) -> None:
        """Let nothing through any more, either way."""
        _ip(self._switch, "link set switch down")

    def mend(self) -> None:
        """Let everything through again."""
        _ip(self._switch, "link set switch up")

    def _namespace(self) -> int:
        """Start a process with a network of its own; return its number."""
        sleeping = subprocess.Popen(["unshare", "--net", "sleep", _LONGEST], stderr=subprocess.DEVNULL)
        self._stack.callback(_end, sleeping)
        ours, deadline = Path(_path(os.getpid())).readlink(), time.monotonic() + 10
        while sleeping.poll() is None and time.monotonic() < deadline:
            if Path(_path(sleeping.pid)).readlink() != ours:
                return sleeping.pid
            time.sleep(0.005)
        raise NoNetworks("this system lets us make no namespaces")


@contextmanager
def inside(namespace: str) -> Iterator[None]:
    """Be in a network namespace with this thread; processes that it starts meanwhile stay there."""
    with Path(f"/proc/self/task/{threading.get_native_id()}/ns/net").open() as own:
        enter(namespace)
        try:
            yield
        finally:
            _enter(own.fileno())


def enter(namespace: str) -> None:
    """Go into a network namespace with this thread."""
    with Path(namespace).open() as there:
        _enter(there.fileno())


def _enter(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _NEW_NETWORK):
        raise OSError(ctypes.get_errno(), "setns")


def _path(pid: int) -> str:
    return f"/proc/{pid}/ns/net"


def _ip(namespace: str, order: str) -> None:
    done = subprocess.run(
        ["nsenter", f"--net={namespace}", "ip", *order.split()],
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    if done.returncode:
        raise NoNetworks(f"ip {order}: {done.stderr.strip()}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
