"""One connection, made again when it is lost, and cancelled from another thread."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
from psycopg import conninfo, errors, sql
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format, TransactionStatus

from batchwright.builtin.postgres import faults
from batchwright.builtin.postgres.options import PostgresOptions
from batchwright.builtin.postgres.rows import BinaryArray, ColumnType
from batchwright.errors import ConfigError
from batchwright.secrets import secrets_in

Result = TypeVar("Result")

_CANCEL_TIMEOUT = 2.0  # seconds

# A peer that is gone without a word is noticed within a minute.
_LIVENESS = {
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}


class _ArrayDumper(Dumper):
    """Hands a `BinaryArray` on as it is. One of them a type: psycopg asks the dumper for the type."""

    format = Format.BINARY

    def __init__(self, cls: type, context: Any = None, type_: ColumnType | None = None) -> None:
        super().__init__(cls, context)
        if type_ is not None:
            self.oid = type_.array_oid

    def get_key(self, obj: BinaryArray, format: Any) -> tuple[type, ...]:  # noqa: A002
        return (BinaryArray, obj.type)  # type: ignore[return-value]

    def upgrade(self, obj: BinaryArray, format: Any) -> _ArrayDumper:  # noqa: A002
        return _ArrayDumper(BinaryArray, None, obj.type)

    def dump(self, obj: BinaryArray) -> Buffer:
        return obj.data


class Database:
    """A connection to the target, with what the options say of it.

    Every method may connect first, where there is no connection or the last one was lost.
    """

    def __init__(self, options: PostgresOptions) -> None:
        self._options = options
        self._url = options.url.get_secret_value()
        self._secrets = secrets_in(self._url)
        self._parameters = _parameters(options)
        self._connection: psycopg.Connection[Any] | None = None

    @property
    def user(self) -> str:
        """The role we are, quoted, as far as is known."""
        known = self._connection.info.user if self._connection and not self._connection.closed else ""
        return sql.Identifier(known).as_string(None) if known else "the user"

    def connection(self) -> psycopg.Connection[Any]:
        """Return the connection, idle and in autocommit.

        Raises:
            SinkError: Connecting failed for a mistake.
            ConnectionError: Connecting failed for what may pass.
        """
        self._settle()
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def close(self) -> None:
        """Close the connection if there is one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def run(self, work: Callable[[psycopg.Connection[Any]], Result]) -> Result:
        """Return what `work` does with the connection; leave no transaction behind.

        Raises:
            ConnectionError: The connection was lost.
        """
        connection = self.connection()
        try:
            return work(connection)
        except psycopg.OperationalError as error:
            if error.sqlstate is None and (connection.closed or connection.broken):
                raise faults.losing(error, self._secrets) from error
            raise
        finally:
            self._settle()

    def read(self, work: Callable[[psycopg.Connection[Any]], Result]) -> Result:
        """Return what `work` reads; once more if the connection turns out to be lost."""
        try:
            return self.run(work)
        except (ConnectionError, errors.AdminShutdown, errors.CrashShutdown):
            if self._connection is not None:
                raise
            return self.run(work)

    def cancel(self) -> None:
        """End what another thread is doing here. Takes `_CANCEL_TIMEOUT` at most."""
        connection = self._connection
        if connection is None or connection.closed:
            return
        try:
            connection.cancel_safe(timeout=_CANCEL_TIMEOUT)
        except psycopg.Error:
            _hang_up(connection)

    def _settle(self) -> None:
        """Bring the connection back to where a transaction can begin, or let go of it."""
        connection = self._connection
        if connection is None:
            return
        status = connection.info.transaction_status
        if status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
            with contextlib.suppress(psycopg.Error):
                connection.rollback()
            status = connection.info.transaction_status
        if status != TransactionStatus.IDLE:
            self.close()

    def _connect(self) -> psycopg.Connection[Any]:
        try:
            connection = psycopg.Connection[Any].connect(self._parameters, autocommit=True)
        except psycopg.Error as error:
            raise faults.connecting(error, self._secrets) from error
        try:
            self._set_up(connection)
        except psycopg.Error as error:
            connection.close()
            raise faults.connecting(error, self._secrets) from error
        return connection

    def _set_up(self, connection: psycopg.Connection[Any]) -> None:
        connection.adapters.register_dumper(BinaryArray, _ArrayDumper)
        options = self._options
        settings = {
            "statement_timeout": _milliseconds(options.statement_timeout),
            "lock_timeout": _milliseconds(options.lock_timeout),
            "synchronous_commit": options.synchronous_commit,
        }
        given = {name: value for name, value in settings.items() if value is not None}
        if given:
            calls = ", ".join(["set_config(%s, %s, false)"] * len(given))
            values = [value for setting in given.items() for value in setting]
            connection.execute(f"SELECT {calls}", values)


def _milliseconds(seconds: float | None) -> str | None:
    return None if seconds is None else f"{max(1, round(seconds * 1000))}ms"


def _parameters(options: PostgresOptions) -> str:
    """Return libpq's parameters.

    Raises:
        ConfigError: The URL can't be understood. It is not shown, nor is what libpq says of it: parts of a
            password may be anywhere in a URL that is wrong.
    """
    advice = "in a password, write / @ : # ? % as %2F %40 %3A %23 %3F %25"
    try:
        given = conninfo.conninfo_to_dict(options.url.get_secret_value())
    except psycopg.Error as error:
        known = 'invalid URI query parameter: "'
        said = str(error).partition(known)[2].partition('"')[0]
        what = f"no parameter {said!r} is known" if said.isidentifier() else "it can't be understood"
        raise ConfigError(f"the target's URL is wrong: {what}; {advice}") from None
    if "@" in str(given.get("host", "")) or not str(given.get("port") or "0").replace(",", "").isdigit():
        raise ConfigError(f"the target's URL is wrong: host or port can't be understood; {advice}")
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
