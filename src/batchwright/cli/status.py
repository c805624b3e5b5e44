"""``batchwright status``: how things stand in a target."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from batchwright.cli.options import AsJson, ConfigFile, ExtraPlugins, Target, Verbose
from batchwright.cli.terminal import Terminal

if TYPE_CHECKING:
    from batchwright.contracts.receipts import Run


def status(
    context: typer.Context,
    to: Target = None,
    config: ConfigFile = None,
    plugin: ExtraPlugins = None,
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> int:
    """Show the last run's account, and what the target holds."""
    from batchwright.cli import runs
    from batchwright.cli.targets import loaded

    terminal: Terminal = context.obj
    terminal.adopt(as_json=as_json, verbosity=verbose)
    with loaded(terminal, {"to": to, "plugins": plugin or None}, config) as there:
        ledger = there.target.ledger
        last = next(iter(ledger.runs(limit=1)), None)
        figures = {"published": 0, "records": 0, "pending": 0, "rejects": 0}
        for collection in there.target.collections():
            figures["pending"] += len(ledger.pending(collection.name))
            figures["rejects"] += ledger.reject_count(collection.name)
            for known in there.target.documents(collection.name):
                figures["published"] += 1
                figures["records"] += known.version.records - known.rejected
    if terminal.json:
        run = runs.as_values(last) if last else None
        terminal.say_json({"target": there.target.name, "exit_code": 0, **figures, "last_run": run})
    else:
        terminal.say("\n".join([*_last(last, there.target.name, terminal), "", *_held(figures, terminal)]))
    return 0


def _last(run: Run | None, target: str, terminal: Terminal) -> list[str]:
    from batchwright.cli import runs, summary

    if run is None:
        return [f"no run into {target} yet"]
    state = runs.state_of(run)
    shown = terminal.style(state, runs.STYLES.get(state, "yellow"))
    started = run.started_at[:19].replace("T", " ")
    lines = [f"last run {shown}: {run.source} to {target}", "", f"  {'started':<10}{started} UTC"]
    lines.append(f"  {'run':<10}{run.run_id}")
    account = runs.account_of(run)
    return [*lines, *summary.table(account)] if account else lines


def _held(figures: dict[str, int], terminal: Terminal) -> list[str]:
    from batchwright.cli.table import counted

    documents, records = counted(figures["published"], "document"), counted(figures["records"], "record")
    lines = [terminal.style("in the target", "bold"), f"  {'published':<10}{documents}, {records}"]
    if figures["pending"]:
        again = "begun and not finished, by a run (run again) or a program (store the rest)"
        lines.append(f"  {'pending':<10}{counted(figures['pending'], 'document version')} {again}")
    hint = "; see: batchwright rejects list" if figures["rejects"] else ""
    lines.append(f"  {'rejects':<10}{figures['rejects']:,}{hint}")
    return lines
