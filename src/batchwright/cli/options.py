"""Options that several commands have: single ones, and groups of those that go together."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from batchwright.cli.terminal import Terminal
from batchwright.errors import ConfigError
from batchwright.values import dataclass

Target = Annotated[
    str | None,
    typer.Option("--to", metavar="URL", help="The target; default sqlite:///batchwright.db."),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings; default batchwright.toml, where there is one."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Write the result to stdout as one JSON object.")]
Verbose = Annotated[
    int,
    typer.Option(
        "-v", "--verbose", count=True, help="Log what happens; -vv: everything.", show_default=False
    ),
]
OfTable = Annotated[
    str | None,
    typer.Option(
        "--table", metavar="NAME", help="Only this relation of the target; default: all that were loaded."
    ),
]
ChunkMaxTokens = Annotated[
    int | None, typer.Option(metavar="N", help="Tokens a chunk, at most; default 512.")
]
EmbedderName = Annotated[
    str | None,
    typer.Option("--embedder", metavar="NAME", help="Give records vectors, made by this embedder."),
]
Wait = Annotated[
    float | None,
    typer.Option(metavar="S", help="Seconds to wait for a run that has the collection; default 0."),
]


@dataclass(frozen=True, slots=True)
class General:
    """Options of every command that loads plugins."""

    context: typer.Context
    plugins: Annotated[
        list[str] | None,
        typer.Option("--plugin", metavar="P", help="A plugin to load, a .py file or a module. Repeatable."),
    ] = None
    as_json: AsJson = False
    verbose: Verbose = 0

    def terminal(self) -> Terminal:
        """Return the command's terminal, as the options want it."""
        return adopted(self.context, self.as_json, self.verbose)


def adopted(context: typer.Context, as_json: bool, verbose: int) -> Terminal:
    """Return the command's terminal, as the options want it."""
    terminal: Terminal = context.obj
    terminal.json, terminal.verbosity = as_json, verbose
    return terminal


@dataclass(frozen=True, slots=True)
class Place:
    """A target, and the settings that lead to it."""

    to: Target = None
    config: ConfigFile = None


@dataclass(frozen=True, slots=True)
class Relation:
    """What was loaded into a target, or into one relation of it."""

    to: Target = None
    config: ConfigFile = None
    table: OfTable = None


@dataclass(frozen=True, slots=True)
class Part:
    """What was loaded into a target, or a part of it."""

    to: Target = None
    config: ConfigFile = None
    collection: Annotated[
        str | None,
        typer.Option("--collection", metavar="NAME", help="Only this collection; default: all of them."),
    ] = None
    table: OfTable = None


@dataclass(frozen=True, slots=True)
class Load:
    """What is loaded, how, and where to: the options of ``run`` and ``plan``."""

    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE...",
            help="What to load: folders, files, - for standard input, or URLs.",
            show_default=False,
        ),
    ] = None
    to: Target = None
    config: ConfigFile = None
    patterns: Annotated[
        list[str] | None,
        typer.Option(
            "--pattern",
            metavar="GLOB",
            help="Load only these files, as in '*.md'; default: all documents that can be read. Repeatable.",
        ),
    ] = None
    exclude: Annotated[
        list[str] | None,
        typer.Option("--exclude", metavar="GLOB", help="Leave these out, as in 'drafts/'. Repeatable."),
    ] = None
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="COLUMN", help="Load rows: the column that names one."),
    ] = None
    text: Annotated[str | None, typer.Option("--text", metavar="COLUMN", help="The column to search.")] = None
    chunk: Annotated[
        str | None,
        typer.Option("--chunk", metavar="COLUMN", help="The column to cut into chunks; others are metadata."),
    ] = None
    record: Annotated[
        str | None,
        typer.Option("--record", metavar="MODULE:MODEL", help="A pydantic model that rows are validated by."),
    ] = None
    types: Annotated[
        list[str] | None,
        typer.Option(
            "--types", metavar="COLUMN=TYPE", help="What a column holds, as in zip=text. Repeatable."
        ),
    ] = None
    on_duplicate: Annotated[
        str | None,
        typer.Option(metavar="WHAT", help="Rows with the same key: reject (default) all, or load the last."),
    ] = None
    cursor: Annotated[
        str | None,
        typer.Option(
            "--cursor", metavar="COLUMN", help="Ask a query only for what changed, as in updated_at."
        ),
    ] = None
    lag: Annotated[
        str | None,
        typer.Option("--lag", metavar="TIME", help="How far below the highest cursor to begin, as in 1h."),
    ] = None
    batch_size: Annotated[
        int | None, typer.Option(metavar="N", help="Records a batch; default: by what the target shows.")
    ] = None
    chunk_max_tokens: ChunkMaxTokens = None
    workers: Annotated[int | None, typer.Option(metavar="N", help="Writers at the same time; default 1.")] = (
        None
    )
    embedder: EmbedderName = None
    collection: Annotated[
        str | None,
        typer.Option("--collection", metavar="NAME", help="What it all belongs to; default: SOURCE's name."),
    ] = None
    adopt: Annotated[
        bool,
        typer.Option("--adopt", help="Take over the collection of another source: it is this one, moved."),
    ] = False
    prune: Annotated[
        bool | None, typer.Option("--prune/--no-prune", help="Remove documents that are gone from SOURCE.")
    ] = None
    prune_limit: Annotated[
        float | None,
        typer.Option(metavar="F", help="Refuse to prune more than this share of all; default 0.5."),
    ] = None

    def settings(self) -> dict[str, Any]:
        """Return the settings that the options say, by name; None for one that isn't given.

        Raises:
            ConfigError: One of them can't be understood, or fits one source only where there are several.
        """
        if self.collection is not None and len(self.sources or ()) > 1:
            raise ConfigError("--collection: several sources are several collections; load each by a command")
        given = asdict(self)
        del given["config"], given["sources"]
        return {**given, "types": self._types() or None, "adopt": self.adopt or None}

    def _types(self) -> dict[str, str]:
        pairs = [said.partition("=") for one in self.types or () for said in one.split(",")]
        for name, equals, _ in pairs:
            if not equals:
                raise ConfigError(f"--types: {name!r} says no type; write COLUMN=TYPE, as in zip=text")
        return {name.strip(): kind.strip() for name, _, kind in pairs}
