"""What a heading says, as a reader of the page sees it."""

from __future__ import annotations

import re

# Words between single spaces, then perhaps attributes: most titles are nothing else.
_PLAIN = re.compile(
    r"""[ \t]?+ ( [^\s\[\\<*~&{}#]++ (?: [ ] [^\s\[\\<*~&{}#]++ )*+ )
        (?: [ \t]*+ \{[ ]? [#.:][A-Za-z] [^{}`\n]*+ \} )?+ [ \t]*+""",
    re.VERBOSE,
).fullmatch
_OUTER_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])").search


def clean_heading(title: str) -> str:
    """Return a heading's text without closing hashes, attributes, links' targets, HTML and markup.

    What only looks like these is kept: ``GET /users/{id}``, ``List<String>``, ``*.patch``.
    """
    if plain := _PLAIN(title):
        words: str = plain[1]
        if "_" not in words or not _OUTER_UNDERSCORE(words):
            if "`" not in words:
                return words
            if words.count("`") % 2 == 0 and "``" not in words:
                return " ".join(words.replace("`", "").split())
    # Imported when first needed: a run that finds nothing new compiles none of its expressions.
    from batchwright.documents.heading_markup import without_markup

    return without_markup(title)
