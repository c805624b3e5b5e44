"""One connection, and how another thread cancels what it does."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from psycopg import conninfo, errors, pq, sql
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format, TransactionStatus

from batchwright.builtin.postgres import faults
from batchwright.builtin.postgres.encoding import BinaryArray, ColumnType
from batchwright.builtin.postgres.narrow import ServerEncoding
from batchwright.builtin.postgres.opening import KEEPALIVES, USER_TIMEOUT, Opening
from batchwright.builtin.postgres.options import PostgresOptions
from batchwright.builtin.postgres.refusal import sqlstate_of
from batchwright.contracts.records import relation_of
from batchwright.errors import ConfigError, SinkError
from batchwright.secrets import ADVICE, secrets_in

_CANCEL_TIMEOUT = 2.0  # seconds

# A server that is gone without a word is noticed as soon as it notices us to be gone.
_LIVENESS = {"keepalives": 1, **KEEPALIVES, "tcp_user_timeout": USER_TIMEOUT}


class ArrayDumper(Dumper):
    """Hands a `BinaryArray` on as it is. One of them a type: psycopg asks the dumper for the type."""

    format = Format.BINARY

    def __init__(self, cls: type, context: Any = None, type_: ColumnType | None = None) -> None:
        super().__init__(cls, context)
        if type_ is not None:
            self.oid = type_.array_oid

    def get_key(self, obj: BinaryArray, format: Any) -> tuple[type, ...]:  # noqa: A002
        """Return a key for each type."""
        return (BinaryArray, obj.type)  # type: ignore[return-value]

    def upgrade(self, obj: BinaryArray, format: Any) -> ArrayDumper:  # noqa: A002
        """Return the dumper of the array's type."""
        return ArrayDumper(BinaryArray, None, obj.type)

    def dump(self, obj: BinaryArray) -> Buffer:
        """Return the array's binary form."""
        return obj.data


class Database:
    """A connection to the target, as the options say. Once it is lost, it stays lost.

    Args:
        options: The options.
        batch_timeout: Seconds that a write may take; the server ends one in whose middle it hears nothing for
            so long. None leaves that to the server's settings.
        reached: Whether the target was connected to before: a refusal may then be an outage.

    Attributes:
        opening: How its transactions are opened.

    Raises:
        SinkError: Connecting failed for a mistake.
        ConnectionError: Connecting failed for what may pass.
    """

    def __init__(
        self, options: PostgresOptions, batch_timeout: float | None = None, *, reached: bool = False
    ) -> None:
        self._options = options
        self._reached = reached
        self._batch_timeout = batch_timeout
        self._secrets = secrets_in(options.url.get_secret_value())
        self._connection, self.opening = self._connect()
        self._open = True

    @property
    def user(self) -> str:
        """The role we are, quoted, as far as is known."""
        known = "" if self._connection.closed else self._connection.info.user
        return sql.Identifier(known).as_string(None) if known else "the user"

    @property
    def encoding(self) -> ServerEncoding:
        """The encoding of the database."""
        known = None if self._connection.closed else self._connection.info.parameter_status("server_encoding")
        return ServerEncoding.of(known)

    def another(self) -> Database:
        """Return another connection to the same target. Raises as making one does."""
        return Database(self._options, self._batch_timeout, reached=True)

    def close(self) -> None:
        """Close the connection; may come more than once."""
        self._open = False
        self._connection.close()

    @contextlib.contextmanager
    def reading(self) -> Iterator[psycopg.Connection[Any]]:
        """Lend the connection for queries, in a transaction where settings are given. Raises as `lent`."""
        with self.transaction() if self.opening.given else self.lent() as connection:
            yield connection

    @contextlib.contextmanager
    def lent(self) -> Iterator[psycopg.Connection[Any]]:
        """Lend the connection, in autocommit or in the transaction that is open; leave no other behind.

        Raises:
            SinkError: It was closed.
            ConnectionError: It was lost, now or before.
        """
        connection = self._connection
        if not self._open:
            raise SinkError("the store is closed; open another")
        if connection.closed:
            raise ConnectionError("the connection to Postgres was lost before; open another store")
        status = connection.info.transaction_status
        try:
            yield connection
        except psycopg.Error as error:
            if faults.is_fatal(error) or connection.pgconn.status == pq.ConnStatus.BAD:
                connection.close()
                raise faults.losing(error, self._secrets) from error
            faults.advise(error, error)
            raise
        finally:
            if status != TransactionStatus.INTRANS:
                self._settle()

    @contextlib.contextmanager
    def transaction(self, *, snapshot: bool = False) -> Iterator[psycopg.Connection[Any]]:
        """Lend the connection in a transaction; within one, join that.

        Args:
            snapshot: Whether all that is read is of one moment, whatever others commit.

        Raises:
            SinkError: Nothing may be written; or as `lent`.
            ConnectionError: As `lent`.
        """
        with self.lent() as connection:
            if connection.info.transaction_status == TransactionStatus.INTRANS:
                yield connection
                return
            try:
                with connection.transaction():
                    if snapshot:
                        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                    connection.execute(self.opening.settings)
                    yield connection
            except errors.ReadOnlySqlTransaction as error:
                raise faults.read_only(error) from error

    def cancel(self) -> None:
        """End what another thread is doing here. Takes `_CANCEL_TIMEOUT` at most."""
        connection = self._connection
        if connection.closed:
            return
        try:
            connection.cancel_safe(timeout=_CANCEL_TIMEOUT)
        except psycopg.Error:
            _hang_up(connection)

    def _settle(self) -> None:
        """Bring the connection back to where a transaction can begin, or let go of it."""
        connection = self._connection
        status = connection.info.transaction_status
        if status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
            with contextlib.suppress(psycopg.Error):
                connection.rollback()
            status = connection.info.transaction_status
        if status != TransactionStatus.IDLE:
            connection.close()

    def _connect(self) -> tuple[psycopg.Connection[Any], Opening]:
        parameters = _parameters(self._options)
        try:
            # psycopg prepares nothing: behind a pooler the next transaction may have another server process.
            connection = psycopg.Connection[Any].connect(
                parameters, autocommit=True, prepare_threshold=None, cursor_factory=psycopg.RawCursor
            )
        except psycopg.Error as error:
            raise faults.connecting(
                error, self._secrets, lambda: sqlstate_of(parameters), reached=self._reached
            ) from error
        connection.adapters.register_dumper(BinaryArray, ArrayDumper)
        connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED  # of `connection.transaction()`
        try:
            return connection, Opening.of(connection, self._options, self._batch_timeout)
        except psycopg.Error as error:
            connection.close()
            raise faults.connecting(error, self._secrets, reached=self._reached) from error


