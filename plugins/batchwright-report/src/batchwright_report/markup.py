"""Sections and tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        name: Its head.
        is_number: Whether it holds numbers, which are aligned to the right.
        is_wide: Whether it holds texts, which need room.
    """

    name: str
    is_number: bool = False
    is_wide: bool = False

    @property
    def class_of(self) -> str:
        """The attribute for its cells."""
        return ' class="n"' if self.is_number else ' class="wide"' if self.is_wide else ""


def number(name: str) -> Column:
    """Return a column of numbers."""
    return Column(name, is_number=True)


def wide(name: str) -> Column:
    """Return a column of texts."""
    return Column(name, is_wide=True)


def table(
    caption: str, columns: Sequence[Column], rows: Iterable[Sequence[str]], *, hidden: bool = False
) -> str:
    """Return a table; nothing where it has no rows.

    Args:
        caption: What it shows.
        columns: Its columns.
        rows: Their cells, as HTML; the first of each row names it.
        hidden: Whether only screen readers get the caption, since a heading says the same.
    """
    body = []
    for cells in rows:
        first, *rest = zip(columns, cells, strict=True)
        head = f'<th scope="row"{first[0].class_of}>{first[1]}</th>'
        body.append(f"<tr>{head}{''.join(f'<td{column.class_of}>{cell}</td>' for column, cell in rest)}</tr>")
    if not body:
        return ""
    heads = "".join(f'<th scope="col"{column.class_of}>{escape(column.name)}</th>' for column in columns)
    shown = ' class="hidden"' if hidden else ""
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(caption)}"><table>'
        f"<caption{shown}>{escape(caption)}</caption><thead><tr>{heads}</tr></thead>"
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def section(place: str, title: str, *parts: str) -> str:
    """Return a section of the page; nothing where nothing is in it."""
    inner = "".join(parts)
    head = f'<h2 id="{place}">{escape(title)}</h2>'
    return f'<section aria-labelledby="{place}">{head}{inner}</section>' if inner else ""


def details(summary: str, inner: str, *, is_open: bool = False) -> str:
    """Return what a reader may open and close; nothing where nothing is in it."""
    opened = " open" if is_open else ""
    return f"<details{opened}><summary>{escape(summary)}</summary>{inner}</details>" if inner else ""
