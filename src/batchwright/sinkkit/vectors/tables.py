"""The tables of vectors: made by the first `prepare`, so that who embeds nothing has none of them.

{t}_models     the models, each with a number; `place` grows with each that becomes the one to come
{t}_vectors    the vectors, by model and key
{t}_refused    texts that a model refused, of rows that keep another model's vector meanwhile
{t}_unused     vectors that no row used when somebody looked, and since when
"""

# ruff: noqa: S608 - what goes into a statement besides parameters are our own names

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

TABLES = ("models", "vectors", "refused", "unused")
"""By the suffix of their names."""

BY_KEY = "records_by_vector"
"""The suffix of the index that finds the rows of a key."""

PURGED = "purged"
"""The suffix of the index that finds what a write has marked to go with it."""

PUBLISHED = "{records} AS c JOIN {documents} AS d ON d.document_id = c._document_id"
"""The published rows `c`, each with its document `d`."""

MODELS = "SELECT identity, canary, is_used FROM {models} ORDER BY is_used DESC, identity"
"""The models, the one in use first."""

KNOWN = "SELECT canary, is_used OR place = (SELECT max(place) FROM {models}) FROM {models} WHERE identity = "
"""The canary of a model, and whether it is in use or the one to come; the identity follows."""

OUTDATED = "SELECT id FROM {models} WHERE NOT is_used AND place < (SELECT place FROM {models} WHERE is_used)"
"""The numbers of the models that another took the place of."""


def lacks(number: str, *, no_text: str, refused: str) -> str:
    """Return the condition that a row `c` lacks a vector of a model, and has no lasting reason; a template.

    Args:
        number: The expression of the model's number.
        no_text: That of `keys.NO_TEXT`.
        refused: That of `keys.refused_by` the model.
    """
    return f"""(
    c._vector_key IS NULL OR CASE length(c._vector_key)
    WHEN 32 THEN
        NOT EXISTS (SELECT 1 FROM {{vectors}} AS v WHERE v.model = {number} AND v.key = c._vector_key)
        AND NOT EXISTS (SELECT 1 FROM {{refused}} AS n WHERE n.model = {number} AND n.key = c._vector_key)
    ELSE c._vector_key <> {no_text} AND c._vector_key <> {refused} END)"""


def has(number: str, lacks: str, *, no_text: str, outage: str) -> str:
    """Return the expression for what a row `c` has, as the attributes of `VectorCounts`; a template.

    Args:
        number: The expression of the model's number.
        lacks: The condition that it lacks a vector of that model.
        no_text: The expression of `keys.NO_TEXT`.
        outage: That of `keys.OUTAGE`.
    """
    return (
        f"CASE WHEN c._vector_key = {no_text} THEN 'no_text' WHEN c._vector_key = {outage} THEN 'outage' "
        f"WHEN {lacks} THEN 'lacking' WHEN EXISTS (SELECT 1 FROM {{vectors}} AS v "
        f"WHERE v.model = {number} AND v.key = c._vector_key) THEN 'embedded' ELSE 'refused' END"
    )


UNUSED = "NOT EXISTS (SELECT 1 FROM {records} AS c WHERE c._vector_key = v.key)"
"""The condition that no row uses the vector `v`."""

ORPHANS = f"SELECT count(*) FROM {{vectors}} AS v WHERE {UNUSED}"
"""How many vectors no row uses."""

SUFFIXES: Mapping[str, str] = MappingProxyType(
    {**dict.fromkeys(TABLES, "table"), **dict.fromkeys((BY_KEY, PURGED), "index")}
)
"""What there is of each suffix."""
