"""``batchwright status``: how things stand in a target."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from batchwright.cli.options import AsJson, ConfigFile, ExtraPlugins, OfCollection, Target, Verbose
from batchwright.cli.terminal import Terminal

if TYPE_CHECKING:
    from batchwright.contracts.receipts import Run


def status(
    context: typer.Context,
    to: Target = None,
    config: ConfigFile = None,
    collection: OfCollection = None,
    plugin: ExtraPlugins = None,
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> int:
    """Show the last run's account, and what the target holds."""
    from batchwright.cli import runs
    from batchwright.cli.targets import loaded
    from batchwright.operations import collections

    terminal: Terminal = context.obj
    terminal.adopt(as_json=as_json, verbosity=verbose)
    arguments = {"to": to, "collection": collection, "plugins": plugin or None}
    with loaded(terminal, arguments, config) as there:
        target = there.target
        held = [asdict(collections.held(target, one)) for one in target.collections()]
        last = next(iter(target.ledger.runs(target.collection, limit=1)), None)
    total = {name: sum(figures[name] for figures in held) for name in _COUNTED}
    if terminal.json:
        run = runs.as_values(last) if last else None
        values = {"target": target.name, "exit_code": 0, **total, "collections": held, "last_run": run}
        terminal.say_json(values)
    else:
        lines = [*_last(last, target.name, terminal), "", *_held(total, terminal), *_each(held, terminal)]
        terminal.say("\n".join(lines))
    return 0


_COUNTED = ("published", "records", "pending", "rejects")


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


def _each(held: list[dict[str, Any]], terminal: Terminal) -> list[str]:
    """Return a line a collection."""
    from batchwright.cli.table import counted, printable

    lines = ["", terminal.style("collections", "bold")]
    for figures in held:
        documents, records = counted(figures["published"], "document"), counted(figures["records"], "record")
        more = [f"{figures[name]:,} {name}" for name in ("pending", "rejects") if figures[name]]
        name, origin = printable(figures["name"]), terminal.style(printable(figures["origin"]), "dim")
        lines.append(f"  {name}: {', '.join([documents, records, *more])}  {origin}")
    return lines if held else []


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
