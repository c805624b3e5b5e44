"""A document's title, category and date: from its fields, else from its text and key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from batchwright.documents.context import stem
from batchwright.documents.structure import first_title
from batchwright.model import DATE_FIELDS, Document, Omission

_DATE = re.compile(r"\s*+([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})\s*+(?:(?<=\s)\S.*|T.*|)", re.DOTALL)


def describe(
    source_file: str,
    text: str,
    fields: Mapping[str, Any],
    *,
    date_fields: Iterable[str] = DATE_FIELDS,
    left_out: Iterable[Omission] = (),
) -> Document:
    """Return a document with its title, category and date found as `MarkdownReader` finds them.

    Args:
        source_file: Its key.
        text: Its text, in Markdown or plain.
        fields: What is known of it, as JSON values; they become its metadata, with the title.
        date_fields: Names of the field that is its date, in any case; the first that holds one counts.
        left_out: What of it is left out.
    """
    title = title_of(source_file, text, fields)
    return Document(
        source_file=source_file,
        text=text,
        title=title,
        category=category_of(source_file, fields),
        document_date=date_of(fields, date_fields),
        metadata={**fields, "title": title},
        left_out=tuple(left_out),
    )


def title_of(source_file: str, text: str, fields: Mapping[str, Any]) -> str:
    """Return the title that the fields say, else the first top-level heading, else the file's stem."""
    title = fields.get("title")
    if isinstance(title, bool) or not isinstance(title, str | int | float) or not str(title).strip():
        title = first_title(text) or stem(source_file)
    return str(title).strip()


def category_of(source_file: str, fields: Mapping[str, Any]) -> str | None:
    """Return the category that the fields say, else the first folder of the key, else None."""
    category = fields.get("category")
    if isinstance(category, str) and category.strip():
        return category
    folder, slash, _ = source_file.partition("/")
    return folder if slash else None


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
