"""HTML to Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from batchwright import Omission
from batchwright.documents.left_out import IMAGE, MEDIA, NAVIGATION, NESTED
from batchwright_formats.escaping import escape_converted
from batchwright_formats.shown import shown

NAVIGATION_SELECTORS = ("nav", '[role="navigation"]')
_CONTROLS = ("button", "select", "datalist", "input", "textarea")

# What isn't closed reaches to the end, so that no text is read twice.
_OBJECTS = re.compile(
    r"""<!--.*?(?:-->|\Z)
      | <(?P<hidden>script|style|template|noscript|textarea|title)\b.*?(?:</(?P=hidden)\b|\Z)
      | (?P<image><(?:img|svg|canvas)\b[^>]{0,300})
      | (?P<media><(?:video|audio|iframe|object|embed)\b[^>]{0,300})
      | (?P<navigation><nav\b[^>]{0,300})
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)

# The converter takes quadratic time over the attributes of one tag.
_MOST_ATTRIBUTES = 5_000
_CROWDED = re.compile(
    rf"""<!--.*?(?:-->|\Z)
       | <(?P<hidden>script|style)\b.*?(?:</(?P=hidden)\b|\Z)
       | <[A-Za-z]
         (?: (?: (?:"[^"]*+"|'[^']*+'|[^\s"'>/])*+ [\s/]++ ){{{_MOST_ATTRIBUTES}}} (?P<crowded>) | [^>]*+ )
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_PREFORMATTED = re.compile(r"<pre\b.*?(?:</pre\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_LINK_TAG = re.compile(r"</?a(?:\s[^<>]*)?>", re.IGNORECASE)
_ANCHOR = re.compile(
    r"""^(\#{1,6}[ ][^\n]*?)[ ]?\[(?:[§¶#🔗]|\\\#)?\]\(\#[^)\s]{0,300}(?:[ ]"[^"\n]{0,200}")?\)""",
    re.VERBOSE | re.MULTILINE,
)


class Markdown(NamedTuple):
    """A text, and what the converter had to leave out of it."""

    text: str
    left_out: tuple[Omission, ...] = ()


def markdown_of(html: str, exclude: Iterable[str] = ()) -> Markdown:
    """Return HTML as Markdown, without what a browser doesn't show, and without forms' controls.

    Args:
        html: The HTML.
        exclude: CSS selectors of what else is left out.

    Raises:
        ValueError: It can't be converted; says why.
    """
    from html_to_markdown import ConversionError, ConversionOptions, PreprocessingOptions, convert

    options = ConversionOptions(
        extract_metadata=False,
        preprocessing=PreprocessingOptions(enabled=False),
        inline_data_media="alt_text_only",
        exclude_selectors=[*_CONTROLS, *exclude],
        compact_tables=True,
        url_escape_style="angle",
    )
    if any(found.lastgroup == "crowded" for found in _CROWDED.finditer(html)):
        raise ValueError(f"a tag of it has more than {_MOST_ATTRIBUTES:,} attributes; exclude it")
    # A fence shows a link's Markdown as it stands.
    html = _PREFORMATTED.sub(lambda found: _LINK_TAG.sub("", found[0]), html)
    try:
        result = convert(html, options)
    except ConversionError as error:
        raise ValueError(f"it can't be converted ({shown(str(error))})") from error
    left_out = [
        Omission(NESTED, shown(warning.message))
        for warning in result.warnings
        if str(warning.kind) == "depth_limit_exceeded"
    ]
    text = _ANCHOR.sub(r"\1", escape_converted(result.content or ""))  # a heading's link to itself
    return Markdown(text, tuple(left_out[:1]))


def objects_in(html: str) -> Iterator[Omission]:
    """Yield the images, other media and navigation bars in HTML, each with its line."""
    line, at = 1, 0
    reasons = {"image": IMAGE, "media": MEDIA, "navigation": NAVIGATION}
    for found in _OBJECTS.finditer(html):
        if reason := reasons.get(found.lastgroup or ""):
            line += html.count("\n", at, found.start())
            at = found.start()
            yield Omission(reason, f"line {line}: {shown(found[0])}")
