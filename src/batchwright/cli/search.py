"""``batchwright search``: full-text search over what was loaded."""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from batchwright.cli.options import (
    AsJson,
    ConfigFile,
    ExtraPlugins,
    OfCollection,
    OfTable,
    Target,
    Verbose,
)
from batchwright.cli.terminal import Terminal, has_styles, style_marks
from batchwright.errors import ConfigError
from batchwright.visible import one_line

if TYPE_CHECKING:
    from batchwright.contracts.sink import SearchHit

_MARKS = ("«", "»")


class Mode(Enum):
    """How records are found."""

    text = "text"
    vector = "vector"
    hybrid = "hybrid"


def search(
    context: typer.Context,
    text: Annotated[list[str], typer.Argument(metavar="TEXT", help="The words to look for.")],
    to: Target = None,
    config: ConfigFile = None,
    collection: OfCollection = None,
    table: OfTable = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="Show so many chunks, at most.")] = 10,
    mode: Annotated[
        Mode | None,
        typer.Option(help="By words, by vectors, or by both; default: search_mode.", show_default=False),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="Only records of which a field, or a key of the metadata, has this value. Repeatable.",
            show_default=False,
        ),
    ] = None,
    plugin: ExtraPlugins = None,
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> int:
    """Search what was loaded.

    Shows the document, the place in it, and some words around the match; the best first.
    """
    from batchwright.cli.targets import loaded

    terminal: Terminal = context.obj
    terminal.adopt(as_json=as_json, verbosity=verbose)
    query = " ".join(text).strip()
    if not query:
        raise ConfigError("there is nothing to search for; name a word")
    arguments = {"to": to, "collection": collection, "plugins": plugin or None}
    with loaded(terminal, arguments, config, table, reading=True) as there:
        hits = there.target.search(query, limit, mode=mode and mode.value, where=_conditions(where or []))
        if terminal.json:
            terminal.say_json(there.as_json(query=query, hits=[asdict(hit) for hit in hits]))
        elif hits:
            places = [_place(hit, several=there.has_several) for hit in hits]
            mixed = len({*places}) > 1
            shown = (
                _shown(hit, terminal, place if mixed else "") for hit, place in zip(hits, places, strict=True)
            )
            terminal.say("\n\n".join(shown))
        else:
            terminal.tell(f"nothing found for {query!r} in {there.target.name}")
        return there.code()


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


def _shown_marks(terminal: Terminal) -> tuple[str, str]:
    if has_styles(terminal.out):
        return style_marks("match", terminal.out)
    try:
        "".join(_MARKS).encode((terminal.out and terminal.out.encoding) or "ascii")
    except UnicodeEncodeError:
        return "[", "]"
    return _MARKS


def _shown(hit: SearchHit, terminal: Terminal, within: str) -> str:
    """Return a hit for a person; with the collection that it is in where there are hits of several."""
    place = hit.context_header.removeprefix(hit.key).removeprefix(" > ")
    width = min(100, terminal.columns)
    excerpt = textwrap.fill(
        one_line(hit.excerpt),
        width,
        initial_indent="    ",
        subsequent_indent="    ",
        break_on_hyphens=False,
    )
    for mark, shown in zip(_MARKS, _shown_marks(terminal), strict=True):
        excerpt = excerpt.replace(mark, shown)
    head = terminal.style(one_line(hit.key), "bold")
    if within:
        head = f"{one_line(within)}: {head}"
    return f"{head}  {terminal.style(one_line(place), 'dim')}".rstrip() + f"\n{excerpt}"
