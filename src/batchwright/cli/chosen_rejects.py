"""Which rejects a command means, by options that `batchwright rejects` has again and again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from batchwright.values import dataclass

if TYPE_CHECKING:
    from batchwright.contracts.receipts import Reject
    from batchwright.target import Target as Loaded

Ids = Annotated[
    list[str] | None,
    typer.Argument(metavar="ID", help="Only these; short ids will do.", show_default=False),
]
All = Annotated[bool, typer.Option("--all", help="All rejects there are.")]


@dataclass(frozen=True, slots=True)
class Filters:
    """What the rejects that are meant have in common; without any, every reject is meant."""

    run: Annotated[str | None, typer.Option("--run", metavar="RUN", help="Only those of this run.")] = None
    key: Annotated[str | None, typer.Option("--source", metavar="FILE", help="Only of this document.")] = None
    error: Annotated[
        str | None,
        typer.Option("--error", metavar="E", help="Only with this in the error's class, or this SQLSTATE."),
    ] = None

    def __bool__(self) -> bool:
        return bool(self.run or self.key or self.error)

    def rejects(self, target: Loaded, ids: Sequence[str] | None = None) -> Iterator[Reject]:
        """Yield the rejects of the target that are meant, of all or of those with these ids."""
        return target.rejects(*ids or (), run=self.run, key=self.key, error=self.error)
