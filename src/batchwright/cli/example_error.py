"""An exception to ask classifiers about: of a name, an SQLSTATE or an HTTP status, or that of a reject."""

from __future__ import annotations

import builtins
import importlib
import re
from contextlib import suppress
from difflib import get_close_matches
from typing import Any

from batchwright.errors import ConfigError

_SQLSTATE = re.compile(r"[0-9A-Z]{5}")
_HTTP_STATUS = re.compile(r"[1-5][0-9]{2}")
_FAMILIAR = ("batchwright", "psycopg.errors", "psycopg", "sqlite3")
"""Where an exception is looked for that is named without its module, to say the whole name."""


def is_code(what: str) -> bool:
    """Tell whether this is an SQLSTATE or an HTTP status."""
    return bool(_SQLSTATE.fullmatch(what) or _HTTP_STATUS.fullmatch(what))


def of(what: str, message: str | None = None) -> BaseException:
    """Return an example of the exception that is named.

    Raises:
        ConfigError: There is no such exception.
    """
    if _HTTP_STATUS.fullmatch(what):
        return _of_http_status(int(what), message)
    if _SQLSTATE.fullmatch(what):
        return _of_sqlstate(what, message)
    return _made(_class_named(what), message or "an example")


def again(name: str, message: str, sqlstate: str | None) -> BaseException:
    """Return an exception once more: its class, message and SQLSTATE; the rest of it is gone."""
    try:
        kind = _class_named(name)
    except ConfigError:
        module, _, short = name.rpartition(".")
        kind = type(short or "Error", (Exception,), {"__module__": module})
    error = _made(kind, message)
    if sqlstate:
        with suppress(AttributeError):
            error.sqlstate = sqlstate  # type: ignore[attr-defined]
    return error


def dotted(kind: type[BaseException]) -> str:
    """Return the name of an exception with its module, unless it is built in."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _of_http_status(status: int, message: str | None) -> Exception:
    """Return what the standard library raises for it; other clients have the status at other places."""
    from email.message import Message
    from http.client import responses
    from urllib.error import HTTPError

    return HTTPError("", status, message or responses.get(status, "an example"), Message(), None)


def _of_sqlstate(state: str, message: str | None) -> Exception:
    """Return the exception that psycopg raises for it."""
    import psycopg

    try:
        kind: type[psycopg.Error] = psycopg.errors.lookup(state)
    except KeyError:
        kind = psycopg.DatabaseError
    error = kind(message or f"SQLSTATE {state}")
    error.sqlstate = state
    return error


def _class_named(name: str) -> type[BaseException]:
    if not all(part.isidentifier() for part in name.split(".")):
        raise ConfigError(
            f"WHAT: {name!r} is no exception's dotted name (sqlite3.OperationalError), no SQLSTATE (40P01), "
            "no HTTP status (429), and no reject's id (see: batchwright rejects list)"
        )
    parts = name.split(".")
    found: Any = None
    reason = ""
    if len(parts) == 1:
        found = getattr(builtins, name, None)
        reason = f"there is no built-in exception {name!r}; {_hint(name)}"
    for length in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:length])
        try:
            found = importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise ConfigError(f"WHAT: importing {module} failed: {error}") from error
            reason = f"there is no module {module!r}; is it installed in this environment?"
            continue
        except Exception as error:
            raise ConfigError(f"WHAT: importing {module} failed: {type(error).__name__}: {error}") from error
        for part in parts[length:]:
            found = getattr(found, part, None)
        reason = f"{module} has no {'.'.join(parts[length:])!r}"
        break
    if found is None:
        raise ConfigError(f"WHAT: {reason}")
    if not (isinstance(found, type) and issubclass(found, BaseException)):
        raise ConfigError(f"WHAT: {name} is no exception, but {type(found).__name__}")
    return found


def _made(kind: type[BaseException], message: str = "an example") -> BaseException:
    """Return an exception of the class, whatever its constructor wants."""
    for arguments in ((message,), ()):
        with suppress(Exception):
            return kind(*arguments)
    return kind.__new__(kind, message)


def _hint(name: str) -> str:
    """Return where there is an exception of this name, or what it might have been."""
    for module in _FAMILIAR:
        if hasattr(importlib.import_module(module), name):
            return f"did you mean {module}.{name}?"
    known = [n for n, v in vars(builtins).items() if isinstance(v, type) and issubclass(v, BaseException)]
    if close := get_close_matches(name, known, n=1, cutoff=0.8):
        return f"did you mean {close[0]}?"
    return f"give its dotted name: MODULE.{name}"
