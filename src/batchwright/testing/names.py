"""Names that a field may have although a database might stumble over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from batchwright.contracts.fields import Field
from batchwright.contracts.records import RecordType
from batchwright.testing.kinds import KINDS

_WORDS_OF_SQL = "all check default end from group index null order select table user values where with"
_OWN_TO_DATABASES = "cmax cmin ctid hidden oid rank rowid tableoid xmax xmin"
_OURS = (
    "collection document_id fts key key_hash kinds kinds_documents kinds_fts kinds_records position records "
    "run_id seq view"
)
_IN_OUR_STATEMENTS = (
    "body c d excluded found found_id found_key found_text header heading hit met new old q query r score "
    "text texts total v w"
)
_TO_BE_QUOTED = (
    'a "quoted" one',
    "an apostrophe's",
    "a space",
    " around ",
    "a.dot",
    "a;--",
    "a\\backslash",
    "a\ttab",
    "two\nlines",
    "{braces}",
    "{records}",
    "[brackets]",
    "`ticks`",
    "$1",
    "?",
    "?1",
    "%s",
    "%(name)s",
    ":name",
    "@name",
    "#",
    "*",
    "-",
    "1st",
    "CamelCase",
)
_OF_OTHER_SCRIPTS = (
    "größe",
    "Ωmega",
    "имя",
    "名前",
    "اسم",
    "n\u0303",
    "\u00f1",
    "\u200bunseen",
    "\U0001f600",
)
_LONG = ("x" * 63, "x" * 64, "x" * 63 + "y", "é" * 32, "é" * 32 + "e", "名" * 100, "n" * 300)

NAMES: tuple[str, ...] = (
    *" ".join((_WORDS_OF_SQL, _OWN_TO_DATABASES, _OURS, _IN_OUR_STATEMENTS)).split(),
    *_TO_BE_QUOTED,
    *_OF_OTHER_SCRIPTS,
    *_LONG,
)
"""All of them in one record type, no two alike but for case."""

SEARCHED: Mapping[str, tuple[str, str]] = {
    "reserved": ("rank", "rowid"),
    "crossed": ("text", "heading"),
    "ours": ("body", "kinds_fts"),
    "long": ("ctid", "x" * 63 + "y"),
    "quoted": ('a "quoted" one', "{braces}"),
}
"""Pairs of names for a heading and a text."""


def named(heading: str, text: str) -> RecordType:
    """Return a record type with all these names, two of which are searched."""
    fields = (KINDS.field("id"), *(Field(name, "text", nullable=True) for name in NAMES))
    return replace(KINDS, fields=fields, heading=heading, text=text)


def values_of(key: str) -> dict[str, Any]:
    """Return a record: each field says what it is called."""
    return {"id": key, **{name: f"{name} of {key}" for name in NAMES}}
