"""What was left out, in one line."""

from __future__ import annotations

from collections.abc import Mapping

from batchwright.builtin.files.archive import is_archive
from batchwright.config import BatchConfig
from batchwright.config.source_url import path_of
from batchwright.documents.left_out import (
    ATTACHMENT,
    CELL_OUTPUT,
    CLEANED,
    COMMENT,
    DAMAGED,
    DELETED,
    EMBEDDED,
    EXCLUDED_FILE,
    EXCLUDED_FOLDER,
    FIELD,
    FORM,
    FORMULA,
    FRONT_MATTER,
    HIDDEN_FILE,
    HIDDEN_FOLDER,
    IMAGE,
    LINK,
    MARGIN,
    MEDIA,
    NAVIGATION,
    NESTED,
    NO_READER,
    OUTSIDE_PATTERNS,
    PAGE,
    PAGE_NUMBER,
    REPLACED,
)
from batchwright.errors import ConfigError

_COLUMNS = 110
_ENDINGS = 4

_WORDS: Mapping[str, tuple[str, str]] = {
    NO_READER: ("{}", "{}"),
    LINK: ("link", "links"),
    FRONT_MATTER: ("front matter", "front matters"),
    FIELD: ("front matter field", "front matter fields"),
    CLEANED: ("character cleaned", "characters cleaned"),
    EMBEDDED: ("data URI", "data URIs"),
    PAGE: ("page without text", "pages without text"),
    PAGE_NUMBER: ("page number", "page numbers"),
    IMAGE: ("image", "images"),
    MEDIA: ("embedded media", "embedded media"),
    FORMULA: ("formula", "formulas"),
    FORM: ("form field", "form fields"),
    COMMENT: ("comment", "comments"),
    DELETED: ("deleted text", "deleted texts"),
    MARGIN: ("header or footer", "headers or footers"),
    NAVIGATION: ("navigation", "navigations"),
    DAMAGED: ("damaged part", "damaged parts"),
    NESTED: ("place nested too deeply", "places nested too deeply"),
    CELL_OUTPUT: ("cell output", "cell outputs"),
    ATTACHMENT: ("attachment", "attachments"),
    OUTSIDE_PATTERNS: ("{} outside the patterns", "{} outside the patterns"),
    REPLACED: ("member replaced by a later one", "members replaced by later ones"),
    EXCLUDED_FOLDER: ("excluded folder", "excluded folders"),
    EXCLUDED_FILE: ("excluded file", "excluded files"),
    HIDDEN_FOLDER: ("hidden folder", "hidden folders"),
    HIDDEN_FILE: ("hidden file", "hidden files"),
}
"""In this order, with what stands for one and for several; braces take the ending of the files."""

_READ_BY = dict.fromkeys((".html", ".htm", ".xhtml", ".docx", ".docm", ".pdf"), "batchwright-formats")
_READ_BY |= dict.fromkeys((".parquet", ".pq", ".arrow", ".arrows", ".feather", ".ipc"), "batchwright-tables")
"""Which distribution of ours reads files of an ending."""


def in_words(counts: Mapping[str, int], hint: str = "--json") -> str:
    """Return what was left out, for a person: ``12 .png, 3 .pdf (pip install batchwright-formats), 2 links``.

    What doesn't fit in a line is counted; `hint` says how to see all.
    """
    order = {reason: place for place, reason in enumerate(_WORDS)}
    found: list[tuple[int, int, str]] = []
    for reason, count in _with_few_endings(counts).items():
        name, _, ending = reason.partition(": ")
        words = _WORDS.get(name, (reason, reason))[count != 1]
        found.append((order.get(name, len(order)), -count, f"{count:,} {words.format(ending)}"))
    shown: list[str] = []
    room = _COLUMNS
    named: set[str] = set()
    for _, _, words in sorted(found):
        if (distribution := _READ_BY.get(words.rpartition(" ")[2], "")) and distribution not in named:
            words += f" (pip install {distribution})"
            named.add(distribution)
        room -= len(words) + 2
        if room < 0:
            break
        shown.append(words)
    more = len(found) - len(shown)
    return ", ".join(shown) + (f" and {more} more ({hint})" if more else "")


def _with_few_endings(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the counts with the rarer endings of files without a reader added up."""
    few = dict(counts)
    endings = sorted((reason for reason in few if reason.startswith(f"{NO_READER}: ")), key=lambda r: -few[r])
    if rest := sum(few.pop(reason) for reason in endings[_ENDINGS:]):
        few[f"{NO_READER}: other files"] = rest
    return few


class NothingFound(ConfigError):
    """The source holds nothing that can be loaded."""


def no_documents(config: BatchConfig, counts: Mapping[str, int]) -> str:
    """Return that nothing was found, and what was left out."""
    what = f"match {', '.join(config.patterns)}" if config.patterns else "can be read"
    text = f"no documents {what} in {config.source_shown}"
    if counts:
        text += f"; left out: {in_words(counts)}"
    path = path_of(config.source_url)
    if path is not None and path.is_file() and not is_archive(path):
        text += "; no reader takes it: batchwright plugins lists those there are, and plain text ends in .txt"
    return f"{text} (follow_symlinks = true follows them)" if LINK in counts else text
