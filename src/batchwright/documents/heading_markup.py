"""A heading with markup, as a reader of the page sees it; apart from `headings`, as most have none."""

from __future__ import annotations

import re
from html import unescape

_ATTRIBUTES = re.compile(
    r"\{[ \t]*+ (?: [#.][A-Za-z_][^\s{}]* | :[^{}]* | -[ \t]* | /\*[^{}]*\*/ ) [^{}]* \}", re.VERBOSE
).fullmatch
_CLOSING_HASHES = re.compile(r"(?:\A|[ \t])#+\Z")
_LITERAL = re.compile(r"(`+)(.+?)(?<!`)\1(?!`)|\\([!-/:-@\[-`{-~])")
_UNSEEN = re.compile(
    r"<!--.*?-->|\[\^[^\[\]]*\]"
    r"|<(?:a|abbr|b|bdi|big|br|center|cite|code|del|details|dfn|div|em|font|h[1-6]|hr|i|img|ins|kbd|li|mark|ol"
    r"|p|picture|q|ruby|rt|s|samp|small|source|span|strike|strong|sub|summary|sup|svg|table|tt|u|ul|var|video"
    r"|wbr)[ \t]*/?>"
    r"|<[A-Za-z][\w.-]*(?:[ \t]+[\w.:@-]+(?:=(?:\"[^\"]*\"|'[^']*'|\{[^{}]*\}|[^\s\"'<>`=]+)))+[ \t]*/?>"
    r"|<[A-Za-z][\w.-]*[ \t]*/>|</[A-Za-z][\w.-]*[ \t]*>",
)
_AUTOLINK = re.compile(r"<((?:https?|ftp|mailto):[^\s<>]+)>")
_LINK = re.compile(r"!?\[([^\[\]]*)\](?:\((?:[^()]|\([^()]*\))*\)|\[[^\[\]]*\])")
_STRESSED = re.compile(
    r"(?<!\*)(\*{1,3})(?![\s*])(.+?)(?<![\s*])\1(?!\*)"
    r"|(?<![\w_])(_{1,3})(?![\s_])(.+?)(?<![\s_])\3(?![\w_])"
    r"|(?<!~)(~~)(?![\s~])(.+?)(?<![\s~])~~(?!~)"
)

# What is literal, such as code, is hidden from the other rules behind private characters.
_MARKUP = "*_~[]<>&!`\\"
_HIDE = {ord(character): chr(0xF700 + number) for number, character in enumerate(_MARKUP)}
_SHOW = {ord(hidden): chr(character) for character, hidden in _HIDE.items()}


def without_markup(title: str) -> str:
    """Return a heading's text; see `headings.clean_heading`."""
    title = title.strip()
    if title.endswith("}") and _ATTRIBUTES(title, at := title.rfind("{")):
        title = title[:at].rstrip()
    if title.endswith("#"):
        title = _CLOSING_HASHES.sub("", title)
    if "`" in title or "\\" in title:
        title = _LITERAL.sub(_hidden, title)
    if "<" in title or "[^" in title:
        title = _AUTOLINK.sub(r"\1", _UNSEEN.sub("", title))
    if "[" in title:
        for _ in range(2):  # an image may be a link's text
            title = _LINK.sub(r"\1", title)
    count = 3 if "*" in title or "_" in title or "~~" in title else 0
    while count:
        title, found = _STRESSED.subn(lambda found: found[2] or found[4] or found[6], title)
        count = count - 1 if found else 0
    if "&" in title:
        title = unescape(title)
    return " ".join(title.translate(_SHOW).split())


def _hidden(found: re.Match[str]) -> str:
    literal = found[3] if found[2] is None else found[2].strip() or found[2]
    return literal.translate(_HIDE)
