"""What the columns of a field are called: as the field is, as far as Postgres lets them."""

from __future__ import annotations

import hashlib

from batchwright.builtin.postgres.options import LONGEST_NAME
from batchwright.sinkkit.sql_tables import quoted

_SYSTEM = frozenset({"tableoid", "xmin", "xmax", "cmin", "cmax", "ctid"})
"""Columns that every table has already; views have none of them."""

_MARK = 8  # characters that tell apart names that begin alike


def shown(name: str) -> str:
    """Return the quoted column of a field in the published relation.

    Postgres would cut a long name off without a word; what replaces the rest says which field it is.
    """
    return quoted(_fitting(name))


def kept(name: str) -> str:
    """Return the quoted column of a field in the table of the records; no field begins with an underscore."""
    return quoted(f"_{name}" if name in _SYSTEM else _fitting(name))


def _fitting(name: str) -> str:
    data = name.encode()
    if len(data) <= LONGEST_NAME:
        return name
    head = data[: LONGEST_NAME - _MARK - 1].decode("utf-8", "ignore")
    return f"{head}_{hashlib.sha256(data).hexdigest()[:_MARK]}"
