"""``batchwright runs``: what ran into a target, and how it ended."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from batchwright.cli.options import General, Part
from batchwright.cli.terminal import Style

if TYPE_CHECKING:
    from batchwright.contracts.account import Account
    from batchwright.contracts.receipts import Run

STYLES: dict[str, Style] = {"done": "green", "failed": "red"}
_HEADING = (
    *("RUN", "RELATION", "COLLECTION", "STARTED", "TIME", "STATE"),
    *("WRITTEN", "REJECTED", "FAILED", "DOCUMENTS"),
)
_UNFINISHED = "running or killed"


def runs(
    part: Part,
    *,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="Show so many, the latest ones.")] = 20,
    general: General,
) -> int:
    """List the runs into a target, with their accounts; the latest first."""
    from batchwright.cli.table import Table
    from batchwright.cli.targets import loaded

    terminal = general.terminal()
    with loaded(part, general, reading=True) as there:
        found = there.target.runs(limit)
        if terminal.json:
            terminal.say_json(there.as_json(runs=[as_values(run) for run in found]))
        elif found:
            styles: dict[str, Style] = {**STYLES, "interrupted": "yellow", _UNFINISHED: "yellow"}
            numbers = ("TIME", "WRITTEN", "REJECTED", "FAILED")
            hidden = () if there.has_several else ("RELATION",)
            shown = Table(terminal, _HEADING, right=numbers, styles=styles, hidden=hidden)
            shown.say([_row(run) for run in found])
        else:
            terminal.tell(f"no runs into {there.target.name} yet")
        return there.code()


def as_values(run: Run) -> dict[str, Any]:
    """Return a run as JSON values."""
    return asdict(run) | {"account": dict(run.account), "seconds": _seconds(run)}


def state_of(run: Run) -> str:
    """Return the run's state; whether one that did not end still runs can't be told from here."""
    return _UNFINISHED if run.state == "running" else run.state


def account_of(run: Run) -> Account | None:
    """Return the run's account, or None where there is none yet."""
    from batchwright.contracts.account import Account

    return Account.from_dict(run.account) if run.account else None


def _seconds(run: Run) -> float | None:
    if run.finished_at is None:
        return None
    end, start = datetime.fromisoformat(run.finished_at), datetime.fromisoformat(run.started_at)
    return (end - start).total_seconds()


def _row(run: Run) -> tuple[str, ...]:
    from batchwright.cli import summary

    account, seconds = account_of(run), _seconds(run)
    head = (
        run.run_id[:8],
        str(run.relation),
        run.collection,
        run.started_at[:19].replace("T", " "),
        "-" if seconds is None else summary.duration(seconds),
        state_of(run),
    )
    if account is None:
        return (*head, "-", "-", "-", "-")
    records, documents = account.records, asdict(account.documents)
    return (
        *head,
        f"{records.written:,}",
        f"{records.rejected:,}",
        f"{records.failed:,}",
        summary.parts(documents) or "none",
    )
