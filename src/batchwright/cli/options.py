"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from batchwright.errors import ConfigError

Target = Annotated[
    str | None,
    typer.Option("--to", metavar="URL", help="The target; default sqlite:///batchwright.db."),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings; default batchwright.toml, where there is one."),
]
ExtraPlugins = Annotated[
    list[str] | None,
    typer.Option("--plugin", metavar="P", help="A plugin to load, a .py file or a module. Repeatable."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Write the result to stdout as one JSON object.")]
Verbose = Annotated[
    int,
    typer.Option(
        "-v", "--verbose", count=True, help="Log what happens; -vv: everything.", show_default=False
    ),
]
Sources = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SOURCE...",
        help="What to load: folders, files, - for standard input, or URLs.",
        show_default=False,
    ),
]
Patterns = Annotated[
    list[str] | None,
    typer.Option(
        "--pattern",
        metavar="GLOB",
        help="Load only these files, as in '*.md'; default: all documents that can be read. Repeatable.",
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option("--exclude", metavar="GLOB", help="Leave these out, as in 'drafts/'. Repeatable."),
]
Key = Annotated[
    str | None,
    typer.Option("--key", metavar="COLUMN", help="Load rows: the column that names one."),
]
TextColumn = Annotated[str | None, typer.Option("--text", metavar="COLUMN", help="The column to search.")]
ChunkColumn = Annotated[
    str | None,
    typer.Option("--chunk", metavar="COLUMN", help="The column to cut into chunks; others are metadata."),
]
RecordModel = Annotated[
    str | None,
    typer.Option("--record", metavar="MODULE:MODEL", help="A pydantic model that rows are validated by."),
]
Types = Annotated[
    list[str] | None,
    typer.Option("--types", metavar="COLUMN=TYPE", help="What a column holds, as in zip=text. Repeatable."),
]
OnDuplicate = Annotated[
    str | None,
    typer.Option(metavar="WHAT", help="Rows with the same key: reject (default) all, or load the last."),
]
CursorColumn = Annotated[
    str | None,
    typer.Option("--cursor", metavar="COLUMN", help="Ask a query only for what changed, as in updated_at."),
]
Lag = Annotated[
    str | None,
    typer.Option("--lag", metavar="TIME", help="How far below the highest cursor to begin, as in 1h."),
]
BatchSize = Annotated[
    int | None, typer.Option(metavar="N", help="Records a batch; default: by what the target shows.")
]
ChunkMaxTokens = Annotated[
    int | None, typer.Option(metavar="N", help="Tokens a chunk, at most; default 512.")
]
Workers = Annotated[int | None, typer.Option(metavar="N", help="Writers at the same time; default 1.")]
ExecutorName = Annotated[
    str | None,
    typer.Option("--executor", metavar="NAME", help="Who loads: local, or a plugin's, such as dask."),
]
Scheduler = Annotated[
    str | None, typer.Option(metavar="URL", help="Where that executor finds its cluster, as in tcp://…:8786.")
]
IntoCollection = Annotated[
    str | None,
    typer.Option("--collection", metavar="NAME", help="What it all belongs to; default: SOURCE's name."),
]
ReportFile = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE", help="Write an HTML page about the run (batchwright-report)."),
]
OfCollection = Annotated[
    str | None,
    typer.Option("--collection", metavar="NAME", help="Only this collection; default: all of them."),
]
OfTable = Annotated[
    str | None,
    typer.Option(
        "--table", metavar="NAME", help="Only this relation of the target; default: all that were loaded."
    ),
]
Adopt = Annotated[
    bool,
    typer.Option("--adopt", help="Take over the collection of another source: it is this one, moved."),
]
Prune = Annotated[
    bool | None, typer.Option("--prune/--no-prune", help="Remove documents that are gone from SOURCE.")
]
Purge = Annotated[
    bool | None,
    typer.Option(
        "--purge/--no-purge", help="Leave nothing of what pruning removes: neither vectors nor rejects."
    ),
]
EmbedderName = Annotated[
    str | None,
    typer.Option("--embedder", metavar="NAME", help="Give records vectors, made by this embedder."),
]
PruneLimit = Annotated[
    float | None,
    typer.Option(metavar="F", help="Refuse to prune more than this share of all; default 0.5."),
]
Wait = Annotated[
    float | None,
    typer.Option(metavar="S", help="Seconds to wait for a run that has the collection; default 0."),
]


def rows_settings(
    key: str | None,
    text: str | None,
    chunk: str | None,
    record: str | None,
    types: list[str] | None,
    on_duplicate: str | None,
    cursor: str | None,
    lag: str | None,
) -> dict[str, Any]:
    """Return the settings that the options of rows say; None for one that isn't given."""
    pairs = [said.partition("=") for one in types or () for said in one.split(",")]
    for name, equals, _ in pairs:
        if not equals:
            raise ConfigError(f"--types: {name!r} says no type; write COLUMN=TYPE, as in zip=text")
    return {
        "key": key,
        "text": text,
        "chunk": chunk,
        "record": record,
        "types": {name.strip(): kind.strip() for name, _, kind in pairs} or None,
        "on_duplicate": on_duplicate,
        "cursor": cursor,
        "lag": lag,
    }
