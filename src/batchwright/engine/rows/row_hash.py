"""The hash of a row as its file has it: what tells a changed row from an unchanged one."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from hashlib import sha256
from operator import itemgetter
from typing import Any

Digest = Callable[[Sequence[Any]], bytes]
"""Returns the SHA-256 of a row's values, in the order of its columns."""

_BETWEEN = "\0"


def of_texts(columns: Sequence[str], entering: frozenset[str] | None) -> Digest:
    """Return what hashes rows of texts.

    It is made of each column's name and text, in the order of the names; an empty one is left out. So it
    stays the same whatever type is found for a column, where a column stands, and when one comes that is
    empty.

    Args:
        columns: The names of the columns.
        entering: Those that count; None for all.
    """
    order = sorted(
        (name, place) for place, name in enumerate(columns) if entering is None or name in entering
    )
    names = [name for name, _ in order]
    arranged = itemgetter(*(place for _, place in order)) if len(order) > 1 else None
    begin: dict[tuple[bool, ...], str] = {}  # which columns hold something says how it begins
    whole = json.dumps(names)

    def digest(row: Sequence[Any]) -> bytes:
        texts = arranged(row) if arranged else [row[place] for _, place in order]
        head, count = whole, len(names)
        if "" in texts or None in texts:
            present = tuple(map(bool, texts))
            if present not in begin:
                begin[present] = json.dumps(
                    [name for name, there in zip(names, present, strict=True) if there]
                )
            head, count = begin[present], sum(present)
            texts = [text for text in texts if text]
        said = _BETWEEN.join(texts)
        if said.count(_BETWEEN) >= max(1, count):  # a text holds what separates them
            said = json.dumps(list(texts)) + _BETWEEN * count
        return sha256((head + said).encode("utf-8", "surrogatepass")).digest()

    return digest


def of_json(columns: Sequence[str], entering: frozenset[str] | None) -> Digest:
    """Return what hashes rows with values of JSON; null is left out. The arguments are those above."""
    encode = json.JSONEncoder(sort_keys=True, default=_exact).encode

    def digest(row: Sequence[Any]) -> bytes:
        found = {
            name: value
            for name, value in zip(columns, row, strict=False)
            if value is not None and (entering is None or name in entering)
        }
        return sha256(encode(found).encode()).digest()

    return digest


def _exact(value: object) -> object:
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    raise TypeError(type(value).__name__)
