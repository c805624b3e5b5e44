"""A database file, open once in this process, and the sessions that share it.

DuckDB lets one process write, with any number of connections inside it. The engine opens several stores of
one target (one to plan and account, one to write), so the file's handle is shared: by path, counted, closed
with the last session. Writers in the process take turns; readers never wait.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from batchwright import CollectionBusy, SinkError
from batchwright_duckdb.faults import explain, holder, is_locked

_SLICE = 0.02  # seconds that a cancellation may go unheard while waiting for a turn

Settings = dict[str, str | bool | int | float | list[str]]


class Instance:
    """The one handle on a file in this process.

    Attributes:
        path: The file.
        turn: Held by the session that writes.
        users: Sessions that share the handle.
        lost: Whether DuckDB declared the handle invalid; then it is of no more use to anybody.
    """

    def __init__(self, path: Path, settings: Settings, patience: float) -> None:
        self.path = path
        self.turn = threading.RLock()
        self.users = 0
        self.lost = False
        self._root = _connect(path, settings, patience)
        self._place = _place(path)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Return a connection of one's own."""
        return self._root.cursor()

    def give_up(self) -> None:
        """Close a handle that DuckDB declared invalid; who opens the file next gets a new one."""
        self.lost = True
        _forget(self)
        self.close()

    def close(self) -> None:
        """Close the handle, and with it all connections: one that stayed would hold the file's lock."""
        with suppress(duckdb.Error):
            self._root.close()

    def check_place(self) -> None:
        """Refuse to write into a file that nobody can find any more: DuckDB would, and report success."""
        if _place(self.path) != self._place:
            raise SinkError(
                f"{self.path} was removed or replaced while it was open; run again to use the new one"
            )


_instances: dict[tuple[int, str], Instance] = {}
_registry = threading.RLock()


def borrow(path: Path, settings: Settings, patience: float) -> Instance:
    """Return this process's handle on a file, opened where it isn't; `give_back` it in the end.

    Raises:
        CollectionBusy: Another process has the file.
        SinkError: With what is wrong and what to do.
    """
    key = os.getpid(), os.path.realpath(path)  # a forked child must not use its parent's
    with _registry:
        instance = _instances.get(key)
        if instance is None:
            instance = _instances[key] = Instance(path, settings, patience)
        instance.users += 1
        return instance


def is_open(path: Path) -> bool:
    """Tell whether this process has the file open."""
    return (os.getpid(), os.path.realpath(path)) in _instances


def give_back(instance: Instance) -> None:
    """Return a handle; the last one to do so closes it."""
    with _registry:
        instance.users -= 1
        if instance.users == 0:
            _forget(instance)
            instance.close()


def _forget(instance: Instance) -> None:
    with _registry:
        for key, known in list(_instances.items()):
            if known is instance:
                del _instances[key]


class Session:
    """A connection of its own, transactions on it, and a lock around them: threads take turns."""

    def __init__(self, path: Path, settings: Settings, patience: float) -> None:
        self.path = path
        self._patience = patience
        self._lock = threading.RLock()
        self._cancelled = threading.Event()
        self._writing = False
        self._instance: Instance | None = borrow(path, settings, patience)
        self._cursor: duckdb.DuckDBPyConnection | None = None

    def close(self) -> None:
        """Let go; may come more than once."""
        instance, self._instance = self._instance, None
        cursor, self._cursor = self._cursor, None
        if cursor is not None:
            with suppress(duckdb.Error):
                cursor.close()
        if instance is not None:
            give_back(instance)

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Lend the connection; outside of a transaction it sees what is committed."""
        with self._lock:
            if not self._writing:
                self._cancelled.clear()
            with self._noticing():
                yield self._connection()

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Lend the connection in a transaction of its own; join the one that this thread is in already."""
        with self._lock:
            if self._writing:
                yield self._connection()
                return
            self._cancelled.clear()
            instance = self._opened()
            with self._turn(instance), self._noticing():
                instance.check_place()
                connection = self._connection()
                connection.begin()
                self._writing = True
                try:
                    yield connection
                    self.check_cancelled()
                    connection.commit()
                except BaseException:
                    self._roll_back(connection)
                    raise
                finally:
                    self._writing = False

    def cancel(self) -> None:
        """Make what is under way in another thread end with InterruptException."""
        self._cancelled.set()
        cursor = self._cursor
        if cursor is not None:
            with suppress(duckdb.Error):  # closed a moment ago
                cursor.interrupt()

    def check_cancelled(self) -> None:
        """Raise as DuckDB does when interrupted, which it forgets if that comes between two statements."""
        if self._cancelled.is_set():
            raise duckdb.InterruptException("interrupted")

    @contextmanager
    def _turn(self, instance: Instance) -> Iterator[None]:
        deadline = time.monotonic() + self._patience
        while not instance.turn.acquire(timeout=_SLICE):
            self.check_cancelled()
            if time.monotonic() >= deadline:
                raise TimeoutError(f"another writer kept {instance.path} busy; raise busy_timeout")
        try:
            yield
        finally:
            instance.turn.release()

    @contextmanager
    def _noticing(self) -> Iterator[None]:
        """Give the handle up where DuckDB says that it is of no more use: the engine opens a new store.

        Raises:
            ConnectionError: DuckDB says so, now or to another session before.
        """
        try:
            yield
        except duckdb.Error as error:
            instance = self._opened()
            if isinstance(error, duckdb.FatalException):
                instance.give_up()
            if instance.lost:
                raise ConnectionError(f"DuckDB gave {instance.path} up; it is opened anew") from error
            raise

    def _connection(self) -> duckdb.DuckDBPyConnection:
        if self._cursor is None:
            self._cursor = self._opened().cursor()
        return self._cursor

    def _opened(self) -> Instance:
        if self._instance is None:
            raise SinkError("the store is closed; open the sink again")
        return self._instance

    def _roll_back(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Leave the transaction, whatever it takes: the error that led here is the one to tell of."""
        try:
            connection.rollback()
        except duckdb.Error:
            with suppress(duckdb.Error):
                connection.close()  # which rolls back as well
            self._cursor = None


def _place(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _connect(path: Path, settings: Settings, patience: float) -> duckdb.DuckDBPyConnection:
    deadline = time.monotonic() + patience
    while True:
        try:
            return duckdb.connect(str(path), config=settings)
        except duckdb.Error as error:
            if not is_locked(error):
                raise SinkError(explain(error, path)) from error
            if time.monotonic() >= deadline:
                raise CollectionBusy(held_by=holder(error), message=explain(error, path)) from error
        time.sleep(_SLICE)
