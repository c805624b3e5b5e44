"""What Postgres' errors mean to an operator: a mistake to be fixed, or an outage that passes.

Mistakes become SinkErrors that say what to do; outages become ConnectionErrors, which classifiers retry.
Both keep the driver's error as their cause, and neither holds a password.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import psycopg
from psycopg import errors

from batchwright.builtin.postgres.refusal import is_answer
from batchwright.errors import SinkError
from batchwright.secrets import describe, mask
from batchwright.sinkkit.columns import FEWER_COLUMNS

# libpq gives no SQLSTATE for what goes wrong while connecting, only text (in the server's language).
# Where a server says something else, `refusal` finds out the SQLSTATE.
_MISTAKES: tuple[tuple[str, str], ...] = (
    (r"password authentication failed|no password supplied", "check the user and the password"),
    (r"role \".*\" does not exist", "check the user"),
    (r"role \".*\" is not permitted to log in", "choose a user who may log in"),
    (r"database \".*\" does not exist", "create the database, or check its name"),
    (r"permission denied for database", "let the database's owner GRANT CONNECT ON DATABASE to the user"),
    (r"no pg_hba\.conf entry", "allow the user from this host in the server's pg_hba.conf, or set sslmode"),
    (r"(Peer|Ident|LDAP|PAM|GSSAPI|certificate) authentication failed", "check the user and pg_hba.conf"),
    (r"Name or service not known|nodename nor servname|No address associated", "check the host's name"),
    (r"server does not support SSL", "set sslmode=prefer, or enable SSL in the server"),
    (r"certificate|SSL error", "check sslmode, sslrootcert, sslcert and sslkey"),
    (r"expected authentication request|received invalid response|unsupported frontend protocol",
     "check host and port: what answers there is not Postgres"),
    (r"invalid .*(option|value|keyword|port)", "check the parameters in the URL"),
    (r"authentication method requirement|channel binding (is )?required",
     "check require_auth and channel_binding in the URL, or have the server ask for what they demand"),
    # libpq begins no attempt with such parameters, wherever they are from
    (r"^connection is bad: (?!connection to server|no error details|out of memory)"
     r"|^could not match \d+ port numbers|^bad value for",
     "check the URL, the service file and the variables PG… of the environment"),
)  # fmt: skip

_OTHER_KIND = re.compile(r"session is (not )?read-only|server is (not )?in hot standby mode")
_FULL = re.compile(r"too many (clients|connections)|connection slots|max_client_conn")
_MORE_CONNECTIONS = (
    "a run needs two, three where it embeds, and one more for each further worker: end others, "
    "or raise the limit"
)
_PASSING_WORDS = re.compile(
    rf"{_FULL.pattern}|starting up|shutting down|recovery mode|not (yet )?accepting connections"
    r"|cannot connect to server|login has been failing|query_wait_timeout|server down|login_timeout"
)
_PASSING_STATES = ("53", "57P", "08001", "08006")
_FINAL_STATES = {
    "28": "check the user and the password, and what the server or pooler lets in",
    "3D": "create the database, or check its name",
}


def connecting(
    error: psycopg.Error,
    secrets: tuple[str, ...],
    refusal: Callable[[], str | None] = lambda: None,
    *,
    reached: bool = False,
) -> Exception:
    """Return what a failed attempt to connect means.

    Args:
        error: The driver's.
        secrets: What no message may show.
        refusal: Finds out the SQLSTATE of a server's refusal; asked only where the words don't tell.
        reached: Whether this target was connected to before: a refusal may then be an outage.
    """
    text = _one_line(mask(str(error), secrets))
    needs = f"; {_MORE_CONNECTIONS}" if _FULL.search(text) else ""
    passing = ConnectionError(f"can't connect to Postgres: {text}{needs}")
    if _OTHER_KIND.search(text):  # a standby may be promoted
        passing.add_note("no server of the URL is what target_session_attrs demands; add the one that is")
    advise(error, passing)
    if reached and not is_answer(error):  # the way to it broke, be it the name server's fault
        return passing
    for pattern, advice in _MISTAKES:
        if re.search(pattern, text):
            return SinkError(f"can't connect to Postgres: {text}; {advice}")
    if not is_answer(error) or _PASSING_WORDS.search(text):
        return passing
    state = error.sqlstate or refusal() or ""
    if state.startswith(_PASSING_STATES):
        return passing
    said = f"can't connect to Postgres: {text}" + (f" (SQLSTATE {state})" if state else "")
    if advice := _FINAL_STATES.get(state[:2], ""):
        return SinkError(f"{said}; {advice}")
    return passing if reached else SinkError(f"{said}; check the URL, and what the server or pooler lets in")


def is_fatal(error: psycopg.Error) -> bool:
    """Tell whether the server ended the session with this error."""
    return error.diag.severity_nonlocalized in ("FATAL", "PANIC")


def advise(error: psycopg.Error, meaning: Exception) -> None:
    """Note what to do beside `meaning`, where the server's words for `error` don't say it."""
    if isinstance(error, errors.QueryCanceled) and "statement timeout" in str(error):
        advice = "raise statement_timeout where it is set: for this role, its database, or in the URL"
        if advice not in getattr(meaning, "__notes__", ()):
            meaning.add_note(advice)


def losing(error: psycopg.Error, secrets: tuple[str, ...]) -> Exception:
    """Return what the loss of a connection means."""
    text = _one_line(describe(error, secrets))
    if "transaction blocks not allowed" in text:  # by PgBouncer, which has no SQLSTATE for it
        return SinkError(f"{text}; every write is a transaction: set pool_mode to transaction or session")
    return ConnectionError(f"lost the connection to Postgres: {text}")


def preparing(error: psycopg.Error, user: str, schema: str) -> Exception:
    """Return what a failure to create or read the tables means."""
    said = _said(error)
    match error:
        case errors.InsufficientPrivilege() if "for schema" in said:
            return SinkError(
                f"{said}: let the schema's owner run GRANT USAGE, CREATE ON SCHEMA {schema} TO {user}; "
                "or choose another with schema="
            )
        case errors.InsufficientPrivilege() if "must be owner" in said:
            return SinkError(
                f"{said}: the owner alone changes columns; load once as the owner, or leave them as they "
                'are: on_new_field = "ignore" for new columns, --types COLUMN=integer for one to be widened'
            )
        case errors.InsufficientPrivilege():
            return lacking(error, user, f"ALL TABLES IN SCHEMA {schema}")
        case errors.TooManyColumns():
            return SinkError(f"{said}: {FEWER_COLUMNS}")
        case errors.ReadOnlySqlTransaction():
            return read_only(error)
        case errors.LockNotAvailable() | errors.QueryCanceled() | errors.DeadlockDetected():
            return error
        case psycopg.OperationalError():
            return error
    return SinkError(said)


def read_only(error: errors.ReadOnlySqlTransaction) -> SinkError:
    """Return what to do where nothing may be written."""
    return SinkError(
        f"{_said(error)}: this server, database or role is read-only; connect to the primary (of several "
        "hosts, target_session_attrs=read-write in the URL finds it), or switch "
        "default_transaction_read_only off for this role"
    )


def lacking(error: errors.InsufficientPrivilege, user: str, relations: str) -> SinkError:
    """Return what to do about a missing privilege, or a policy that is missing."""
    if error.diag.source_function == "ExecWithCheckOptions":  # its SQLSTATE is that of privileges
        return SinkError(
            f"{_said(error)}: let the owner give {user} a policy for it, as in CREATE POLICY loader ON … "
            f"TO {user} USING (true) WITH CHECK (true)"
        )
    return SinkError(
        f"{_said(error)}: let the owner run GRANT SELECT, INSERT, UPDATE, DELETE ON {relations} TO {user}"
    )


def _said(error: psycopg.Error) -> str:
    return error.diag.message_primary or _one_line(str(error))


def _one_line(text: str) -> str:
    return " ".join(text.split())
