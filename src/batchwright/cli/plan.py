"""``batchwright plan``: what a run would do."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from batchwright.cli import exits
from batchwright.cli.options import (
    AsJson,
    BatchSize,
    ChunkMaxTokens,
    ConfigFile,
    Directory,
    ExtraPlugins,
    Prune,
    PruneLimit,
    Target,
    Verbose,
    Workers,
)
from batchwright.cli.terminal import Style, Terminal
from batchwright.errors import ConfigError

if TYPE_CHECKING:
    from batchwright.config import BatchConfig
    from batchwright.operations.plan import Plan, Planned

_STYLES: dict[str, Style] = {"added": "green", "changed": "yellow", "unreadable": "red", "deleted": "red"}
_CHANGES = ("added", "changed", "unchanged", "deleted", "unreadable")


def plan(
    context: typer.Context,
    directory: Directory = None,
    to: Target = None,
    config: ConfigFile = None,
    batch_size: BatchSize = None,
    chunk_max_tokens: ChunkMaxTokens = None,
    workers: Workers = None,
    plugin: ExtraPlugins = None,
    prune: Prune = None,
    prune_limit: PruneLimit = None,
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> int:
    """Show what `run` would do, and write nothing.

    With -v each document is listed; with --json all of them.

    Exit codes: 0 the run could begin, 1 it would fail, 2 usage or configuration.
    """
    from batchwright.cli import logs, settings
    from batchwright.cli.run import with_defaults
    from batchwright.operations.plan import plan as make_plan
    from batchwright.plugins.manager import PluginManager

    terminal: Terminal = context.obj
    terminal.adopt(as_json=as_json, verbosity=verbose)
    arguments = {
        "input_dir": directory,
        "to": to,
        "batch_size": batch_size,
        "chunk_max_tokens": chunk_max_tokens,
        "workers": workers,
        "plugins": plugin or None,
        "prune": prune,
        "prune_limit": prune_limit,
    }
    chosen = with_defaults(settings.load(terminal, arguments, config))
    logs.configure(terminal)
    lists: dict[str, list[dict[str, Any]]] = {change: [] for change in _CHANGES}

    def note(planned: Planned) -> None:
        if terminal.json:
            lists[planned.change].append(_values(planned))
        elif terminal.verbosity:
            terminal.say(_line(planned, terminal))

    with settings.located(chosen):
        manager = PluginManager.load(extra=chosen.plugins, disable=chosen.disable_plugins)
        made = make_plan(chosen, manager, note)
    if not made.documents:
        raise ConfigError(f"no documents match {', '.join(chosen.patterns)} in {chosen.input_dir}")
    code = exits.FAILED if made.refusal else exits.DONE
    if terminal.json:
        terminal.say_json(_as_json(made, lists, chosen, code))
    else:
        terminal.say("\n".join(_in_words(made, chosen, terminal)))
    if made.refusal:
        terminal.tell_error(made.refusal)
    return code


def _values(planned: Planned) -> dict[str, Any]:
    values: dict[str, Any] = {
        "source_file": planned.source_file,
        "records": planned.records,
        "bytes": planned.size,
    }
    return values | ({"reason": planned.reason} if planned.reason else {})


def _as_json(
    made: Plan, lists: dict[str, list[dict[str, Any]]], config: BatchConfig, code: int
) -> dict[str, Any]:
    from batchwright.cli import summary

    figures = asdict(made)
    counts = {change: figures.pop(change) for change in _CHANGES}
    figures["bytes"] = figures.pop("size")
    return {
        "source": str(config.input_dir),
        "target": summary.target(config),
        "exit_code": code,
        "documents": counts,
        **figures,
        "lists": lists,
    }


def _line(planned: Planned, terminal: Terminal) -> str:
    from batchwright.cli.table import counted, printable

    change = f"{planned.change:<10}"
    shown = terminal.style(change, _STYLES[planned.change]) if planned.change in _STYLES else change
    rest = planned.reason or counted(planned.records, "record")
    return f"{shown}  {printable(planned.source_file)}  {terminal.style(rest, 'dim')}"


def _in_words(made: Plan, config: BatchConfig, terminal: Terminal) -> list[str]:
    from batchwright.cli import summary

    title = terminal.style("plan", "bold")
    blank = [""] if terminal.verbosity else []
    fresh = "" if made.exists else " (nothing is loaded there yet)"
    lines = [*blank, f"{title}: {config.input_dir} to {summary.target(config)}{fresh}", ""]
    documents = {change: getattr(made, change) for change in _CHANGES}
    records = {"to write": made.records, "to leave alone": made.records_unchanged}
    if made.pruned:
        documents["removed"] = made.pruned
        records["to remove"] = made.records_deleted
    about = "" if made.batches_exact or made.batches < 2 else "up to " if config.adaptive else "about "
    rows = [
        ("documents", f"{made.documents:,}", summary.parts(documents)),
        ("records", f"{sum(records.values()):,}", summary.parts(records)),
        ("batches", f"{about}{made.batches:,}", ""),
        ("to load", summary.size(made.size), ""),
    ]
    width = max(len(total) for _, total, _ in rows)
    lines += [f"  {noun:<10}{total:>{width}}   {rest}".rstrip() for noun, total, rest in rows]
    if made.deleted and not config.prune:
        lines += ["", "gone from the input, to stay in the target (remove them: --prune)"]
    return lines
