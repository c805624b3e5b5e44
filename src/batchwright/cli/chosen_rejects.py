"""Which rejects a command means, by options that `batchwright rejects` has again and again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from batchwright.cli.terminal import Terminal

if TYPE_CHECKING:
    from batchwright.contracts.receipts import Reject
    from batchwright.target import Target as Loaded

Ids = Annotated[
    list[str] | None,
    typer.Argument(metavar="ID", help="Only these; short ids will do.", show_default=False),
]
OfRun = Annotated[str | None, typer.Option("--run", metavar="RUN", help="Only those of this run.")]
OfSource = Annotated[str | None, typer.Option("--source", metavar="FILE", help="Only of this document.")]
OfError = Annotated[
    str | None,
    typer.Option("--error", metavar="E", help="Only with this in the error's class, or this SQLSTATE."),
]
All = Annotated[bool, typer.Option("--all", help="All rejects there are.")]


@dataclass(frozen=True, slots=True)
class Filters:
    """What the rejects that are meant have in common; without any, every reject is meant."""

    ids: tuple[str, ...]
    run: str | None
    key: str | None
    error: str | None

    def __bool__(self) -> bool:
        return bool(self.ids or self.run or self.key or self.error)

    def rejects(self, target: Loaded) -> Iterator[Reject]:
        """Yield the rejects of the target that are meant."""
        return target.rejects(*self.ids, run=self.run, key=self.key, error=self.error)


def adopted(context: typer.Context, as_json: bool, verbose: int) -> Terminal:
    """Return the command's terminal, as it was asked for."""
    terminal: Terminal = context.obj
    terminal.adopt(as_json=as_json, verbosity=verbose)
    return terminal
