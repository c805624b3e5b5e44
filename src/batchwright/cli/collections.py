"""``batchwright collections``: what documents belong together, and deleting all of one."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from batchwright.cli.commands import command, group
from batchwright.cli.options import General, Relation, Wait
from batchwright.contracts import exits
from batchwright.visible import one_line

if TYPE_CHECKING:
    from batchwright.operations.collections import CollectionStatus

_COUNTS = ("DOCUMENTS", "RECORDS", "PENDING", "REJECTS")
_HEADING = ("COLLECTION", "RELATION", *_COUNTS, "ORIGIN")

collections = group("collections", help="List the collections of a target, or delete one.")


@command(collections, "list")
def list_collections(relation: Relation, general: General) -> int:
    """List the collections of a target, with what it holds of each and where that came from."""
    from batchwright.cli.table import Table
    from batchwright.cli.targets import loaded

    terminal = general.terminal()
    with loaded(relation, general, reading=True) as there:
        found = there.target.collections()
        if terminal.json:
            terminal.say_json(there.as_json(collections=[asdict(one) for one in found]))
        elif found:
            hidden = () if there.has_several else ("RELATION",)
            Table(terminal, _HEADING, right=_COUNTS, hidden=hidden).say([_row(one) for one in found])
        else:
            terminal.tell(f"no collections in {there.target.name}")
        return there.code()


def _row(one: CollectionStatus) -> tuple[str, ...]:
    counts = (one.published, one.records, one.pending, one.rejects)
    return (one.name, str(one.relation), *(f"{count:,}" for count in counts), one.origin)


@command(collections)
def delete(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Which one.")],
    relation: Relation,
    *,
    purge: Annotated[
        bool, typer.Option("--purge", help="Remove vectors that no row uses any more as well, at once.")
    ] = False,
    wait: Wait = None,
    general: General,
) -> int:
    """Delete a collection: its documents, what was begun of them, and its rejects.

    The other collections stay as they are. If it breaks off, the same command goes on.

    Exit codes: 0 gone, 1 failed, 2 usage or configuration, 4 a run has the collection.
    """
    from batchwright.cli.targets import loaded
    from batchwright.plurals import counted

    terminal = general.terminal()
    with loaded(relation, general, wait=wait) as there:
        gone = there.target.delete_collection(name, purge=purge)
    if terminal.json:
        terminal.say_json({"target": there.target.name, "exit_code": exits.DONE, "removed": asdict(gone)})
    else:
        what = f"{counted(gone.published, 'document')}, {counted(gone.records, 'record')}"
        terminal.say(f"removed {one_line(gone.name)} from {there.target.name}: {what}")
    return exits.DONE
