"""The folder of a sink, shared by all sinks of this process: turns for its writers, a lock for others.

The engine opens several sinks for one target (one to plan and account, one to write). They share one manifest
in memory. Another process may read at any time; it may write once nobody here has the folder open any more.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from batchwright import CollectionBusy, Lease, SinkError
from batchwright_parquet.layout import LOCK, OURS
from batchwright_parquet.manifest import Manifest

_SLICE = 0.02  # seconds that a cancellation may go unheard while waiting


class Folder:
    """One folder in this process.

    Attributes:
        root: The folder.
        manifest: Its manifest.
        users: Sinks that have it open.
        leases: Of collections. Nobody else has any: other processes can't write meanwhile.
        last: The run that had the last lease of a collection.
    """

    def __init__(self, root: Path, *, durable: bool) -> None:
        self.root = root
        self.manifest = Manifest(root, durable=durable)
        self.users = 0
        self.leases: dict[str, Lease] = {}
        self.last: dict[str, str] = {}
        self._turn = threading.RLock()
        self._depth = 0
        self._lock: int | None = None

    @contextmanager
    def reading(self) -> Iterator[Manifest]:
        """Lend the manifest as it is now, between the writes of other threads."""
        with self._turn:
            if not self._depth:
                self.manifest.refresh()
            yield self.manifest

    @contextmanager
    def writing(self, patience: float, check: Callable[[], None] = lambda: None) -> Iterator[Manifest]:
        """Lend the manifest for a commit, what the last one left undone being done; join the outer one.

        Raises:
            CollectionBusy: Another process writes.
            TimeoutError: Another writer of this process takes too long.
        """
        deadline = time.monotonic() + patience
        while not self._turn.acquire(timeout=_SLICE):
            check()
            if time.monotonic() >= deadline:
                raise TimeoutError(f"another writer kept {self.root} busy; raise busy_timeout")
        try:
            if not self._depth:
                self._prepare(deadline, check)
            self._depth += 1
            try:
                yield self.manifest
            finally:
                self._depth -= 1
        finally:
            self._turn.release()

    def close(self) -> None:
        """Let other processes write."""
        with self._turn:
            lock, self._lock = self._lock, None
            if lock is not None:
                os.close(lock)

    def _prepare(self, deadline: float, check: Callable[[], None]) -> None:
        manifest = self.manifest
        if self._lock is not None and not manifest.exists():
            raise SinkError(f"{self.root} was removed while it was open; run again to make it anew")
        fresh = self._lock is None
        if fresh:
            self._acquire(deadline, check)
            manifest.refresh()
            manifest.create()
        manifest.refresh()
        manifest.finish()
        if fresh:
            manifest.clean()

    def _acquire(self, deadline: float, check: Callable[[], None]) -> None:
        (self.root / OURS).mkdir(parents=True, exist_ok=True)
        path = self.root / LOCK
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    check()
                    if time.monotonic() >= deadline:
                        holder = os.read(descriptor, 20).decode("ascii", "replace").strip()
                        raise CollectionBusy(
                            held_by=f"process {holder}",
                            message=f"{self.root} is being written by another process (PID {holder}); wait "
                            f"until it is done, then run again",
                        ) from None
                time.sleep(_SLICE)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        except BaseException:
            os.close(descriptor)
            raise
        self._lock = descriptor


_folders: dict[tuple[int, str], Folder] = {}
_registry = threading.Lock()


def borrow(root: Path, *, durable: bool) -> Folder:
    """Return this process's hold on a folder; `give_back` it in the end."""
    key = os.getpid(), os.path.realpath(root)  # a forked child must not use its parent's lock
    with _registry:
        folder = _folders.get(key)
        if folder is None:
            folder = _folders[key] = Folder(root, durable=durable)
        folder.users += 1
        return folder


def give_back(folder: Folder) -> None:
    """Return it; the last one to do so lets other processes write."""
    with _registry:
        folder.users -= 1
        if folder.users == 0:
            for key, known in list(_folders.items()):
                if known is folder:
                    del _folders[key]
            folder.close()
