"""What a transaction begins with: settings of its own.

Behind a pooler each transaction may have another server process, which serves other programs before and
after. So nothing is set for a session. A setting that is local to a transaction ends with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import psycopg

from batchwright.builtin.postgres.options import PostgresOptions

KEEPALIVES = {"keepalives_idle": 5, "keepalives_interval": 5, "keepalives_count": 3}
"""When a silent connection is asked whether its other end is there, in seconds, and how often, by libpq."""

USER_TIMEOUT = 20_000
"""Milliseconds after which a connection is lost whose other end confirms nothing that was sent."""

# The server has to notice as well: a host that vanished without a word would hold its locks for hours, and a
# client that is stopped for as long as it is.
_GIVING_UP = {
    **{f"tcp_{name}": str(value) for name, value in KEEPALIVES.items()},
    "tcp_user_timeout": str(USER_TIMEOUT),
}

# Values that are read as text look the same whatever the role's defaults are.
_FORMATS = {"DateStyle": "ISO", "TimeZone": "UTC", "bytea_output": "hex", "extra_float_digits": "1"}


def _local(settings: dict[str, str]) -> str:
    return ", ".join(f"set_config('{name}', '{value}', true)" for name, value in settings.items())


LETTING_GO = _local(_GIVING_UP)
"""Has the server end the transaction of a client that is gone."""

BEGIN = b"BEGIN ISOLATION LEVEL READ COMMITTED"
"""Each statement of a write has to see what others committed before it."""

_LEAST_IDLE = 120.0  # seconds; who reads page after page may take its time between two of them

_DEFAULT = "SELECT current_setting('default_transaction_isolation')"


@dataclass(frozen=True, slots=True)
class Opening:
    """How transactions of a connection are opened.

    Attributes:
        given: The call of the settings that the options ask for; empty where they ask for none.
        usual: Whether transactions are of the right kind by default, and no setting is asked for. Then a
            pipeline needs no BEGIN.
        batch_timeout: Seconds that a write may take; None for no limit.
    """

    given: str
    usual: bool
    batch_timeout: float | None

    @classmethod
    def of(
        cls, connection: psycopg.Connection[Any], options: PostgresOptions, batch_timeout: float | None
    ) -> Self:
        """Return what the options ask for, and what the role's defaults make necessary."""
        settings = {
            "statement_timeout": _milliseconds(options.statement_timeout),
            "lock_timeout": _milliseconds(options.lock_timeout),
            "synchronous_commit": options.synchronous_commit,
        }
        given = _local({name: value for name, value in settings.items() if value is not None})
        ((isolation,),) = connection.execute(_DEFAULT).fetchall()
        return cls(given, usual=not given and isolation == "read committed", batch_timeout=batch_timeout)

    @property
    def write(self) -> list[bytes]:
        """The statements that open a transaction in which the steps of a receipt set the rest."""
        return [BEGIN, f"SELECT {self.given}".encode()] if self.given else [BEGIN]

    @property
    def idling(self) -> str:
        """The expression that has the server end a write in whose middle it hears nothing for too long."""
        return _idling(self.batch_timeout)

    @property
    def settings(self) -> bytes:
        """What comes first in any other transaction."""
        idle = None if self.batch_timeout is None else max(self.batch_timeout, _LEAST_IDLE)
        calls = filter(None, [self.given, LETTING_GO, _idling(idle), _local(_FORMATS)])
        return f"SELECT {', '.join(calls)}".encode()


def _idling(seconds: float | None) -> str:
    """Return the expression that ends the transaction of a silent client; None leaves it to the server."""
    name = "idle_in_transaction_session_timeout"
    return f"current_setting('{name}')" if seconds is None else _local({name: _milliseconds(seconds) or ""})


def _milliseconds(seconds: float | None) -> str | None:
    return None if seconds is None else f"{max(1, round(seconds * 1000))}ms"
