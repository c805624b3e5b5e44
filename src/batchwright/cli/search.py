"""``batchwright search``: full-text search over what was loaded."""

from __future__ import annotations

import textwrap
from contextlib import suppress
from dataclasses import asdict
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from batchwright.cli.options import EmbedderName, General, Part
from batchwright.cli.terminal import Terminal, has_styles, style_marks
from batchwright.errors import ConfigError
from batchwright.visible import one_line, visible

if TYPE_CHECKING:
    from batchwright.contracts.search import Place, SearchHit

_MARKS = ("«", "»")
_OPEN, _CLOSE = "\x02", "\x03"  # stand for the marks: what is visible has no controls
_PLACES = 3  # of the same text that are named
_SHOWN = 200  # characters of a query that found nothing


class Mode(Enum):
    """How records are found."""

    text = "text"
    vector = "vector"
    hybrid = "hybrid"


def search(
    text: Annotated[list[str], typer.Argument(metavar="TEXT", help="The words to look for.")],
    part: Part,
    *,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="Show so many chunks, at most.")] = 10,
    mode: Annotated[
        Mode | None,
        typer.Option(
            metavar="MODE", help="How: text, vector or hybrid; default: search_mode.", show_default=False
        ),
    ] = None,
    embedder: EmbedderName = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="Only records of which a field, or a key of the metadata, has this value. Repeatable.",
            show_default=False,
        ),
    ] = None,
    general: General,
) -> int:
    """Search what was loaded: words, "phrases", beginnings*, and -words that must not be there.

    Shows the document with page or line, the headings, and some words around the match; the best first.
    Behind --, words may begin with a minus: batchwright search -- kubectl apply -f
    """
    from batchwright.cli.targets import loaded

    terminal = general.terminal()
    query = " ".join(text).strip()
    if not query:
        raise ConfigError("there is nothing to search for; name a word")
    given = {"search_mode": mode and mode.value, "embedder": embedder}
    with loaded(part, general, reading=True, searching=True, **given) as there:
        hits = there.target.search(query, limit, where=_conditions(where or []))
        notes = there.target.search_notes(query)
        if terminal.json:
            hits_json = [asdict(hit) for hit in hits]
            terminal.say_json(there.as_json(query=query, notes=notes, hits=hits_json))
            return there.code()
        for note in notes:
            terminal.tell(f"note: {one_line(note)}")
        if hits:
            places = [_place(hit, several=there.has_several) for hit in hits]
            mixed = len({*places}) > 1
            shown = (
                _shown(hit, terminal, place if mixed else "") for hit, place in zip(hits, places, strict=True)
            )
            terminal.say("\n\n".join(shown))
        else:
            terminal.tell(_nothing(query, there.target.name))
        return there.code()


def _nothing(query: str, target: str) -> str:
    from batchwright.sinkkit.search.query import Query

    shown = query if len(query) <= _SHOWN else f"{query[:_SHOWN]}…"
    hint = "; all that is in quotes, and all beginnings*, must be there: try without some"
    return f"nothing found for {shown!r} in {target}{hint if Query.parse(query).required else ''}"


def _conditions(given: list[str]) -> dict[str, str]:
    found = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not name or not equals:
            raise ConfigError(f"--where {one!r}: write NAME=VALUE, as in --where category=guide")
        found[name] = value
    return found


def _place(hit: SearchHit, *, several: bool) -> str:
    return f"{hit.relation}: {hit.collection}" if several else hit.collection


def _shown_marks(terminal: Terminal, excerpt: str) -> tuple[str, str]:
    """Return what a match is shown between: a style, or signs that the text doesn't have itself."""
    if has_styles(terminal.out):
        return style_marks("match", terminal.out)
    if not any(mark in excerpt for mark in _MARKS):
        with suppress(UnicodeEncodeError):
            "".join(_MARKS).encode((terminal.out and terminal.out.encoding) or "ascii")
            return _MARKS
    return "[", "]"


def _shown(hit: SearchHit, terminal: Terminal, within: str) -> str:
    """Return a hit for a person; with the collection that it is in where there are hits of several."""
    cited, within = _cited(hit), f"{one_line(within)}: " if within else ""
    head = within + terminal.style(cited, "bold")
    place = one_line(hit.context_header.removeprefix(hit.key).removeprefix(" > "))
    if len(f"{within}{cited}  {place}") > terminal.columns:
        lines = [head, *(terminal.style(line, "dim") for line in _wrapped(place, terminal).splitlines())]
    else:
        lines = [f"{head}  {terminal.style(place, 'dim')}".rstrip()]
    lines.append(_excerpt(hit, terminal))
    if hit.places:
        more = len(hit.places) - _PLACES
        also = ", ".join(map(_cited, hit.places[:_PLACES])) + (f" and {more:,} more" if more > 0 else "")
        lines.append(_wrapped(f"also in {also}", terminal))
    return "\n".join(lines)


def _cited(place: SearchHit | Place) -> str:
    """Return where a text is: its document, with the page, or the line where there are no pages."""
    key = one_line(place.key)
    if place.page is not None:
        return f"{key}, page {place.page}"
    return key if place.line is None else f"{key}:{place.line}"


def _excerpt(hit: SearchHit, terminal: Terminal) -> str:
    """Return the excerpt, wrapped; a mark takes a column meanwhile, whatever it is."""
    pieces, at = [], 0
    for start, end in hit.marks:
        pieces += [visible(hit.excerpt[at:start]), _OPEN, visible(hit.excerpt[start:end]), _CLOSE]
        at = end
    text = _wrapped("".join([*pieces, visible(hit.excerpt[at:])]), terminal)
    opening, closing = _shown_marks(terminal, hit.excerpt)
    return text.replace(_OPEN, opening).replace(_CLOSE, closing)


def _wrapped(text: str, terminal: Terminal) -> str:
    indent = "    "
    return textwrap.fill(
        " ".join(text.split()),
        min(100, terminal.columns),
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )
