"""``batchwright plan``: what a run would do."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from batchwright.cli.options import General, Load
from batchwright.cli.terminal import Style, Terminal
from batchwright.contracts import exits
from batchwright.errors import ConfigError
from batchwright.visible import one_line

if TYPE_CHECKING:
    from batchwright.config import BatchConfig
    from batchwright.contracts.events import ItemLeftOut
    from batchwright.engine.reading.changes import Change
    from batchwright.operations.plan import Plan

_STYLES: dict[str, Style] = {"added": "green", "changed": "yellow", "failed": "red", "deleted": "red"}
_STATES = ("added", "changed", "unchanged", "refused", "deleted", "failed")


def plan(load: Load, general: General) -> int:
    """Show what `run` would do, and write nothing.

    With -v each document is listed, and the first of what is left out; with --json all of them.

    Exit codes: 0 the run could begin, 1 it would fail, 2 usage or configuration, or more texts to embed than
    max_tokens allows.
    """
    from batchwright.cli import logs, settings, several
    from batchwright.cli.run import with_defaults

    terminal = general.terminal()
    arguments = {**load.settings(), "plugins": general.plugins}
    configs = [
        with_defaults(settings.load_with_source(terminal, arguments, load.config, source))
        for source in load.sources or (None,)
    ]
    logs.configure(terminal)
    if len(configs) == 1:
        return _plan(configs[0], terminal)
    several.check_apart(configs)
    return several.each(configs, partial(_plan, terminal=terminal), terminal)


def _plan(chosen: BatchConfig, terminal: Terminal) -> int:
    from batchwright import target
    from batchwright.cli import left_out

    lists: dict[str, list[dict[str, Any]]] = {state: [] for state in _STATES}

    def note(change: Change) -> None:
        if terminal.json:
            lists[change.state].append(_values(change))
        elif terminal.verbosity:
            terminal.say(_line(change, terminal))

    terminal.keep_stdout()
    made = target.Target(chosen).plan(note if terminal.json or terminal.verbosity else None)
    if not made.documents:
        raise ConfigError(left_out.no_documents(chosen, made.left_out))
    code = exits.USAGE if made.too_much else exits.FAILED if made.refusal else exits.DONE
    if terminal.verbosity and not terminal.json:
        for item in made.named:
            terminal.say(_left_out(item, terminal))
    if terminal.json:
        terminal.say_json(_as_json(made, lists, chosen, code))
    else:
        terminal.say("\n".join(_in_words(made, chosen, terminal)))
    for why in filter(None, [made.refusal, made.too_much]):
        terminal.tell_error(why)
    return code


def _values(change: Change) -> dict[str, Any]:
    values: dict[str, Any] = {"key": change.key, "records": _records(change), "bytes": _size(change)}
    return values | ({"reason": change.reason} if change.reason else {})


def _records(change: Change) -> int:
    """Return how many records a run would write, leave alone, or remove."""
    if change.version is None or change.state == "refused":
        return 0
    there = change.state in ("unchanged", "deleted") and change.known is not None
    return change.version.records - (change.known.rejected if there and change.known else 0)


def _size(change: Change) -> int:
    return change.version.size if change.version else change.size


def _as_json(
    made: Plan, lists: dict[str, list[dict[str, Any]]], config: BatchConfig, code: int
) -> dict[str, Any]:

    figures = asdict(made)
    counts = {state: figures.pop(state) for state in _STATES}
    figures["bytes"] = figures.pop("size")
    vectors = {
        name: figures.pop(name) for name in ("embedder", "model", "host", "texts", "tokens", "too_much")
    }
    figures["vectors"] = vectors if made.embedder else None
    figures["left_out_counts"], figures["left_out"] = figures.pop("left_out"), figures.pop("named")
    return {
        "source": config.source_shown,
        "target": config.target_shown,
        "exit_code": code,
        "documents": counts,
        **figures,
        "lists": lists,
    }


def _line(change: Change, terminal: Terminal) -> str:
    from batchwright.plurals import counted

    state = f"{change.state:<10}"
    shown = terminal.style(state, _STYLES[change.state]) if change.state in _STYLES else state
    rest = change.reason or counted(_records(change), "record")
    return f"{shown}  {one_line(change.key)}  {terminal.style(one_line(rest), 'dim')}"


def _left_out(item: ItemLeftOut, terminal: Terminal) -> str:
    why = f"{item.reason}{item.what and f': {item.what}'}"
    return f"{'left out':<10}  {one_line(item.key)}  {terminal.style(one_line(why), 'dim')}"


def _in_words(made: Plan, config: BatchConfig, terminal: Terminal) -> list[str]:
    from batchwright.cli import left_out, summary
    from batchwright.plurals import counted, size

    title = terminal.style("plan", "bold")
    blank = [""] if terminal.verbosity else []
    fresh = "" if made.exists else " (nothing is loaded there yet)"
    place = f"{config.target_shown}, collection {made.collection}{fresh}"
    lines = [*blank, f"{title}: {one_line(f'{config.source_shown} to {place}')}", ""]
    documents = {state: getattr(made, state) for state in _STATES} | {"not fetched": made.unfetched}
    records = {"to write": made.records, "to leave alone": made.records_unchanged}
    if made.removed:
        documents["removed"] = made.removed
        records["to remove"] = made.records_removed
    about = "" if made.batches_exact or made.batches < 2 else "up to " if config.adaptive else "about "
    rows = [
        ("documents", f"{made.documents:,}", summary.parts(documents)),
        ("records", f"{sum(records.values()):,}", summary.parts(records)),
        ("batches", f"{about}{made.batches:,}", ""),
        ("to load", size(made.size), ""),
    ]
    if made.embedder:
        where = f"sent to {made.host}" if made.host else "embedded on this machine"
        rest = f"about {counted(made.tokens, 'token')}, {where}, by {made.embedder} ({made.model})"
        rows.append(("texts", f"{made.texts:,}", one_line(rest)))
    width = max(len(total) for _, total, _ in rows)
    lines += [f"  {noun:<10}{total:>{width}}   {rest}".rstrip() for noun, total, rest in rows]
    lines += summary.executor(made.executor, config)
    several = sum(made.formats.values()) > 1
    for said, files in made.formats.items():
        of = f" ({counted(files, 'file')})" if several else ""
        lines.append(f"  format: {one_line(said)}{of}")
    if made.columns:
        fields = ", ".join(f"{name} ({kind})" for name, kind in made.columns.items())
        lines.append(f"  columns: {one_line(fields)}")
        lines += [f"    {one_line(note)}" for note in made.notes]
    if made.left_out:
        lines.append(f"  left out: {left_out.in_words(made.left_out)}")
    if made.deleted and not made.removed and not config.prune:
        lines += ["", "deleted from the input, to stay in the target (remove them: --prune)"]
    return lines
