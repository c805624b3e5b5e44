r"""Text that must not be taken for Markdown: backslashes in front of what would open a heading or a block."""

from __future__ import annotations

import re

_LEAD = r"(?P<lead>(?:[ \t]|>[ ]?|[-*+][ ]|[0-9]{1,9}[.)][ ])*+)"
_FENCE = r"(?P<fence>`{3,}+)[^`\n]*+$"
_HTML = r"(?P<html><(?=[A-Za-z/!?])(?!(?:https?|ftp|mailto):))"
_OTHER = r"(?P<other>\$\$|=++[ \t]*+$)"
_IN_MARKDOWN = re.compile(rf"^{_LEAD}(?:{_FENCE}|{_HTML}|{_OTHER})", re.MULTILINE)
_IN_PLAIN = re.compile(
    rf"""^[ \t]*+
        (?= \#{{1,6}}(?:[ \t]|$) | `{{3}} | ~{{3}} | \$\$ | =++[ \t]*+$ | -++[ \t]*+$ | {_HTML} )""",
    re.MULTILINE | re.VERBOSE,
)


def escape_converted(text: str) -> str:
    """Escape what the HTML converter leaves: lines that would begin an HTML block, a formula or a heading.

    Lines in fences stay as they are.
    """
    parts: list[str] = []
    done = at = 0
    while found := _IN_MARKDOWN.search(text, at):
        at = found.end()
        if fence := found["fence"]:
            closing = re.compile(rf"^[ \t>]*+`{{{len(fence)},}}+[ \t]*+$", re.MULTILINE).search(text, at + 1)
            if closing is None:
                break
            at = closing.end()
            continue
        place = found.end("lead")
        parts += text[done:place], "\\"
        done = place
    parts.append(text[done:])
    return "".join(parts)


def escape_plain(text: str) -> str:
    """Escape lines of a plain text that would be headings, rules, fences, formulas or HTML in Markdown."""
    return _IN_PLAIN.sub(lambda found: found[0] + "\\", text)
