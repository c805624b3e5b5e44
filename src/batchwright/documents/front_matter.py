"""The YAML or TOML at the start of a Markdown file, made safe to store as JSON."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from batchwright.documents.description import date_of
from batchwright.model import DATE_FIELDS

if TYPE_CHECKING:
    from batchwright.documents.fields import Fields

MAX_CHARACTERS = 64 * 1024

ERROR = "front_matter_error"
"""The name under which a document's metadata says what could not be read."""

_YAML = re.compile(r"---[ \t]*+\r?\n(?P<fields>(?:.*\n)*?)(?:---|\.\.\.)[ \t]*+\r?(?:\n|\Z)")
_TOML = re.compile(r"\+\+\+[ \t]*+\r?\n(?P<fields>(?:.*\n)*?)\+\+\+[ \t]*+\r?(?:\n|\Z)")
_LOOKS_LIKE_FIELDS = re.compile(
    r"(?:---[ \t]*+\r?\n(?:[ \t]*+(?:#.*)?\r?\n)*+[\w\"'?][^:\n]*:(?:\s|\Z)"
    r"|\+\+\+[ \t]*+\r?\n(?:[ \t]*+(?:#.*)?\r?\n)*+(?:\[|[\w\"'.-]+[ \t]*+=))"
)
_HEADING = re.compile(r"\n[ \t]*+\r?\n#{1,6}[ \t]")
_BLANK_END = re.compile(r"\n[ \t]*+\r?\n\Z")


class FrontMatter(NamedTuple):
    """Front matter, and where it ends.

    Attributes:
        raw: The text with its fences, empty where there is none.
        fields: What it says, as JSON values; with the key `ERROR` where some of it could not be read.
        date: The document's date, or None.
        unreadable: What could not be read, and why: a field each. With an empty `raw` it is the whole, which
            stays in the text.
    """

    raw: str
    fields: dict[str, Any]
    date: date | None
    unreadable: tuple[str, ...] = ()


def split_front_matter(text: str, date_fields: Sequence[str] = DATE_FIELDS) -> FrontMatter:
    """Return the front matter that `text` begins with; empty where it begins with anything else.

    YAML stands between ``---`` and ``---`` or ``...``, TOML between ``+++`` and ``+++``, in the first
    64 Ki characters. A field that can't be read is left out and noted. What isn't front matter stays in
    the text: a ``---`` that is a thematic break, and fields whose closing line was forgotten.

    Args:
        text: The text of a file.
        date_fields: Names of the document's date, in any case; the first that holds one counts.
    """
    if not text.startswith(("---", "+++")):
        return _NONE
    lines = text if "\n" in text else text.replace("\r", "\n")  # an old Mac's, which end in CR alone
    found = (_YAML if text[0] == "-" else _TOML).match(lines, 0, MAX_CHARACTERS)
    if found is None or (found.end() == MAX_CHARACTERS < len(text) and lines[found.end() - 1] != "\n"):
        return _stays_text(lines, f"no closing line in the first {MAX_CHARACTERS:,} characters")
    fields = _read(text[0], found["fields"])
    if fields is None:
        return _stays_text(lines, "a line above the closing one can't belong to a field")
    if fields.unreadable:
        fields.values[ERROR] = "; ".join(fields.unreadable)[:1000]
    return FrontMatter(
        text[: found.end()], fields.values, date_of(fields.values, date_fields), tuple(fields.unreadable)
    )


_NONE = FrontMatter("", {}, None)


def _read(fence: str, fields: str) -> Fields | None:
    # A heading between blank lines is no comment, and the line that seemed to close it is a rule.
    if _HEADING.search(f"\n{fields}") and _BLANK_END.search(f"\n{fields}"):
        return None
    # Imported when first needed: a run that finds nothing new parses nothing.
    if fence == "+":
        from batchwright.documents.toml_fields import read_toml

        return read_toml(fields)
    from batchwright.documents.yaml_fields import read_yaml

    return read_yaml(fields)


def _stays_text(text: str, reason: str) -> FrontMatter:
    if not _LOOKS_LIKE_FIELDS.match(text, 0, MAX_CHARACTERS):
        return _NONE
    return FrontMatter("", {}, None, (f"it stays in the text: {reason}",))
