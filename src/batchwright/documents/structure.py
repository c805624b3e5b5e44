r"""The outline of a Markdown text: its top-level headings, and the blocks that should stay whole.

One regular expression looks at the start of every line and finds the few that open a heading, a
fence, an HTML block or displayed math; `re` skips everything else. The rules are
CommonMark's (https://spec.commonmark.org), at the top level and, for fences, inside list items and
admonitions (``!!! note``, ``??? note``, ``=== "Tab"``); headings inside of these and of block quotes
are text of their section. It is coarser than CommonMark in that every quote or list item is taken to
end in a paragraph, which the next line may continue, and in that tables and link definitions are
paragraphs. Quantifiers are possessive, so that no text, however made, is read more than a fixed number
of times.

Positions: the scanner works on ``"\n" + text``, so that every line has a line feed before it. The
index of that line feed there is the index of the line's first character in the text.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from batchwright.documents.headings import clean_heading

MAX_TITLE = 1000  # also in the expressions below

# In an alternation, `re` passes over what begins with another character, but only where the character
# comes first, before any group: hence the order inside, and `#` and `<` outside their groups.
_BLOCK = re.compile(
    r"""
    \n ([ \t]*+) (?= [\#`~<=+*0-9$\\-] ) (?:
      \# (?P<hashes> \#{0,5} ) (?= [ \t\n] | \Z ) (?P<atx> [^\n]{0,1000}+ ) [^\n]*+
    | < (?:
        (?P<raw> (?i: script | pre | style | textarea ) ) (?= [ \t>\n] | \Z )
      | math (?P<mathml> ) (?= [ \t>\n] )
      | !-- (?P<comment> )
      | \? (?P<instruction> )
      | !\[CDATA\[ (?P<cdata> )
      | ![A-Za-z] (?P<declaration> )
      | (?P<block> /? (?i:
            address | article | aside | base | basefont | blockquote | body | caption | center | col
          | colgroup | dd | details | dialog | dir | div | dl | dt | fieldset | figcaption | figure
          | footer | form | frame | frameset | h[1-6] | head | header | hr | html | iframe | legend | li
          | link | main | menu | menuitem | nav | noframes | ol | optgroup | option | p | param | search
          | section | summary | table | tbody | td | tfoot | th | thead | title | tr | track
          | ul ) ) (?= [ \t>\n] | /> | \Z )
      | (?P<tag> (?: [A-Za-z][A-Za-z0-9-]*+
            (?: [ \t]++ [A-Za-z_:][\w.:-]*+
                (?: [ \t]*+ = [ \t]*+ (?: [^ \t\n"'=<>`]++ | '[^'\n]*+' | "[^"\n]*+" ) )?+ )*+
            [ \t]*+ /?+
          | /[A-Za-z][A-Za-z0-9-]*+ [ \t]*+ ) > ) [ \t]*+ (?= \n | \Z )
      )
    | = (?P<double> =*+ ) [ \t]*+ (?= \n | \Z )
    | (?: (?: [-+*] | \d{1,9}+[.)] ) [ \t]++ )*+
      (?P<fence> `{3,}+ (?= [^`\n]*+ (?: \n | \Z ) ) | ~{3,}+ )
    | - (?P<single> -*+ ) [ \t]*+ (?= \n | \Z )
    | \$\$ (?P<math> [^$\n]*+ ) (?= \n )
    | \\ (?: \\?+\[ (?P<bracket> (?: [^\\\n]++ | \\(?!\]) )*+ ) (?= \n )
           | begin\{ (?P<environment> (?:
                align(?:at|ed|edat)? | array | [bBpvV]?matrix | d?cases | displaymath | eqnarray | equation
              | flalign | gather(?:ed)? | math | multline | multlined | smallmatrix | split | subequations
             )\*?+ ) \} )
    )
    """,
    re.VERBOSE,
)
_ENDS = {
    "raw": re.compile(r"</(?:script|pre|style|textarea)>", re.IGNORECASE),
    "comment": re.compile("-->"),
    "instruction": re.compile(r"\?>"),
    "cdata": re.compile("]]>"),
    "declaration": re.compile(">"),
}
_FIRST_TITLE = re.compile(r"(?:[ \t]*+\r?\n)*+ {0,3}+#(?=[ \t\r\n]|\Z)([^\r\n]{0,1000}+)")
_MAY_BE_TITLE = re.compile(r"\n {0,3}+(?:#(?!#)|=)")
_BLANK = re.compile(r"\n[ \t]*+(?=\n|\Z)")
_LINE = re.compile(
    r"""
    \n ([ \t]*+) (?:
      (?P<blank> (?= \n | \Z ) )
    | (?P<rule> (?: (?: \*[ \t]*+ ){3,}+ | (?: _[ \t]*+ ){3,}+ | (?: -[ \t]*+ ){3,}+ ) (?= \n | \Z ) )
    | (?P<admonition> (?: !!! | \?\?\?\+? | === \+? ) [ \t]++ (?= [\w"] ) )
    | (?P<items> (?: (?: [-+*] | \d{1,9}+[.)] ) (?: [ \t]++ | (?= \n | \Z ) ) )++ )
    | (?P<other> [>|] )
    )?+
    """,
    re.VERBOSE,
)
_MATH = {"math", "bracket", "environment", "mathml"}
_LABEL = r"(?:\([^()\n]*+\)|\{[^{}\n]*+\})"
_DOLLARS_END = re.compile(rf"\$\$[ \t]*+(?:{_LABEL}[ \t]*+)?+(?=\n|\Z)")
_LONGEST_MATH = 5_000
_MARKER = re.compile(r"([-+*]|\d{1,9}[.)])([ \t]*+)")


class Outline(NamedTuple):
    """The top-level headings of a text, an entry each in the first four lists, and its blocks.

    Attributes:
        starts: Where a heading's first line starts.
        ends: Where its last line ends, behind the line feed.
        levels: 1 to 6.
        titles: What it says, with its markup, at most `MAX_TITLE` characters; see `headings.clean_heading`.
        blocks: Start and end of each fence, of displayed math, and of each HTML block that may hold blank
            lines, wherever they stand.
    """

    starts: list[int]
    ends: list[int]
    levels: list[int]
    titles: list[str]
    blocks: list[tuple[int, int]]


def with_line_feeds(text: str) -> str:
    r"""Return ``"\n" + text`` with every line end a line feed, each character in its place."""
    if "\r" in text:
        text = text.replace("\r\n", " \n").replace("\r", "\n")
    return "\n" + text


def outline(lines: str, until: int = 0) -> Outline:
    """Return the top-level headings and the blocks of a text.

    Args:
        lines: What `with_line_feeds` returned.
        until: The level of heading to stop at.
    """
    result = Outline([], [], [], [], [])
    starts, ends, levels, titles, blocks = result
    items, maths = _ListItems(lines), _MathEnds(lines)
    at = boundary = 0  # how far has been read; where the last recognised block ended
    search = _BLOCK.search
    while found := search(lines, at):
        start, kind = found.start(), found.lastgroup
        at = found.end()
        if indent := found[1]:
            column = _width(indent)
            inside = items.width_at(start, column)
            if column - inside > 3:
                continue  # indented code, or text
        else:
            column = inside = 0
        if kind == "atx":
            if inside:
                continue
            boundary = at
            items.restart(at)
            level = len(found["hashes"]) + 1
            starts.append(start)
            ends.append(at)
            levels.append(level)
            titles.append(found["atx"])
            if level == until:
                break
        elif kind == "fence":
            fence = found.start("fence")
            if fence > start + 1 + len(indent):
                inside = column + _width(lines[start + 1 + len(indent) : fence])
            limit = items.end(inside, start) if inside else len(lines)
            closing = _closing(lines[fence], at - fence, inside).search(lines, at, limit)
            at = boundary = closing.end() if closing else limit
            blocks.append((start, at))
            items.restart(at, keep=bool(inside))
        elif kind in _MATH:
            limit = min(at + _LONGEST_MATH, items.end(inside, start) if inside else len(lines))
            if (end := maths.after(found, limit)) is not None:
                at = boundary = end
                blocks.append((start, at))
                items.restart(at, keep=bool(inside))
        elif kind == "single" or kind == "double":
            first = None if inside else _paragraph(lines, start, boundary, items)
            if first is not None:
                boundary = at
                items.restart(at)
                level = 1 if kind == "double" else 2
                starts.append(first)
                ends.append(at)
                levels.append(level)
                titles.append(lines[first + 1 : min(start, first + MAX_TITLE)])
                if level == until:
                    break
            elif kind == "single" and len(found["single"]) > 1:
                boundary = at
        else:
            if kind == "tag" and _follows_text(lines, start, boundary):
                continue  # such a tag doesn't interrupt a paragraph
            limit = items.end(inside, start) if inside else len(lines)
            if kind in _ENDS:
                closing = _ENDS[kind].search(lines, start + 2, limit)
                at = boundary = _line_end(lines, closing.end()) if closing else limit
                blocks.append((start, at))
            else:
                closing = _BLANK.search(lines, at, limit)
                at = boundary = closing.start() if closing else limit
            items.restart(at, keep=bool(inside))
    return result


def first_title(text: str) -> str:
    """Return the first top-level heading of level 1, without its markup; empty if there is none."""
    if first := _FIRST_TITLE.match(text):
        return clean_heading(first[1])  # nothing above it that it could be part of
    lines = with_line_feeds(text)
    if _MAY_BE_TITLE.search(lines) is None:
        return ""
    found = outline(lines, until=1)
    return clean_heading(found.titles[-1]) if found.levels and found.levels[-1] == 1 else ""


class _ListItems:
    """Follows list items down the text, only as far as it is asked, to tell what lies inside one."""

    def __init__(self, lines: str) -> None:
        self._lines = lines
        self._at = 0
        self._widths: list[int] = []  # the column where each open item's content begins
        self._after_blank = False
        self._end = (0, 0)

    def restart(self, at: int, keep: bool = False) -> None:
        """Go on at `at`; unless `keep`, outside of any list."""
        self._at = at
        self._after_blank = False
        if not keep:
            self._widths.clear()

    def width_at(self, start: int, column: int) -> int:
        """Return where the content of the item around a block at `column` begins; 0 outside of lists."""
        widths = self._widths
        for found in _LINE.finditer(self._lines, self._at, start):
            if found["blank"] is not None:
                self._after_blank = True
                continue
            indent = _width(found[1])
            if found["items"] and indent < (widths[-1] if widths else 0) + 4:
                self._close(indent)
                for marker, space in _MARKER.findall(found["items"]):
                    gap = _width(space)
                    indent += len(marker) + (gap if 0 < gap < 5 else 1)
                    widths.append(indent)
            elif found["admonition"] and indent < (widths[-1] if widths else 0) + 4:
                self._close(indent)
                widths.append(indent + 4)
            elif self._after_blank or found["rule"] or found["other"] == ">":
                self._close(indent)  # otherwise it may be a lazy continuation
            self._after_blank = False
        self._at = max(self._at, start)
        self._close(column)
        return widths[-1] if widths else 0

    def end(self, width: int, start: int) -> int:
        """Return where the item whose content begins at column `width` ends, seen from `start`."""
        known, end = self._end
        if known != width or start >= end:
            outdented = _outdented(min(width, 40)).search(self._lines, start + 1)
            self._end = (width, outdented.start() if outdented else len(self._lines))
        return self._end[1]

    def _close(self, column: int) -> None:
        while self._widths and column < self._widths[-1]:
            self._widths.pop()


def _paragraph(lines: str, underline: int, boundary: int, items: _ListItems) -> int | None:
    """Return where the paragraph above a setext underline begins; None if there is none at top level."""
    first = None
    column = 0
    line = underline
    while line > boundary:
        line = lines.rfind("\n", boundary, line)
        found = _LINE.match(lines, line)
        kind = found.lastgroup if found else None
        if kind == "items" and found and _is_text(lines, found, boundary):
            kind = None
        elif kind == "items" and first is not None and lines.startswith("\n", found.end() if found else 0):
            break  # an empty item, which has no paragraph to continue
        if kind in ("items", "other"):
            return None  # the underline is then text of, or a rule below, a list, quote or table
        if kind is not None:
            break
        indent = _width(found[1]) if found else 0
        if indent <= 3:  # further in, it is code if it comes first
            first, column = line, indent
    if first is None or (column and items.width_at(first, column)):
        return None
    return first


def _is_text(lines: str, item: re.Match[str], boundary: int) -> bool:
    """Whether an item stands in a paragraph, which a list can only interrupt if it starts at one."""
    number = item["items"].rstrip(" \t")
    if not number[0].isdigit() or number[:-1] == "1" or item.start() <= boundary:
        return False
    above = _LINE.match(lines, lines.rfind("\n", boundary, item.start()))
    return above is not None and above.lastgroup is None


def _follows_text(lines: str, start: int, boundary: int) -> bool:
    if start <= boundary:
        return False
    above = _LINE.match(lines, lines.rfind("\n", boundary, start))
    return above is None or not (
        above.lastgroup in ("blank", "rule") or (above["items"] and lines.startswith("\n", above.end()))
    )


class _MathEnds:
    """Finds where displayed math ends; looks at each part of the text once for each way to end it."""

    def __init__(self, lines: str) -> None:
        self._lines = lines
        self._next: dict[str, int] = {}

    def after(self, opening: re.Match[str], limit: int) -> int | None:
        """Return the end of the line in which it ends; None if it doesn't before the limit."""
        at, kind = opening.end(), opening.lastgroup
        if kind == "math":
            closing = _DOLLARS_END.search(self._lines, at, limit)
            return closing.end() if closing else None
        if kind == "environment":
            end = self._find(f"\\end{{{opening[kind]}}}", at)
        elif kind == "mathml":
            end = self._find("</math>", at)
        else:
            end = self._find("\\]", at)
            if self._find("", at) < end:  # of paragraphs that begin and end with escaped brackets
                return None
        return _line_end(self._lines, end) if end < limit else None

    def _find(self, ending: str, at: int) -> int:
        """Return where such an ending is next, or a blank line; the text's length if nowhere."""
        known = self._next.get(ending, -1)
        if known < at:
            if ending:
                known = self._lines.find(ending, at)
            else:
                blank = _BLANK.search(self._lines, at)
                known = blank.start() if blank else -1
            self._next[ending] = known = len(self._lines) if known < 0 else known
        return known


def _line_end(lines: str, at: int) -> int:
    end = lines.find("\n", at)
    return len(lines) if end < 0 else end


def _width(space: str) -> int:
    return len(space.expandtabs(4)) if "\t" in space else len(space)


@lru_cache(maxsize=256)
def _closing(character: str, length: int, inside: int) -> re.Pattern[str]:
    return re.compile(rf"\n(?: {{0,{min(inside, 40) + 3}}}+|\t+){character}{{{length},}}+[ \t]*+(?=\n|\Z)")


@lru_cache(maxsize=64)
def _outdented(width: int) -> re.Pattern[str]:
    return re.compile(rf"\n {{0,{width - 1}}}+(?=[^ \t\n])")
