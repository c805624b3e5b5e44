"""Connecting through a DB-API driver that is known by its name only."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from batchwright import ConfigError
from batchwright.secrets import describe, secrets_in

_SECRET = ("user", "username", "password", "passwd", "pwd", "token")
_MARKS: Mapping[str, str] = {
    "qmark": "?",
    "numeric": ":1",
    "named": ":since",
    "format": "%s",
    "pyformat": "%(since)s",
}


def load_driver(name: str) -> Any:
    """Return the driver's module.

    Raises:
        ConfigError: There is none.
    """
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        raise ConfigError(f"driver: {name} can't be imported: {error}; pip install it") from error
    if not callable(getattr(module, "connect", None)):
        raise ConfigError(f"driver: {name} has no connect(), as a driver by DB-API 2.0 does")
    return module


def connect(driver: Any, url: str, arguments: Mapping[str, Any]) -> Any:
    """Return a connection.

    Args:
        driver: The driver's module.
        url: Its parts go to the driver as host, port, user, password and database, its parameters by name.
        arguments: More arguments of the driver's; they count more than the URL's.

    Raises:
        ConfigError: The file isn't there, or the driver doesn't take the arguments.
        Exception: The driver's own.
    """
    given = {**_from_url(url), **arguments}
    special = _SPECIAL.get(driver.__name__)
    try:
        return special(driver, given) if special else driver.connect(**given)
    except TypeError as error:
        said = describe(error, (*secrets_in(url), *map(str, arguments.values())))
        raise ConfigError(f"{driver.__name__}.connect doesn't take {', '.join(given)}: {said}") from None


def placeholder(driver: Any, query: str, value: Any) -> tuple[str, str, Any]:
    """Return the query and the mark of a value as the driver wants them, and the value as it is passed.

    Raises:
        ConfigError: The driver has a style that DB-API doesn't know.
    """
    style = getattr(driver, "paramstyle", "")
    if style not in _MARKS:
        raise ConfigError(
            f"{driver.__name__} has the paramstyle {style!r}, so it can't be used with a cursor"
        )
    if style in ("format", "pyformat"):
        query = query.replace("%", "%%")
    return query, _MARKS[style], {"since": value} if style in ("named", "pyformat") else (value,)


def _from_url(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    found: dict[str, Any] = {
        "host": parts.hostname,
        "port": parts.port,
        "user": None if parts.username is None else unquote(parts.username),
        "password": None if parts.password is None else unquote(parts.password),
        "database": unquote(parts.path).removeprefix("/") or None,
    }
    given = {name: _typed(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True)}
    return {name: value for name, value in {**found, **given}.items() if value is not None}


def _typed(name: str, value: str) -> Any:
    if value in ("true", "false"):
        return value == "true"
    is_number = value.isascii() and value.removeprefix("-").isdigit() and name.lower() not in _SECRET
    return int(value) if is_number else value


def _sqlite(driver: Any, given: dict[str, Any]) -> Any:
    path = _existing(given)
    # another thread may close it than read it
    return driver.connect(
        f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, **{"check_same_thread": False, **given}
    )


def _duckdb(driver: Any, given: dict[str, Any]) -> Any:
    return driver.connect(str(_existing(given)), **{"read_only": True, **given})


def _unbuffered(driver: Any, given: dict[str, Any]) -> Any:
    """Connect so that the driver doesn't hold all rows before the first."""
    cursors = importlib.import_module(f"{driver.__name__}.cursors")
    return driver.connect(**{"cursorclass": cursors.SSCursor, **given})


_SPECIAL: Mapping[str, Callable[[Any, dict[str, Any]], Any]] = {
    "sqlite3": _sqlite,
    "duckdb": _duckdb,
    "pymysql": _unbuffered,
    "MySQLdb": _unbuffered,
}
"""Drivers that would make a missing file, or hold all rows in memory."""


def _existing(given: dict[str, Any]) -> Path:
    path = Path(str(given.pop("database", ""))).expanduser()
    if given.pop("host", None) is not None:
        raise ConfigError(f"the source's URL names a host; write three slashes before the path: ///{path}")
    if not path.is_file():
        raise ConfigError(f"the source has no file {path}")
    return path
