"""``batchwright rejects``: what was set aside; to look at, to store after all, or to forget."""

from __future__ import annotations

import json
from textwrap import indent
from typing import TYPE_CHECKING, Annotated

import typer

from batchwright.cli.chosen_rejects import All, Filters, Ids
from batchwright.cli.commands import command, group
from batchwright.cli.mended_rejects import export, replay
from batchwright.cli.options import General, Part, Relation
from batchwright.cli.terminal import Terminal
from batchwright.contracts import exits
from batchwright.errors import ConfigError
from batchwright.values import dataclass
from batchwright.visible import one_line

if TYPE_CHECKING:
    from batchwright.contracts.receipts import Reject
    from batchwright.contracts.records import RecordType

_HEADING = (
    *("ID", "RELATION", "COLLECTION", "SOURCE", "POS", "ERROR", "SQLSTATE", "TRIES"),
    *("DECIDED BY", "RUN", "TIME", "MESSAGE"),
)

rejects = group("rejects", help="List records that were set aside, show, replay or drop them.")


@dataclass(frozen=True, slots=True)
class Lines(General):
    """Options of the command whose JSON is lines, not one object."""

    as_json: Annotated[
        bool, typer.Option("--json", help="Write a line of JSON each, payload and all, to fix and replay.")
    ] = False


@command(rejects, "list")
def list_rejects(*, ids: Ids = None, part: Part, filters: Filters, general: Lines) -> int:
    """List records and documents that were set aside, and why."""
    from batchwright.cli.table import Table, pages
    from batchwright.cli.targets import loaded
    from batchwright.operations import corrected

    terminal = general.terminal()
    with loaded(part, general, reading=True) as there:
        hidden = () if there.has_several else ("RELATION",)
        shown = Table(terminal, _HEADING, right=("POS", "TRIES"), hidden=hidden)
        empty = True
        for page in pages(filters.rejects(there.target, ids), _PAGE):
            empty = False
            if not terminal.json:
                shown.say([_row(reject) for reject in page])
                continue
            for reject in page:
                values = corrected.as_values(reject)
                payload = values.pop("payload")  # not masked: it is what gets stored
                terminal.say_line({**terminal.masked(values), "payload": payload})
        if empty and not terminal.json:
            such = "such " if ids or filters or part.collection else ""
            terminal.tell(f"no {such}rejects in {there.target.name}")
        return there.code()


@command(rejects)
def show(
    reject_id: Annotated[str, typer.Argument(metavar="ID", help="Which one; a short id will do.")],
    relation: Relation,
    general: General,
) -> int:
    """Show everything about one reject, its payload included."""
    from batchwright.cli.targets import loaded
    from batchwright.operations import corrected

    terminal = general.terminal()
    with loaded(relation, general, reading=True) as there:
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


command(rejects)(replay)
command(rejects)(export)


@command(rejects)
def drop(*, ids: Ids = None, part: Part, filters: Filters, every: All = False, general: General) -> int:
    """Forget rejects. Their records are stored nowhere then but in your documents."""
    from batchwright.cli.targets import loaded
    from batchwright.plurals import counted

    terminal = general.terminal()
    if bool(ids or filters or (part.collection and not every)) == every:
        raise ConfigError("say which rejects to drop: ids or filters, or --all")
    with loaded(part, general) as there:
        dropped = there.target.drop(filters.rejects(there.target, ids))
        code = there.code()
    if terminal.json:
        terminal.say_json({"exit_code": code, "dropped": dropped})
    else:
        terminal.say(f"dropped {counted(dropped, 'reject')} from {there.target.name}")
    return code


_PAGE = 200


def _row(reject: Reject) -> tuple[str, ...]:
    from batchwright.operations.reject_selection import short

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
