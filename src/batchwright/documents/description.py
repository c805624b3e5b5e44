"""A document's title, category and date, by its fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from batchwright.model import DATE_FIELDS, Document, Omission

_DATE = re.compile(r"\s*+([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})\s*+(?:(?<=\s)\S.*|T.*|)", re.DOTALL)


def describe(
    source_file: str,
    text: str,
    fields: Mapping[str, Any],
    *,
    date_fields: Iterable[str] = DATE_FIELDS,
    left_out: Iterable[Omission] = (),
    pages: Iterable[int] = (),
) -> Document:
    """Return a document whose title, category and date are found in its fields, as those of front matter are.

    Where they say no title or category, `finished` finds them: a reader need not.

    Args:
        source_file: Its key.
        text: Its text, in Markdown or plain.
        fields: What is known of it, as JSON values; they become its metadata.
        date_fields: Names of the field that is its date, in any case; the first that holds one counts.
        left_out: What of it is left out.
        pages: Where each of its pages begins in the text, if it has pages.
    """
    return Document(
        source_file=source_file,
        text=text,
        title=title_of(fields),
        category=category_of(fields),
        document_date=date_of(fields, date_fields),
        metadata=fields,
        left_out=tuple(left_out),
        pages=tuple(pages),
    )


def title_of(fields: Mapping[str, Any]) -> str:
    """Return the title that the fields say, else an empty text."""
    title = fields.get("title")
    return str(title).strip() if isinstance(title, str | int | float) and not isinstance(title, bool) else ""


def category_of(fields: Mapping[str, Any]) -> str | None:
    """Return the category that the fields say, else None."""
    category = fields.get("category")
    return category if isinstance(category, str) and category.strip() else None


def date_of(fields: Mapping[str, Any], names: Iterable[str]) -> date | None:
    """Return the date in the first of the named fields that holds one, else None.

    A date is a year, month and day, apart by ``-``, ``/`` or ``.``, perhaps with a time behind it.
    """
    by_name = {name.casefold(): value for name, value in reversed(list(fields.items()))}
    for name in names:
        value = by_name.get(name.casefold())
        if isinstance(value, str) and (day := _parse_date(value)):
            return day
    return None


def _parse_date(text: str) -> date | None:
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    try:
        return date(int(found[1]), int(found[3]), int(found[4]))
    except ValueError:
        return None
