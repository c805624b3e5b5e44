"""The summary of a run: its account, in words or as JSON, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from batchwright.cli import left_out
from batchwright.cli.notes import Notes
from batchwright.cli.terminal import Terminal
from batchwright.config import BatchConfig
from batchwright.contracts.account import Account, VectorAccount
from batchwright.engine.reading.changes import REFUSING
from batchwright.plurals import counted, size
from batchwright.secrets import revealed
from batchwright.visible import one_line

if TYPE_CHECKING:
    from batchwright.contracts.faults import PluginFault
    from batchwright.engine.result import RunResult

_SHOWN = 10
_NAMED = 3  # documents of one reason


def as_json(result: RunResult, notes: Notes, config: BatchConfig) -> dict[str, Any]:
    """Return the summary as JSON values."""
    return {
        "run_id": result.run_id,
        "state": result.state,
        "exit_code": result.exit_code,
        "reason": result.reason,
        "collection": result.collection,
        "source": config.source_shown,
        "target": config.target_shown,
        "executor": notes.executor,
        "account": result.account.as_dict(),
        "failed_documents": notes.failed,
        "rejects": notes.rejects,
        "deleted_documents": notes.deleted,
        "left_out": notes.left_out,
        "plugins": [fault.as_dict() for fault in result.plugins],
    }


def in_words(
    result: RunResult, notes: Notes, config: BatchConfig, terminal: Terminal, searchable: bool = True
) -> str:
    """Return the summary for a person; a target that is `searchable` is worth a hint."""
    account = result.account
    color = {"done": "green", "failed": "red"}.get(result.state, "yellow")
    name = result.collection
    state = terminal.style(result.state, color)  # type: ignore[arg-type]
    lines = [
        f"{state}: {one_line(f'{config.source_shown} to {config.target_shown}, collection {name}')}",
        "",
        *table(account),
        *executor(notes.executor, config),
    ]
    if account.left_out:
        lines.append(f"  left out: {left_out.in_words(account.left_out)}")
    lines += _by_reason("documents that could not be loaded:", account.documents.failed, notes.failed)
    without = account.vectors.refused if account.vectors else 0
    lines += _rejects(account.records.rejected + without, notes.rejects)
    if account.documents.deleted and not account.removed:
        hint = "" if config.prune else " (remove them: --prune)"
        hint = f"deleted from the input, still in the target{hint}:"
        lines += _list(hint, account.documents.deleted, notes.deleted)
    faults = [_fault(fault) for fault in result.plugins]
    lines += _list("plugins that went wrong; the run went on:", len(faults), faults)
    following = _next(result, config, searchable)
    return "\n".join([*lines, "", *following] if following else lines)


def executor(name: str, config: BatchConfig) -> list[str]:
    """Return a line that says who loads, where it is not whom the settings name."""
    if name == config.executor:
        return []
    return [f"  executor: {name}, not {one_line(config.executor)}: rows are loaded by one process"]


def table(account: Account) -> Iterable[str]:
    """Return an account for a person, in lines."""
    rate = account.bytes_read / max(account.seconds, 1e-9)
    records = account.records.written / max(account.seconds, 1e-9)
    documents = asdict(account.documents) | {"removed": account.removed, "not fetched": account.unfetched}
    trouble = [f"{account.batches_failed:,} failed"] * bool(account.batches_failed)
    trouble += [counted(account.retries, "retry", "retries")] * bool(account.retries)
    rows = [
        (
            "documents",
            f"{account.documents.total:,}",
            parts(documents),
        ),
        ("records", f"{account.records.total:,}", parts(asdict(account.records))),
        *_vectors(account.vectors),
        ("batches", f"{account.batches + account.batches_failed:,}", ", ".join(trouble)),
        ("read", size(account.bytes_read), f"{size(rate)}/s"),
        ("time", duration(account.seconds), f"{_rate(records)} records/s" if account.records.written else ""),
    ]
    width = max(len(total) for _, total, _ in rows)
    return [f"  {noun:<10}{total:>{width}}   {rest}".rstrip() for noun, total, rest in rows]


def _rate(a_second: float) -> str:
    return f"{a_second:.2g}" if a_second < 1 else f"{a_second:,.0f}"


def _vectors(vectors: VectorAccount | None) -> Iterable[tuple[str, str, str]]:
    """Yield the rows about vectors, if rows were given any."""
    if vectors is None or not (vectors.rows or vectors.texts or vectors.swept):
        return
    states = {
        "made": vectors.made,
        "reused": vectors.reused,
        "refused": vectors.refused,
        "missing since the embedder was down": vectors.outage,
        "without a text": vectors.no_text,
        "of rows published before": vectors.filled,
        "removed": vectors.swept,
    }
    yield "vectors", f"{vectors.rows:,}", parts(states)
    if vectors.texts:
        requests = counted(vectors.requests, "request")
        too_long = f", {vectors.too_long:,} too long" if vectors.too_long else ""
        yield "texts sent", f"{vectors.texts:,}", f"{counted(vectors.tokens, 'token')}, {requests}{too_long}"


def parts(counts: dict[str, int]) -> str:
    """Return the counts that are not 0, for a person."""
    return ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in counts.items() if number)


def _list(title: str, count: int, items: Sequence[str], rest: str = "--json") -> list[str]:
    """Return a list for a person, its first few: of `count` those that `items` names.

    Args:
        title: What they are.
        count: How many there are; where 0, there is no list.
        items: The first of them, each on one line.
        rest: What shows the others.
    """
    if not count:
        return []
    shown = [f"  {one_line(item)}" for item in items[:_SHOWN]]
    more = [f"  and {count - len(shown):,} more ({rest} names them)"] if count > len(shown) else []
    return ["", title, *shown, *more]


def _by_reason(title: str, count: int, documents: Sequence[dict[str, Any]]) -> list[str]:
    """Return a list of documents; those with one reason, such as a batch that failed, share a line."""
    keys: dict[str, list[str]] = {}
    for document in documents:
        keys.setdefault(document["reason"], []).append(document["key"])
    items = []
    for reason, those in keys.items():
        named = ", ".join(those[:_NAMED])
        items.append(f"{named}{f' and {len(those) - _NAMED:,} more' * (len(those) > _NAMED)}: {reason}")
    hidden = count - sum(map(len, [*keys.values()][:_SHOWN]))
    lines = _list(title, len(items), items)[: 2 + _SHOWN]
    return [*lines, f"  and {hidden:,} more (--json names them)"] if hidden > 0 else lines


def _rejects(count: int, noted: Sequence[dict[str, Any]]) -> list[str]:
    """Return a list of this run's rejects, or how many earlier ones there are of what is as it was."""
    where = "batchwright rejects list"
    if count and not noted:
        return ["", f"set aside by earlier runs: {counted(count, 'record')} (see: {where})"]
    return _list("records set aside:", count, [_reject(reject) for reject in noted], where)


