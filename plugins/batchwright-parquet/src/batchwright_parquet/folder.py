"""The folder of a sink, shared by all sinks of this process: turns for its writers, a lock for others.

The engine opens several sinks for one target (one to plan and account, one to write). They share one manifest
in memory. Another process may read at any time, and write whenever nobody else is in the middle of a write.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from batchwright import SinkError
from batchwright_parquet.layout import LOCK, OURS
from batchwright_parquet.leases import Leases
from batchwright_parquet.manifest import Manifest

_SLICE = 0.02  # seconds that a cancellation may go unheard while waiting


class FolderLocked(TimeoutError):
    """Another process is in the middle of a write, and does not come to its end.

    Attributes:
        holder: That process, in words; empty where it had no time to say who it is.
    """

    def __init__(self, root: Path, holder: str) -> None:
        who = holder or "another process"
        super().__init__(f"{who} is in the middle of a write into {root}; wait for it, or end it")
        self.holder = holder


class Folder:
    """One folder in this process.

    Attributes:
        root: The folder.
        manifest: Its manifest.
        users: Sinks that have it open.
        leases: Those of its collections.
    """

    def __init__(self, root: Path, *, durable: bool) -> None:
        self.root = root
        self.manifest = Manifest(root, durable=durable)
        self.users = 0
        self.leases = Leases(root)
        self._turn = threading.RLock()
        self._depth = 0
        self._was_there = False

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
            FolderLocked: Another process takes too long.
            TimeoutError: Another writer of this process does.
        """
        deadline = time.monotonic() + patience
        while not self._turn.acquire(timeout=_SLICE):
            check()
            if time.monotonic() >= deadline:
                raise TimeoutError(f"another writer kept {self.root} busy; raise busy_timeout")
        try:
            if self._depth:
                yield self.manifest
                return
            with self._locked(deadline, check):
                self._prepare()
                self._depth += 1
                try:
                    yield self.manifest
                finally:
                    self._depth -= 1
        finally:
            self._turn.release()

    def _prepare(self) -> None:
        manifest, fresh = self.manifest, not self._was_there
        if fresh:
            manifest.refresh()
            manifest.create()
        manifest.refresh()
        manifest.finish()
        if fresh:
            manifest.clean()
        self._was_there = True

    @contextmanager
    def _locked(self, deadline: float, check: Callable[[], None]) -> Iterator[None]:
        """Keep other processes from writing."""
        if self._was_there and not self.manifest.exists():
            raise SinkError(f"{self.root} was removed while it was open; run again to make it anew")
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
                        pid = os.read(descriptor, 20).decode("ascii", "replace").strip()
                        raise FolderLocked(self.root, f"process {pid}" if pid else "") from None
                time.sleep(_SLICE)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
            yield
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # a child that was forked meanwhile has it open, too
            os.close(descriptor)


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
    """Return it; nothing is kept of what nobody has open."""
    with _registry:
        folder.users -= 1
        if folder.users == 0:
            for key, known in list(_folders.items()):
                if known is folder:
                    del _folders[key]
