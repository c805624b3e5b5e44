"""``batchwright rejects``: what was set aside; to look at, to store after all, or to forget."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Annotated

import typer

from batchwright.cli.commands import Command, Group
from batchwright.cli.options import (
    AsJson,
    ConfigFile,
    ExtraPlugins,
    OfCollection,
    OfTable,
    Target,
    Verbose,
    Wait,
)
from batchwright.cli.terminal import Terminal
from batchwright.contracts import exits
from batchwright.errors import ConfigError
from batchwright.visible import one_line

if TYPE_CHECKING:
    from batchwright.contracts.receipts import Reject
    from batchwright.contracts.records import RecordType
    from batchwright.operations.replay import Fate, Replayed
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

_HEADING = (
    *("ID", "RELATION", "COLLECTION", "SOURCE", "POS", "ERROR", "SQLSTATE", "TRIES"),
    *("DECIDED BY", "RUN", "TIME", "MESSAGE"),
)

rejects = typer.Typer(
    cls=Group,
    name="rejects",
    help="List records that were set aside, show, replay or drop them.",
    rich_markup_mode=None,
)


@rejects.command("list", cls=Command)
def list_rejects(
    context: typer.Context,
    ids: Ids = None,
    to: Target = None,
    config: ConfigFile = None,
    collection: OfCollection = None,
    table: OfTable = None,
    run: OfRun = None,
    source: OfSource = None,
    error: OfError = None,
    plugin: ExtraPlugins = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write a line of JSON each, payload and all, to fix and replay.")
    ] = False,
    verbose: Verbose = 0,
) -> int:
    """List records and documents that were set aside, and why."""
    from batchwright.cli.table import Table, pages
    from batchwright.cli.targets import loaded
    from batchwright.operations import corrected

    terminal = _adopted(context, as_json, verbose)
    filters = _Filters(tuple(ids or ()), run, source, error)
    arguments = {"to": to, "collection": collection, "plugins": plugin or None}
    with loaded(terminal, arguments, config, table, reading=True) as there:
        hidden = () if there.has_several else ("RELATION",)
        shown = Table(terminal, _HEADING, right=("POS", "TRIES"), hidden=hidden)
        empty = True
        for page in pages(filters.rejects(there.target), _PAGE):
            empty = False
            if not terminal.json:
                shown.say([_row(reject) for reject in page])
                continue
            for reject in page:
                values = corrected.as_values(reject)
                payload = values.pop("payload")  # not masked: it is what gets stored
                terminal.say_line({**terminal.masked(values), "payload": payload})
        if empty and not terminal.json:
            such = "such " if filters or collection else ""
            terminal.tell(f"no {such}rejects in {there.target.name}")
        return there.code()


@rejects.command(cls=Command)
def show(
    context: typer.Context,
    reject_id: Annotated[str, typer.Argument(metavar="ID", help="Which one; a short id will do.")],
    to: Target = None,
    config: ConfigFile = None,
    table: OfTable = None,
    plugin: ExtraPlugins = None,
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> int:
    """Show everything about one reject, its payload included."""
    from batchwright.cli.targets import loaded
    from batchwright.operations import corrected

    terminal = _adopted(context, as_json, verbose)
    with loaded(terminal, {"to": to, "plugins": plugin or None}, config, table, reading=True) as there:
        reject = there.target.reject(reject_id)
        record_type = there.target.record_type(reject.relation)
        several = there.has_several
    if terminal.json:
        values = corrected.as_values(reject)
        payload = values.pop("payload")
        terminal.say_line({**terminal.masked(values), "payload": payload})
    else:
        _show(reject, record_type, terminal, several=several)
    return exits.DONE


@rejects.command(cls=Command)
def replay(
    context: typer.Context,
    ids: Ids = None,
    to: Target = None,
    config: ConfigFile = None,
    collection: OfCollection = None,
    table: OfTable = None,
    run: OfRun = None,
    source: OfSource = None,
    error: OfError = None,
    every: All = False,
    file: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="FILE", help="Corrected records, as `rejects list --json` writes them."
        ),
    ] = None,
    wait: Wait = None,
    plugin: ExtraPlugins = None,
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> int:
    """Store records that were set aside, as they are or as you corrected them.

    Each leaves the rejects in the transaction that stores it. Doing it twice stores nothing twice.

    Exit codes: 0 all stored, 1 failed, 2 usage or configuration, 3 some are still rejects, 4 a run has the
    collection.
    """
    from batchwright.cli.targets import loaded
    from batchwright.operations import corrected
    from batchwright.operations.replay import Fate

    terminal = _adopted(context, as_json, verbose)
    filters = _Filters(tuple(ids or ()), run, source, error)
    if sum((bool(filters or (collection and not every)), every, file is not None)) != 1:
        raise ConfigError("say which rejects: ids or filters, or --from FILE, or --all; one of the three")
    counts = dict.fromkeys(Fate, 0)
    listed: list[Replayed] = []

    arguments = {"to": to, "collection": collection, "wait": wait, "plugins": plugin or None}
    with loaded(terminal, arguments, config, table) as there:
        record_type = there.target.record_type
        if file is not None:
            for _ in corrected.read(file, record_type):  # nothing is stored of a file with a mistake in it
                pass
        wanted = filters.rejects(there.target) if file is None else corrected.read(file, record_type)
        for result in there.target.replay(wanted):
            counts[result.fate] += 1
            if result.fate is not Fate.STORED and len(listed) < _LISTED:
                listed.append(result)
                if not terminal.json:
                    terminal.say(_outcome(result))
        code = exits.FAILED if counts[Fate.FAILED] else exits.REJECTS if counts[Fate.LEFT] else exits.DONE
        code = there.code(code)
    if terminal.json:
        others = [
            {"id": r.id, "key": r.key, "position": r.position, "fate": r.fate.value,
             "reason": r.reason} for r in listed
        ]  # fmt: skip
        figures = {fate.value: count for fate, count in counts.items()}
        terminal.say_json({"exit_code": code, **figures, "not_stored": others})
    else:
        terminal.say(_counted(counts, there.target.name))
    return code


@rejects.command(cls=Command)
def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Ends with .csv or .jsonl.")],
    to: Target = None,
    config: ConfigFile = None,
    collection: OfCollection = None,
    table: OfTable = None,
    run: OfRun = None,
    source: OfSource = None,
    error: OfError = None,
    plugin: ExtraPlugins = None,
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> int:
    """Write records that were set aside to a file, to be fixed in a spreadsheet or editor.

    Store them with `rejects replay --from FILE`.
    """
    from batchwright.cli.table import counted
    from batchwright.cli.targets import loaded
    from batchwright.operations import corrected

    terminal = _adopted(context, as_json, verbose)
    if file.suffix.lower() not in (".csv", ".jsonl"):
        raise ConfigError(f"{file}: name a file that ends with .csv or .jsonl")
    filters = _Filters((), run, source, error)
    arguments = {"to": to, "collection": collection, "plugins": plugin or None}
    with loaded(terminal, arguments, config, table) as there:
        found = filters.rejects(there.target)
        try:
            with file.open("x", encoding="utf-8", newline="") as output:
                if file.suffix.lower() == ".csv":
                    count = corrected.write_csv(found, there.target.record_type, output)
                else:
                    count = corrected.write_lines(found, output)
        except FileExistsError:
            raise ConfigError(f"{file} is there already; name another, or remove it") from None
        except OSError as failure:
            raise ConfigError(f"{file} can't be written: {failure.strerror}") from failure
        code = there.code()
    if terminal.json:
        terminal.say_json({"exit_code": code, "exported": count})
    else:
        terminal.say(f"wrote {counted(count, 'reject')} to {one_line(str(file))}")
    return code


@rejects.command(cls=Command)
def drop(
    context: typer.Context,
    ids: Ids = None,
    to: Target = None,
    config: ConfigFile = None,
    collection: OfCollection = None,
    table: OfTable = None,
    run: OfRun = None,
    source: OfSource = None,
    error: OfError = None,
    every: All = False,
    plugin: ExtraPlugins = None,
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> int:
    """Forget rejects. Their records are stored nowhere then but in your documents."""
    from batchwright.cli.table import counted
    from batchwright.cli.targets import loaded

    terminal = _adopted(context, as_json, verbose)
    filters = _Filters(tuple(ids or ()), run, source, error)
    if bool(filters or (collection and not every)) == every:
        raise ConfigError("say which rejects to drop: ids or filters, or --all")
    arguments = {"to": to, "collection": collection, "plugins": plugin or None}
    with loaded(terminal, arguments, config, table) as there:
        dropped = there.target.drop(filters.rejects(there.target))
        code = there.code()
    if terminal.json:
        terminal.say_json({"exit_code": code, "dropped": dropped})
    else:
        terminal.say(f"dropped {counted(dropped, 'reject')} from {there.target.name}")
    return code


_LISTED = 1_000
_PAGE = 200


def _adopted(context: typer.Context, as_json: bool, verbose: int) -> Terminal:
    terminal: Terminal = context.obj
    terminal.adopt(as_json=as_json, verbosity=verbose)
    return terminal


@dataclass(frozen=True, slots=True)
class _Filters:
    """What the rejects that are meant have in common; without any, every reject is meant."""

    ids: tuple[str, ...]
    run: str | None
    key: str | None
    error: str | None

    def __bool__(self) -> bool:
        return bool(self.ids or self.run or self.key or self.error)

    def rejects(self, target: Loaded) -> Iterator[Reject]:
        return target.rejects(*self.ids, run=self.run, key=self.key, error=self.error)


def _row(reject: Reject) -> tuple[str, ...]:
    from batchwright.operations.selection import short

    return (
        short(reject),
        str(reject.relation),
        reject.collection,
        reject.key,
        "-" if reject.position is None else str(reject.position),
        reject.error.rpartition(".")[2],
        reject.sqlstate or "-",
        str(reject.attempts),
        reject.decided_by,
        reject.run_id[:8],
        reject.created_at[:16].replace("T", " "),
        reject.message,
    )


def _show(reject: Reject, record_type: RecordType, terminal: Terminal, *, several: bool) -> None:
    from batchwright.operations import corrected

    values = corrected.as_values(reject)
    payload = values.pop("payload")
    if not several:
        del values["relation"]
    for name, value in values.items():
        if name == "position" and reject.position is None:
            value = "the whole document"
        label = terminal.style(f"{name.replace('_', ' '):<13}", "dim")
        terminal.say(f"{label}{one_line(str('-' if value in (None, '') else value))}")
    if payload is None:
        terminal.say("\nfix the file and run again; it then leaves the rejects")
        return
    text = payload.get(record_type.text) if record_type.text is not None else None
    terminal.say(f"\n{terminal.style('the record', 'bold')}")
    for name, value in payload.items():
        if text is not None and name == record_type.text:
            continue
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        terminal.say(f"  {terminal.style(f'{name:<18}', 'dim')}{one_line(shown)}".rstrip())
    if text is not None:
        terminal.say(f"\n{terminal.style('its text', 'bold')}\n{indent(str(text), '  ')}")


def _outcome(result: Replayed) -> str:
    place = result.key if result.position is None else f"{result.key} #{result.position}"
    return f"{result.fate.value:<7} {one_line(f'{place or result.id}: {result.reason}')}"


def _counted(counts: dict[Fate, int], target: str) -> str:
    from batchwright.operations.replay import Fate

    parts = [f"{counts[Fate.STORED]:,} stored"]
    if counts[Fate.GONE]:
        parts.append(f"{counts[Fate.GONE]:,} no rejects any more")
    if counts[Fate.LEFT]:
        parts.append(f"{counts[Fate.LEFT]:,} left among the rejects")
    if counts[Fate.FAILED]:
        parts.append("stopped at the first that failed")
    return f"{', '.join(parts)} ({target})"
