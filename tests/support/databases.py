"""What can be asked of any Postgres, ours or not: URLs, and databases that come and go."""

from __future__ import annotations

from urllib.parse import quote, unquote, urlsplit

import psycopg
from psycopg import sql


class Databases:
    """A Postgres that can be asked for URLs and databases.

    Args:
        url: `postgresql://USER:PASSWORD@HOST:PORT/DATABASE` of someone who may create databases.
    """

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)

    def dsn(
        self,
        dbname: str | None = None,
        *,
        user: str | None = None,
        password: str | None = None,
        port: int | None = None,
    ) -> str:
        """Returns the URL of a database; what isn't given is the administrator's.

        Args:
            dbname: Which database; by default the one the administrator connects to.
            user: Who connects.
            password: That user's.
            port: Another port than the server's: a proxy's.
        """
        user = user if user is not None else unquote(self._url.username or "")
        password = password if password is not None else unquote(self._url.password or "")
        port = port if port is not None else self._url.port
        secret = f":{quote(password, safe='')}" if password else ""
        host, at = self._url.hostname or "", "@" if user else ""
        netloc = f"{quote(user, safe='')}{secret}{at}{f'[{host}]' if ':' in host else host}"
        path = self._url.path if dbname is None else f"/{quote(dbname, safe='')}"
        return self._url._replace(netloc=netloc + (f":{port}" if port else ""), path=path).geturl()

    def create_database(self, name: str) -> str:
        """Creates an empty database and returns its URL."""
        # The default strategy, wal_log, takes 0.07 s; file_copy asks for checkpoints and takes 0.12 s.
        create = "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'"
        self._administer(sql.SQL(create).format(sql.Identifier(name)))
        return self.dsn(name)

    def drop_database(self, name: str) -> None:
        """Drops a database, whoever is connected to it."""
        self._administer(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _administer(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.dsn(), autocommit=True, connect_timeout=10) as connection:
            connection.execute(statement)
