"""Show text that others wrote: what a terminal would obey, or hide, is written as escapes."""

from __future__ import annotations

import json
import re
from typing import Any

_HIDDEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, except tab and line feed
    "\xad\u061c\u180e\u200b\u200e\u200f\u2060-\u206f\ufeff\ufff9-\ufffb"  # of no width, marks of direction
    "\u2028-\u202e"  # separators, and overrides of direction
    "\ud800-\udfff"  # lone surrogates, which no encoding takes
    "\U000e0000-\U000e007f"  # tags, which nothing shows
    "]"
    # joiners belong between letters of other scripts and in emoji; beside ASCII they only deceive
    "|[\u200c\u200d](?![^\x00-\x7f])|(?<![^\x00-\x7f])[\u200c\u200d]"
)


def visible(text: str) -> str:
    r"""Return the text with what a terminal would obey, or not show, as escapes (``\x1b``, ``\u202e``).

    Line feeds and tabs stay. Doing it twice changes nothing more.
    """
    return _HIDDEN.sub(_escape, text)


def one_line(text: str) -> str:
    """Return the text likewise on one line, every run of white space in it a single space."""
    return visible(" ".join(text.split()))


def json_text(value: Any, **how: Any) -> str:
    """Return the value as JSON in which every character that a terminal would obey is an escape.

    Args:
        value: The value.
        how: As for `json.dumps`.
    """
    return json.dumps(value, **how).replace("\x7f", "\\u007f")  # all others are escaped by json itself


def _escape(found: re.Match[str]) -> str:
    return found.group().encode("unicode_escape").decode("ascii")
