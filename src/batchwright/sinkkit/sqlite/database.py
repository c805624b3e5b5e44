"""One connection to a database file, which several threads may share by taking turns."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import disk_usage
from typing import Protocol

from batchwright.errors import SinkError
from batchwright.sinkkit.sqlite.connection import Connection
from batchwright.sinkkit.sqlite.faults import NOT_WRITABLE, check_no_folder, explain, is_busy, is_unwritable
from batchwright.sinkkit.sqlite.read_only import is_for_reading, read_only_uri

_SLICE = 0.05  # seconds that SQLite itself waits for a lock, during which it ignores a cancellation
_OLDEST = (3, 24, 0)  # the first with ON CONFLICT … DO UPDATE
_PAGE_BYTES = (
    16_384  # of a new file: eight chunks a page; 1.5 times as fast as SQLite's 4,096 in large batches
)
_CACHE_KIB = 16_384
_WAL_BYTES = 64 * 1024 * 1024
"""From this size on the WAL is moved into the file: a page that many commits write is then written once."""

_WAL_PAGES, _SHARE_OF_ROOM = 1_000, 16
"""SQLite's own limit, which stays on a disk that has less than sixteen times as much room."""


class Schema(Protocol):
    """What a database file must contain."""

    def is_ready(self, connection: sqlite3.Connection) -> bool:
        """Tell whether all of it is there, without waiting for writers."""

    def create(self, connection: sqlite3.Connection) -> None:
        """Create what is missing, in the transaction that is open."""

    def check_dropped(self, connection: sqlite3.Connection) -> None:
        """Raise a `SinkError` where some of it is there, and what can't be made anew is not."""

    def touch(self, connection: sqlite3.Connection) -> None:
        """Write without changing anything, which fails where the file is read-only."""