def _reject(reject: dict[str, Any]) -> str:
    state = f" (SQLSTATE {reject['sqlstate']})" if reject["sqlstate"] else ""
    return f"{reject['key']} #{reject['position']}: {reject['message'] or reject['error']}{state}"


def _fault(fault: PluginFault) -> str:
    return f"{fault.kind} {fault.name}: {fault.what}"


def _next(result: RunResult, config: BatchConfig, searchable: bool) -> list[str]:
    if REFUSING in result.reason:
        return []  # the reason says what to do; the same again is refused again
    if result.state == "failed":
        return ["once that is fixed, run the same command again to go on where this one ended"]
    if result.state != "done":
        return ["run the same command again to go on where this one ended"]
    is_news = result.account.documents.added or result.account.documents.changed
    return [f"search it: {command(config, 'search TEXT')}"] if searchable and is_news else []


def command(config: BatchConfig, words: str) -> str:
    """Return a command about the same target, to be pasted.

    Args:
        config: The settings of the command that suggests it.
        words: The command, and what is behind it but the target.
    """
    shown = config.target_shown
    if config.origin("to") != "--to":  # the next command finds it by itself, too
        return f"batchwright {words}"
    if shown != revealed(config.to):  # a masked password can't be pasted
        return f"batchwright {words} --to TARGET, the same as for this command"
    return f"batchwright {words} --to {shlex.quote(shown)}"


def duration(seconds: float) -> str:
    """Return a number of seconds for a person."""
    if seconds < 100:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {rest} s"
