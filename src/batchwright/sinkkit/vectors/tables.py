"""The tables of vectors: made by the first `prepare`, so that who embeds nothing has none of them.

{t}_models     the models, each with a number; `place` grows with each that becomes the one to come
{t}_vectors    the vectors, by model and key
{t}_refused    texts that a model refused, of rows that keep another model's vector meanwhile
{t}_unused     vectors that no row used when somebody looked, and since when
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

TABLES = ("models", "vectors", "refused", "unused")
"""By the suffix of their names."""

BY_KEY = "records_by_vector"
"""The suffix of the index that finds the rows of a key."""

PURGED = "purged"
"""The suffix of the index that finds what a write has marked to go with it."""

LACKS = """(
    {c}._vector_key IS NULL OR CASE length({c}._vector_key)
    WHEN 32 THEN NOT EXISTS (SELECT 1 FROM {{vectors}} AS v WHERE v.model = {m} AND v.key = {c}._vector_key)
        AND NOT EXISTS (SELECT 1 FROM {{refused}} AS n WHERE n.model = {m} AND n.key = {c}._vector_key)
    ELSE {c}._vector_key <> {no_text} AND {c}._vector_key <> {refused} END)"""
"""The condition that a row has neither a vector of a model nor a reason that lasts."""


def lacks(number: str, *, no_text: str, refused: str, row: str = "c") -> str:
    """Return the condition `LACKS`, as a template with the tables' names.

    Args:
        number: The expression of the model's number.
        no_text: That of `keys.NO_TEXT`.
        refused: That of `keys.refused_by` the model.
        row: The name of the row of the records.
    """
    return LACKS.format(c=row, m=number, no_text=no_text, refused=refused)


UNUSED = "NOT EXISTS (SELECT 1 FROM {records} AS c WHERE c._vector_key = v.key)"
"""The condition that no row uses the vector `v`."""

SUFFIXES: Mapping[str, str] = MappingProxyType(
    {**dict.fromkeys(TABLES, "table"), **dict.fromkeys((BY_KEY, PURGED), "index")}
)
"""What there is of each suffix."""
