"""Targets that can be copied: a run is repeated from the same state, on Postgres and on SQLite alike."""

from __future__ import annotations

import shutil
import uuid
from abc import ABC, abstractmethod
from pathlib import Path

import psycopg
from psycopg import sql

from tests.support.databases import Databases


class Target(ABC):
    """Makes targets, each of its own."""

    name: str

    @abstractmethod
    def fresh(self) -> str:
        """Return the URL of an empty target."""

    @abstractmethod
    def copy(self, url: str) -> str:
        """Return the URL of a copy; nobody may be connected to the original."""

    @abstractmethod
    def drop(self, url: str) -> None:
        """Remove a target."""


class SqliteTarget(Target):
    """Files in a folder."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fresh(self) -> str:
        return f"sqlite:///{self._folder / uuid.uuid4().hex}.db"

    def copy(self, url: str) -> str:
        copied = self.fresh()
        for suffix in ("", "-wal"):
            source = Path(url.removeprefix("sqlite:///") + suffix)
            if source.exists():
                shutil.copyfile(source, copied.removeprefix("sqlite:///") + suffix)
        return copied

    def drop(self, url: str) -> None:
        for suffix in ("", "-wal", "-shm"):
            Path(url.removeprefix("sqlite:///") + suffix).unlink(missing_ok=True)


class PostgresTarget(Target):
    """Databases of a server."""

    name = "postgres"

    def __init__(self, server: Databases) -> None:
        self._server = server

    def fresh(self) -> str:
        return self._server.create_database(f"fault_{uuid.uuid4().hex}")

    def copy(self, url: str) -> str:
        name = f"fault_{uuid.uuid4().hex}"
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        with psycopg.connect(self._server.dsn(), autocommit=True, connect_timeout=10) as connection:
            connection.execute(create.format(sql.Identifier(name), sql.Identifier(_database(url))))
        return self._server.dsn(name)

    def drop(self, url: str) -> None:
        self._server.drop_database(_database(url))


def _database(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]
