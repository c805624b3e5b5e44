"""What can be set about the Postgres sink, and the names that follow from it."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field, field_validator

from batchwright.contracts.sink import SinkOptions
from batchwright.sinkkit.sql_ledger.tables import INDEXES, TABLES

LONGEST_NAME = 63
"""Bytes of an identifier; Postgres cuts the rest off without a word (NAMEDATALEN - 1)."""

RELATIONS = ("records", "terms", *TABLES)
"""Our tables, by what follows the name of the published relation."""

INDEX = "records_search"
"""The full-text index."""

_LONGEST_SUFFIX = max((INDEX, *INDEXES, *RELATIONS), key=len)


class PostgresOptions(SinkOptions):
    """Options of the Postgres sink. libpq's own parameters (``sslmode`` …) stay in the URL.

    Attributes:
        schema_name: The schema that holds everything, spelled ``schema``; it must exist.
        table: The published relation; its tables are named after it: ``{table}_records`` and so on.
            By default it is called as the record type is; for chunks ``knowledge_base``.
        full_text: Whether new tables get a search column and its index. Tables that are there stay
            as they are.
        connect_timeout: Seconds a connection attempt to one host may take.
        statement_timeout: Seconds a statement may take; None for the server's setting.
        lock_timeout: Seconds to wait for a lock; None for the server's setting.
        application_name: What ``pg_stat_activity`` shows.
        synchronous_commit: When a commit counts as done; None for the server's setting.
    """

    model_config = ConfigDict(populate_by_name=True)

    schema_name: str = Field(default="public", alias="schema")
    table: str | None = None
    full_text: bool = True
    connect_timeout: int = Field(default=10, ge=2, le=3600)
    statement_timeout: float | None = Field(default=None, gt=0, le=86_400)
    lock_timeout: float | None = Field(default=None, gt=0, le=86_400)
    application_name: str = "batchwright"
    synchronous_commit: Literal["on", "off", "local", "remote_write", "remote_apply"] | None = None

    @field_validator("schema_name")
    @classmethod
    def _name_that_fits(cls, name: str) -> str:
        return _checked(name, LONGEST_NAME, "a schema's name")

    @field_validator("table")
    @classmethod
    def _name_that_fits_with_suffixes(cls, name: str | None) -> str | None:
        return None if name is None else checked_table(name)

    @field_validator("application_name")
    @classmethod
    def _text_without_nul(cls, text: str) -> str:
        return _checked(text, 4 * LONGEST_NAME, "this")


def checked_table(name: str) -> str:
    """Return the name of a table.

    Raises:
        ValueError: It is empty, or too long for what is added to it.
    """
    room = LONGEST_NAME - len("_" + _LONGEST_SUFFIX)
    return _checked(
        name, room, f"the table's name, since it is followed by suffixes such as '_{_LONGEST_SUFFIX}',"
    )


def _checked(name: str, limit: int, what: str) -> str:
    if not name:
        raise ValueError("must not be empty")
    if "\0" in name:
        raise ValueError("must not contain NUL")
    size = len(name.encode("utf-8", "surrogatepass"))
    if size > limit:
        raise ValueError(f"{what} may have at most {limit} bytes in UTF-8; this one has {size}")
    return name
