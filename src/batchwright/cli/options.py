"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
