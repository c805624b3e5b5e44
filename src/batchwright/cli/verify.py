"""``batchwright verify``: whether the target holds what it should, and making it so."""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from batchwright.cli.options import ChunkMaxTokens, General, Part, Wait
from batchwright.cli.terminal import Terminal
from batchwright.contracts import exits
from batchwright.visible import one_line

if TYPE_CHECKING:
    from batchwright.cli.targets import Loaded
    from batchwright.contracts.lease import Lease
    from batchwright.operations.verify import Finding, Verification

_LISTED = 1_000


def verify(
    part: Part,
    *,
    directory: Annotated[
        Path | None,
        typer.Argument(
            metavar="SOURCE", help="Where to restore from; default: where it came from.", show_default=False
        ),
    ] = None,
    wait: Wait = None,
    repair: Annotated[bool, typer.Option("--repair", help="Restore exactly what is missing.")] = False,
    chunk_max_tokens: ChunkMaxTokens = None,
    general: General,
) -> int:
    """Compare what the target should hold with what it really holds.

    Finds documents with missing or damaged rows, and rows that belong to none. To repair, a document is
    read again, if it is still what was loaded; give the settings that it was loaded with.

    Exit codes: 0 nothing is wrong or all was repaired, 1 something is left, 2 usage or configuration, 4 a
    run has the collection that was to be repaired.
    """
    from batchwright.cli.targets import loaded

    terminal = general.terminal()
    given: dict[str, Any] = {"source": directory or ".", "chunk_max_tokens": chunk_max_tokens, "wait": wait}
    with loaded(part, general, reading=not repair, **given) as there:
        verification = there.target.verify()
        tally = _Tally(terminal, several=there.has_several)
        if repair:
            for finding, reason in there.target.repair(verification, directory):
                tally.add(finding, reason)
        else:
            for finding in verification:
                tally.add(finding, None)
        busy = there.target.busy()
        code = exits.FAILED if tally.left else exits.DONE
        if terminal.json:
            terminal.say_json(
                there.as_json(
                    exit_code=code,
                    documents=verification.documents,
                    rows=verification.rows,
                    without_vector=verification.without_vector,
                    unused_vectors=verification.unused_vectors,
                    found=tally.found,
                    repaired=tally.found - tally.left,
                    findings=tally.listed,
                    loading=[_loading(lease) for lease in busy],
                )
            )
        else:
            terminal.say("\n".join(_in_words(verification, tally, repair, there.target.name, terminal)))
            if tally.left and not repair:
                terminal.say("\n".join(_ways_on(there, tally.places)))
            for lease in busy:
                terminal.say(
                    f"the run {lease.run_id} ({lease.owner}) is loading the collection {lease.collection}"
                )
        return there.code(code)


def _loading(lease: Lease) -> dict[str, str | None]:
    return {"relation": lease.relation, "collection": lease.collection, "run_id": lease.run_id}


class _Tally:
    """What was found, and what of it is left; printed as it comes."""

    def __init__(self, terminal: Terminal, *, several: bool) -> None:
        self._terminal = terminal
        self._several = several
        self.found = self.left = 0
        self.places: set[tuple[str, str | None]] = set()
        self.listed: list[dict[str, Any]] = []

    def add(self, finding: Finding, left: str | None) -> None:
        """Count a finding; `left` is why it could not be repaired, empty if it was, None without trying."""
        self.found += 1
        self.left += left != ""
        self.places.add((str(finding.relation), finding.collection))
        if not self._terminal.json:
            self._terminal.say(_line(finding, left, self._terminal, several=self._several))
        elif len(self.listed) < _LISTED:
            self.listed.append(
                {
                    "fault": finding.fault.value,
                    "relation": finding.relation,
                    "collection": finding.collection,
                    "key": finding.key,
                    "document_id": finding.document_id,
                    "expected": finding.expected,
                    "rows": finding.rows,
                    "damaged": finding.damaged,
                    "repaired": left == "",
                    "reason": left or "",
                }
            )


def _line(finding: Finding, left: str | None, terminal: Terminal, *, several: bool) -> str:
    rows = f"{finding.rows:,} of {finding.expected:,} rows"
    if not finding.known:
        place, rows = one_line(finding.document_id), f"{finding.rows:,} row{'' if finding.rows == 1 else 's'}"
        rows += " that belong to no document" if finding.rows != 1 else " that belongs to no document"
    else:
        place = one_line(f"{finding.collection}: {finding.key}")
    if several:
        place = one_line(f"{finding.relation}: {place}")
    damaged = f", {finding.damaged:,} damaged" if finding.damaged else ""
    word = terminal.style(f"{finding.fault.value:<10}", "yellow" if left == "" else "red")
    after = (
        ""
        if left is None
        else "; repaired"
        if left == ""
        else f"\n            not repaired: {one_line(left)}"
    )
    return f"{word}  {place}: {rows}{damaged}{after}"


def _in_words(
    verification: Verification, tally: _Tally, repair: bool, target: str, terminal: Terminal
) -> list[str]:
    from batchwright.plurals import counted

    documents, rows = counted(verification.documents, "document"), counted(verification.rows, "row")
    looked = f"{documents}, {rows} in {target}"
    if verification.without_vector:
        looked += f"; {counted(verification.without_vector, 'row')} without a vector: run again"
    if verification.unused_vectors:
        looked += f"; {counted(verification.unused_vectors, 'vector')} that no row uses"
    if not tally.found:
        return [f"{terminal.style('sound', 'green')}: {looked}"]
    faults = counted(tally.found, "fault")
    if not tally.left:
        return ["", f"{terminal.style('repaired', 'green')}: {faults}; {looked}"]
    if repair:
        return ["", f"{terminal.style('damaged', 'red')}: {tally.left:,} of {faults} left; {looked}"]
    return [
        "",
        f"{terminal.style('damaged', 'red')}: {faults}; {looked}",
    ]


def _ways_on(there: Loaded, damaged: Collection[tuple[str, str | None]]) -> list[str]:
    """Return the commands that restore what is missing: they name what has to be named."""
    from batchwright.cli.summary import command
    from batchwright.contracts.receipts import PROGRAM

    lines = []
    origins = {(str(one.relation), one.name): one.origin for one in there.target.collections()}
    for relation, name in sorted(damaged, key=str):
        origin = origins.get((str(relation), name or ""), "")
        if origin == PROGRAM:
            lines.append(f"rows of {one_line(str(name))} came from a program: only it can store them again")
            continue
        here = not origin or os.path.isdir(origin)  # noqa: PTH112 - pathlib raises where a folder may not be entered
        words = ["verify", *(() if here else ("SOURCE",)), "--repair"]
        words += ["--table", shlex.quote(str(relation))] if there.has_several else []
        words += ["--collection", shlex.quote(name)] if name is not None and len(damaged) > 1 else []
        line = f"restore what is missing: {command(there.config, ' '.join(words))}"
        lines.append(line if here else f"{line}  (SOURCE: what {one_line(origin)} was)")
    return [*dict.fromkeys(lines)]
