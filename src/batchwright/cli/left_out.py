"""What was left out, in one line."""

from __future__ import annotations

from collections.abc import Mapping

from batchwright.config import BatchConfig
from batchwright.documents.left_out import (
    CLEANED,
    EMBEDDED,
    EXCLUDED_FILE,
    EXCLUDED_FOLDER,
    FIELD,
    FRONT_MATTER,
    HIDDEN_FILE,
    HIDDEN_FOLDER,
    LINK,
    NO_READER,
    OUTSIDE_PATTERNS,
)

_COLUMNS = 110

_WORDS: Mapping[str, tuple[str, str]] = {
    LINK: ("link not followed", "links not followed"),
    FRONT_MATTER: ("front matter unreadable", "front matters unreadable"),
    FIELD: ("front matter field unreadable", "front matter fields unreadable"),
    CLEANED: ("character cleaned", "characters cleaned"),
    EMBEDDED: ("data URI", "data URIs"),
    NO_READER: ("{}", "{}"),
    OUTSIDE_PATTERNS: ("{} outside the patterns", "{} outside the patterns"),
    EXCLUDED_FOLDER: ("excluded folder", "excluded folders"),
    EXCLUDED_FILE: ("excluded file", "excluded files"),
    HIDDEN_FOLDER: ("hidden folder", "hidden folders"),
    HIDDEN_FILE: ("hidden file", "hidden files"),
}
"""In this order, with what stands for one and for several; braces take the ending of the files."""


def in_words(counts: Mapping[str, int], hint: str = "--json") -> str:
    """Return what was left out, for a person: ``12 .png, 3 .pdf, 2 links not followed``.

    What doesn't fit is counted; `hint` says how to see all.
    """
    order = list(_WORDS)
    found = []
    for reason, count in counts.items():
        name, _, ending = reason.partition(": ")
        words = _WORDS.get(name, (reason, reason))[count != 1]
        place = order.index(name) if name in _WORDS else len(order)
        found.append((place, -count, f"{count:,} {words.format(ending)}"))
    shown: list[str] = []
    room = _COLUMNS
    for _, _, words in sorted(found):
        room -= len(words) + 2
        if room < 0:
            break
        shown.append(words)
    more = len(found) - len(shown)
    rest = f" and {more} more ({hint})" if more else ""
    return ", ".join(shown) + rest


def no_documents(config: BatchConfig, counts: Mapping[str, int]) -> str:
    """Return that nothing was found, and what was left out."""
    text = f"no documents match {', '.join(config.patterns)} in {config.folder}"
    if counts:
        text += f"; left out: {in_words(counts)}"
    return f"{text} (follow_symlinks = true follows them)" if LINK in counts else text
