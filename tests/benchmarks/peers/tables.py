"""Tables of what the peers do, and how many times as fast batchwright is."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from tests.benchmarks.measuring import Spread


def times(speed: Spread | None) -> str:
    """Return how many times as fast ours is, from the speed of something else in terms of ours."""
    return f"{1 / speed.median:.1f} ({1 / speed.high:.1f}–{1 / speed.low:.1f})" if speed else ""


def show(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table; its first column is text, the others are figures."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for number, heading in enumerate(("what", *columns)):
        table.add_column(heading, justify="right" if number else "left", min_width=0 if number else 28)
    for row in rows:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 170).print(table)