class Database:
    """A connection in WAL mode, transactions on it, and a lock around them.

    Readers don't wait for a writer, nor a writer for readers; writers wait for each other.

    Args:
        path: The file.
        busy_timeout: Seconds to wait for others that write.
        synchronous: SQLite's setting.
        connection_type: What connects.
    """

    def __init__(
        self,
        path: Path,
        *,
        busy_timeout: float = 30.0,
        synchronous: str = "full",
        connection_type: type[Connection] = Connection,
    ) -> None:
        self.path = path
        self._connection_type = connection_type
        self._busy_timeout = busy_timeout
        self._synchronous = synchronous
        self._lock = threading.RLock()
        self._cancelled = threading.Event()
        self._connection: Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._read_only: str | None = None

    def open(self, schema: Schema, *, create: bool = True) -> None:
        """Connect, and create the file, its folder and the schema where they are missing.

        Args:
            schema: What the file must contain.
            create: Whether to create what is missing; without it, that is an error, and a file that can't be
                written to is opened for reading.

        Raises:
            SinkError: With what is wrong and what to do.
        """
        if sqlite3.sqlite_version_info < _OLDEST:
            raise SinkError(f"SQLite {sqlite3.sqlite_version} is too old; use a Python with 3.24 or newer")
        if not create and not self.path.exists():
            raise SinkError(f"there is no database {self.path}; load something into it first")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            check_no_folder(self.path)
        except OSError as error:
            reason = "it is a file" if isinstance(error, FileExistsError) else error.strerror
            raise SinkError(
                f"the folder {self.path.parent} can't be used: {reason}; choose another"
            ) from error
        if create and is_for_reading(self.path):  # SQLite would leave a log beside it
            raise SinkError(f"{self.path} {NOT_WRITABLE}")
        try:
            self._connect_anew(None if create else read_only_uri(self.path))
            with self.reading() as connection:
                self._check_encoding(connection)
                ready = schema.is_ready(connection)
                if not ready and not create:
                    schema.check_dropped(connection)
            if ready and create:
                self._check_writable(schema)
            elif not ready and not create:
                raise SinkError(
                    f"{self.path} lacks tables that belong to it; load into it again to create them"
                )
            elif not ready:
                with self.transaction() as connection:
                    schema.create(connection)
        except sqlite3.Error as error:
            self.close()
            raise SinkError(explain(error, self.path)) from error
        except BaseException:
            self.close()
            raise

    def _check_encoding(self, connection: sqlite3.Connection) -> None:
        (encoding,) = connection.execute("PRAGMA encoding").fetchone()
        if encoding != "UTF-8":  # hashes and the index are made of a text's bytes
            raise SinkError(f"{self.path} keeps its texts in {encoding}, not UTF-8; choose another file")

    @property
    def is_read_only(self) -> bool:
        """Whether it was opened for reading, since it can't be written to."""
        return self._read_only is not None

    @property
    def is_at_rest(self) -> bool:
        """Whether the connection is open and nobody uses it."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            return self._connection is not None and not self._connection.in_transaction
        finally:
            self._lock.release()

    def close(self) -> None:
        """Close the connection; may come more than once."""
        with self._lock:
            connection, self._connection = self._connection, None
            self._identity = None
            if connection is not None:
                connection.close()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Lend the connection, between transactions of other threads."""
        with self._lock:
            connection = self._opened()
            if not connection.in_transaction:
                self._cancelled.clear()
                self._patiently(lambda: connection.execute("PRAGMA schema_version"))
            try:
                yield connection
            except sqlite3.Error:
                if not connection.in_transaction:
                    connection.close_cursors()
                raise

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection as `reading`: all that is read is of one moment, whatever others commit."""
        with self.reading() as connection:
            if connection.in_transaction:
                yield connection
                return
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                self._roll_back(connection)

    @contextmanager
    def transaction(
        self, *, durable: bool = False, patience: float | None = None
    ) -> Iterator[sqlite3.Connection]:
        """Lend the connection in a write transaction; join the one that this thread is already in.

        Args:
            patience: Seconds to wait while others write; None for `busy_timeout`.
            durable: Whether the commit, and all before it, must survive a loss of power: the fsync covers the
                log of all connections.
        """
        with self._lock:
            connection = self._opened()
            if connection.in_transaction:
                yield connection
                return
            self._cancelled.clear()
            self._check_place()
            if durable:
                connection.execute("PRAGMA synchronous = full")
            try:
                self._patiently(lambda: connection.execute("BEGIN IMMEDIATE"), patience)
                yield connection
                self.check_cancelled()
                connection.execute("COMMIT")
            except BaseException as error:
                self._roll_back(connection)
                if self.is_read_only and isinstance(error, sqlite3.Error) and is_unwritable(error):
                    raise SinkError(explain(error, self.path)) from error
                raise
            finally:
                if durable and self._connection is connection:
                    connection.execute(f"PRAGMA synchronous = {self._synchronous}")

    def cancel(self) -> None:
        """Make a transaction that is under way in another thread end with SQLITE_INTERRUPT."""
        self._cancelled.set()
        connection = self._connection
        if connection is not None:
            with suppress(sqlite3.ProgrammingError):  # closed a moment ago
                connection.interrupt()

    def check_cancelled(self) -> None:
        """Raise as SQLite does when interrupted, which it forgets if that comes between two statements."""
        if self._cancelled.is_set():
            error = sqlite3.OperationalError("interrupted")
            error.sqlite_errorcode = sqlite3.SQLITE_INTERRUPT
            error.sqlite_errorname = "SQLITE_INTERRUPT"
            raise error

    def _opened(self) -> Connection:
        if self._connection is None:
            if self._identity is None:
                raise SinkError(f"{self.path} is not open; call open() first")
            self._check_place()
            self._patiently(self._connect)
        assert self._connection is not None  # noqa: S101 - _connect sets it
        return self._connection

    def _connect_anew(self, read_only: str | None) -> None:
        """Connect, unless there is a connection to the same file, and of the same kind, already."""
        if self._connection is not None:
            if self._read_only == read_only and self._is_in_place:
                return
            self.close()
        self._read_only = read_only
        self._patiently(self._connect)

    def _connect(self) -> None:
        uri = self._read_only
        connection = sqlite3.connect(
            uri or self.path,
            uri=uri is not None,
            timeout=_SLICE,
            isolation_level=None,
            check_same_thread=False,
            factory=self._connection_type,
            cached_statements=256,  # each of a ledger's for one row of values, two, four …,
        )
        try:
            if uri is None:
                connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
                # on a file system without it, the mode stays as it is
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute(f"PRAGMA synchronous = {self._synchronous}")
                ((page_bytes,),) = connection.execute("PRAGMA page_size").fetchall()
                most = min(_WAL_BYTES, disk_usage(self.path.parent).free // _SHARE_OF_ROOM)
                connection.execute(f"PRAGMA wal_autocheckpoint = {max(_WAL_PAGES, most // page_bytes)}")
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            self._identity = self._place()
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _patiently(self, action: Callable[[], object], patience: float | None = None) -> None:
        """Repeat `action` while the database is busy; a cancellation ends it."""
        deadline = time.monotonic() + (self._busy_timeout if patience is None else patience)
        while True:
            try:
                action()
            except sqlite3.OperationalError as error:
                if not is_busy(error) or time.monotonic() >= deadline:
                    raise
                self.check_cancelled()
                time.sleep(0.001)  # a database that is locked without patience (WAL recovery) answers at once
            else:
                return

    def _check_writable(self, schema: Schema) -> None:
        """Try to write; where somebody else is writing, there is no need to."""
        with self.reading() as connection:
            try:
                schema.touch(connection)
            except sqlite3.OperationalError as error:
                if not is_busy(error):
                    raise

    def _roll_back(self, connection: Connection) -> None:
        """Leave the transaction and ignore further errors: the one that led here is the one to raise."""
        with suppress(sqlite3.Error):
            connection.close_cursors()
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        if connection.in_transaction:
            connection.close()
            self._connection = None  # the next use connects again

    def _place(self) -> tuple[int, int]:
        status = self.path.stat()
        return status.st_dev, status.st_ino

    @property
    def _is_in_place(self) -> bool:
        try:
            return self._place() == self._identity
        except OSError:
            return False

    def _check_place(self) -> None:
        """Refuse to write into a file that nobody can find any more: SQLite would, and report success."""
        if not self._is_in_place:
            raise SinkError(
                f"{self.path} was removed or replaced while it was open; run again to use the new one"
            )
