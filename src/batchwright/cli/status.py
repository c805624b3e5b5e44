"""``batchwright status``: how things stand in a target."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from batchwright.cli.options import General, Part
from batchwright.cli.terminal import Terminal
from batchwright.visible import one_line

if TYPE_CHECKING:
    from batchwright.contracts.receipts import Run
    from batchwright.operations.collections import CollectionStatus
    from batchwright.operations.status import Status
    from batchwright.operations.vectors import VectorStatus


def status(part: Part, general: General) -> int:
    """Show the last run's account, and what the target holds."""
    from batchwright.cli import runs
    from batchwright.cli.targets import loaded

    terminal = general.terminal()
    with loaded(part, general, reading=True) as there:
        now = there.target.status()
        last = now.last_run
        if terminal.json:
            run = runs.as_values(last) if last else None
            each = [asdict(held) for held in now.collections]
            vectors = [asdict(held) for held in now.vectors]
            terminal.say_json(there.as_json(**_figures(now), collections=each, vectors=vectors, last_run=run))
        else:
            each_line = _each(now, terminal, several=there.has_several)
            lines = [*_last(last, there.target.name, terminal), "", *_held(now, terminal), *each_line]
            terminal.say("\n".join(lines))
        return there.code()


_COUNTED = ("published", "records", "pending", "rejects")


def _figures(held: Status | CollectionStatus) -> dict[str, int]:
    """Return what is held, as JSON values."""
    return {name: getattr(held, name) for name in _COUNTED}


def _last(run: Run | None, target: str, terminal: Terminal) -> list[str]:
    from batchwright.cli import runs, summary

    if run is None:
        return [f"no run into {target} yet"]
    state = runs.state_of(run)
    shown = terminal.style(state, runs.STYLES.get(state, "yellow"))
    started = run.started_at[:19].replace("T", " ")
    lines = [
        f"last run {shown}: {one_line(f'{run.source} to {target}')}",
        "",
        f"  {'started':<10}{started} UTC",
    ]
    lines.append(f"  {'run':<10}{run.run_id}")
    account = runs.account_of(run)
    return [*lines, *summary.table(account)] if account else lines


def _each(now: Status, terminal: Terminal, *, several: bool) -> list[str]:
    """Return a line a collection, with its relation where there are several."""
    from batchwright.plurals import counted

    lines = ["", terminal.style("collections", "bold")]
    for held in now.collections:
        documents, records = counted(held.published, "document"), counted(held.records, "record")
        more = [f"{held.pending:,} pending"] * bool(held.pending)
        more += [counted(held.rejects, "reject")] * bool(held.rejects)
        name = one_line(f"{held.relation}: {held.name}" if several else held.name)
        origin = one_line(held.origin)
        lines.append(f"  {name}: {', '.join([documents, records, *more])}  {terminal.style(origin, 'dim')}")
    return lines if now.collections else []


def _held(now: Status, terminal: Terminal) -> list[str]:
    from batchwright.plurals import counted

    documents, records = counted(now.published, "document"), counted(now.records, "record")
    lines = [terminal.style("in the target", "bold"), f"  {'published':<10}{documents}, {records}"]
    if now.pending:
        again = "begun and not finished, by a run (run again) or a program (store the rest)"
        lines.append(f"  {'pending':<10}{counted(now.pending, 'document version')} {again}")
    hint = "; see: batchwright rejects list" if now.rejects else ""
    lines.append(f"  {'rejects':<10}{now.rejects:,}{hint}")
    return [*lines, *map(_vectors, now.vectors)]


def _vectors(held: VectorStatus) -> str:
    from batchwright.plurals import counted

    lacking = held.lacking + held.outage
    said = f"{held.vectors:,} by {one_line(held.model)}" + ("" if held.is_used else ", not in use yet")
    more = [f"{held.refused:,} refused"] if held.refused else []
    more += [f"{counted(lacking, 'row')} without: run again"] if lacking else []
    return f"  {'vectors':<10}{'; '.join([said, *more])}"