def identity(options: PostgresOptions) -> str:
    """Return what names the target, wherever its parts were given; without user and password.

    Raises:
        ConfigError: As when connecting.
    """
    defaults = {
        option.keyword.decode(): option.val.decode()
        for option in pq.Conninfo.get_defaults()
        if option.val is not None
    }
    given = {**defaults, **conninfo.conninfo_to_dict(_parameters(options))}
    place, port, name = (
        given.get("host") or given.get("hostaddr") or "",
        given.get("port"),
        given.get("dbname"),
    )
    query = urlencode({"schema": options.schema_name, "table": relation_of(options.table, None)})
    return f"postgresql://{place}:{port}/{quote(str(name or given.get('user') or ''))}?{query}"


def _parameters(options: PostgresOptions) -> str:
    """Return libpq's parameters.

    Raises:
        ConfigError: The URL can't be understood. It is not shown, nor is what libpq says of it: parts of a
            password may be anywhere in a URL that is wrong.
    """
    try:
        given = conninfo.conninfo_to_dict(options.url.get_secret_value())
    except psycopg.Error as error:
        known = 'invalid URI query parameter: "'
        said = str(error).partition(known)[2].partition('"')[0]
        what = f"no parameter {said!r} is known" if said.isidentifier() else "it can't be understood"
        raise ConfigError(f"the target's URL is wrong: {what}; {ADVICE}") from None
    if "@" in str(given.get("host", "")) or not str(given.get("port") or "0").replace(",", "").isdigit():
        raise ConfigError(f"the target's URL is wrong: host or port can't be understood; {ADVICE}")
    ours: dict[str, Any] = {
        **_LIVENESS,
        "connect_timeout": options.connect_timeout,
        "application_name": options.application_name,
    }
    return conninfo.make_conninfo("", **{**ours, **given, "client_encoding": "UTF8"})


def _hang_up(connection: psycopg.Connection[Any]) -> None:
    """Shut the socket down under a thread that waits for it: a server that is frozen cancels nothing."""
    with (
        contextlib.suppress(OSError, psycopg.Error),
        socket.socket(fileno=os.dup(connection.pgconn.socket)) as peer,
    ):
        peer.shutdown(socket.SHUT_RDWR)
