"""``batchwright rejects export`` and ``replay``: out to be fixed, and in again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from batchwright.cli.chosen_rejects import All, Filters, Ids
from batchwright.cli.options import General, Part, Wait
from batchwright.contracts import exits
from batchwright.errors import ConfigError
from batchwright.home import from_home
from batchwright.visible import one_line

if TYPE_CHECKING:
    from batchwright.operations.replay import Fate, Replayed

_LISTED = 1_000


def replay(
    *,
    ids: Ids = None,
    part: Part,
    filters: Filters,
    every: All = False,
    file: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="FILE", help="Corrected records, as `rejects list --json` writes them."
        ),
    ] = None,
    wait: Wait = None,
    general: General,
) -> int:
    """Store records that were set aside, as they are or as you corrected them.

    Each leaves the rejects in the transaction that stores it. Doing it twice stores nothing twice.

    Exit codes: 0 all stored, 1 failed, 2 usage or configuration, 3 some are still rejects, 4 a run has the
    collection.
    """
    from batchwright.cli.targets import loaded
    from batchwright.operations import corrected
    from batchwright.operations.replay import Fate

    terminal = general.terminal()
    if sum((bool(ids or filters or (part.collection and not every)), every, file is not None)) != 1:
        raise ConfigError("say which rejects: ids or filters, or --from FILE, or --all; one of the three")
    counts = dict.fromkeys(Fate, 0)
    listed: list[Replayed] = []

    with loaded(part, general, wait=wait) as there:
        record_type = there.target.record_type
        if file is not None:
            for _ in corrected.read(file, record_type):  # nothing is stored of a file with a mistake in it
                pass
        wanted = filters.rejects(there.target, ids) if file is None else corrected.read(file, record_type)
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


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Ends with .csv or .jsonl.")],
    part: Part,
    filters: Filters,
    general: General,
) -> int:
    """Write records that were set aside to a file, to be fixed in a spreadsheet or editor.

    Store them with `rejects replay --from FILE`.
    """
    from batchwright.cli.targets import loaded
    from batchwright.operations import corrected
    from batchwright.plurals import counted

    terminal = general.terminal()
    file = from_home(file)
    if file.suffix.lower() not in (".csv", ".jsonl"):
        raise ConfigError(f"{file}: name a file that ends with .csv or .jsonl")
    with loaded(part, general) as there:
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
