"""``batchwright plugins explain-error``: what becomes of an error, and who says so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from batchwright.cli import example_error
from batchwright.cli.example_error import dotted
from batchwright.cli.options import General, Place
from batchwright.cli.terminal import Style, Terminal
from batchwright.contracts import exits
from batchwright.errors import BadRecords, ConfigError
from batchwright.visible import one_line

if TYPE_CHECKING:
    from batchwright.config import BatchConfig
    from batchwright.contracts.failure import Failure
    from batchwright.contracts.receipts import Reject
    from batchwright.contracts.records import RecordType
    from batchwright.plugins.manager import PluginManager

_REJECT = re.compile(r"[0-9a-f][0-9a-f-]{3,}(\.[0-9]+)?", re.IGNORECASE)
_MEANS = {
    "retry": "the same batch is written again, after a wait",
    "skip": "the batch is halved until the bad record stands alone; that one is set aside, all others land",
    "fail": "the batch fails, and the run ends",
}
_THEN = (
    "out of retries it waits for the next batch: if that is stored, this one fails; if that is out of "
    "retries too, both are held as an outage, up to max_outage"
)
_NO_ROOM = (
    "out of retries it is held as an outage, up to max_outage; the last batch fails, and a run that has not "
    "written yet ends"
)
_STYLES: dict[str, Style] = {"retry": "yellow", "skip": "yellow", "fail": "red"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What one of those who could be asked says; without an action, no opinion.

    Attributes:
        name: The plugin, or ``settings``, which come before all plugins.
        action: retry, skip or fail.
        reason: Why.
        wait: Seconds before the retry, or None for the schedule's.
        asked: Whether it is asked in a run; those behind the first who answers are not.
    """

    name: str
    action: str | None
    reason: str = ""
    wait: float | None = None
    asked: bool = True


def explain_error(
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT",
            help="An exception's dotted name, an SQLSTATE, an HTTP status, or a reject's id.",
        ),
    ],
    *,
    message: Annotated[
        str | None,
        typer.Option("--message", metavar="TEXT", help="What the exception says, for classifiers that look."),
    ] = None,
    place: Place,
    general: General,
) -> int:
    """Tell what becomes of an error: the verdict, who decides, and who else is asked.

    Nothing is written. A reject is looked up in the target; the rest needs none.
    """
    from batchwright.cli import logs, settings
    from batchwright.cli.targets import load_plugins, loaded

    terminal = general.terminal()
    reject, records = None, list[Any]()
    if not example_error.is_code(what) and _REJECT.fullmatch(what):
        if message is not None:
            raise ConfigError("--message: a reject has a message of its own; leave this out")
        with loaded(place, general) as there:
            reject = there.target.reject(what)
            records = _records(reject, there.target.record_type(reject.relation))
        chosen, manager = there.config, there.manager
    else:
        chosen = settings.load(
            terminal, {"source": ".", "to": place.to, "plugins": general.plugins}, place.config
        )
        logs.configure(terminal)
        manager = load_plugins(terminal, chosen)
    if reject is not None and reject.position is None:
        return _unread(reject, terminal)
    failure = _failure(what, message, reject, records)
    answers = _answers(failure, chosen, manager)
    decided = _decided(failure, chosen, manager)
    notes = _notes(message, reject, decided)
    if terminal.json:
        terminal.say_json(
            {
                "what": what,
                "error": dotted(type(failure.error)),
                "sqlstate": failure.sqlstate,
                "http_status": failure.http_status,
                "action": decided.action,
                "reason": decided.reason,
                "means": _meaning(failure, decided.action or "fail"),
                "then": _then(failure, decided.action or "fail"),
                "wait": decided.wait,
                "decided_by": decided.name,
                "answers": [asdict(answer) for answer in answers],
                "notes": notes,
            }
        )
    else:
        _say(failure, decided, answers, notes, terminal)
    return exits.DONE


def _failure(what: str, message: str | None, reject: Reject | None, records: list[Any]) -> Failure:
    """Return a failure as a run would have it: with the record in question, where there is one."""
    from batchwright.contracts.failure import Failure
    from batchwright.model import Batch

    if reject is not None:
        error = example_error.again(reject.error, reject.message, reject.sqlstate)
        return Failure(error, Batch(records, 0), reject.attempts or 1)
    return Failure(example_error.of(what, message), attempt=1)


def _records(reject: Reject, record_type: RecordType) -> list[Any]:
    """Return the record that was set aside, as classifiers see it; its fields, where they are no record."""
    from batchwright.operations.mended import mended

    if reject.payload is None:
        return []
    try:
        return [mended(record_type, reject.id, reject.payload)]
    except ValueError:
        return [reject.payload]


# --- the answers --------------------------------------------------------------------------------------


def _decided(failure: Failure, config: BatchConfig, manager: PluginManager) -> Answer:
    """Return what a run that has written before would do."""
    from batchwright.engine.judge import decision_on

    decision = decision_on(failure, config, manager)
    verdict = decision.verdict
    return Answer(decision.decided_by, verdict.action.value, verdict.reason, verdict.wait)


def _answers(failure: Failure, config: BatchConfig, manager: PluginManager) -> list[Answer]:
    """Return what everybody says, in the order in which they are asked."""
    from batchwright.contracts.failure import Verdict
    from batchwright.engine.judge import verdict_of_settings

    settled = verdict_of_settings(failure, config)
    own = settled.verdict if settled else None
    given: list[tuple[str, Verdict | None]] = [("settings", own), *manager.opinions(failure)]
    answers: list[Answer] = []
    decided = False
    for name, verdict in given:
        if verdict is None:
            answers.append(Answer(name, None, asked=not decided))
        else:
            action = verdict.action.value
            answers.append(Answer(name, action, verdict.reason, verdict.wait, asked=not decided))
            decided = True
    return answers


def _meaning(failure: Failure, action: str) -> str:
    """Return what the engine does; some errors tell it more than the verdict does."""
    from batchwright.engine.store.strain import is_too_large

    if isinstance(failure.error, BadRecords) and action == "skip":
        return "the records that it names are set aside at once, and nothing is halved; all others land"
    if is_too_large(failure.error) and action != "retry":
        return f"a batch of several records is halved, no retry is spent; of a single one, {_MEANS[action]}"
    return _MEANS[action]


def _then(failure: Failure, action: str) -> str:
    """Return what becomes of a batch that is out of retries; empty where it gets none."""
    from batchwright.engine.store.room import lacks_room
    from batchwright.engine.store.strain import timed_out

    if action != "retry":
        return ""
    if lacks_room(failure.error):
        return _NO_ROOM
    if timed_out(failure.error):
        return f"a batch of several records that times out twice is halved; of a single one, {_THEN}"
    return _THEN


def _notes(message: str | None, reject: Reject | None, decided: Answer) -> list[str]:
    notes = []
    if reject is None:
        rest = "the message (give it with --message), the causes" if message is None else "the causes"
        notes.append(
            f"asked about a bare example: a classifier that looks at {rest} or the batch "
            "may say something else in a run"
        )
    else:
        notes.append("asked anew, with the class, message, SQLSTATE and record that the ledger has kept")
        if decided.name != reject.decided_by:
            notes.append(
                f"when it was set aside, {reject.decided_by} decided; plugins or settings have changed "
                "since, or the exception said more than was kept"
            )
    return notes


# --- words --------------------------------------------------------------------------------------------


def _say(
    failure: Failure, decided: Answer, answers: Sequence[Answer], notes: Sequence[str], terminal: Terminal
) -> None:
    from batchwright.cli.table import Table

    state = f" (SQLSTATE {failure.sqlstate})" if failure.sqlstate else ""
    state += f" (HTTP status {failure.http_status})" if failure.http_status else ""
    action = decided.action or "fail"
    wait = f" of {decided.wait:g} s" if decided.wait is not None else ""
    values = {
        "error": f"{dotted(type(failure.error))}{state}",
        "verdict": f"{terminal.style(action.upper(), _STYLES[action])}: {one_line(decided.reason) or '-'}",
        "decided by": decided.name,
        "means": _meaning(failure, action) + (wait if action == "retry" else ""),
        "then": _then(failure, action),
    }
    for label, value in values.items():
        if not value:
            continue
        terminal.say(f"{terminal.style(f'{label:<11}', 'dim')}{value}")
    terminal.say("")
    Table(terminal, ("ASKED", "ANSWER", "REASON")).say(
        [
            (
                answer.name,
                ("" if answer.asked else "not asked; ") + (answer.action or "no opinion").upper()
                if answer.action
                else ("no opinion" if answer.asked else "not asked"),
                answer.reason or "-",
            )
            for answer in answers
        ]
    )
    for note in notes:
        terminal.tell(f"note: {note}")


def _unread(reject: Reject, terminal: Terminal) -> int:
    """Tell of a document that could not be read: no classifier has a say in that."""
    if terminal.json:
        terminal.say_json(
            {
                "what": reject.id,
                "error": reject.error,
                "sqlstate": None,
                "action": "skip",
                "reason": reject.message,
                "wait": None,
                "decided_by": reject.decided_by,
                "answers": [],
                "notes": ["a document that can't be read; no classifier is asked"],
            }
        )
        return exits.DONE
    terminal.say(f"error      {one_line(f'{reject.error}: {reject.message}')}")
    terminal.say(
        f"decided by {reject.decided_by}; no classifier is asked about a document that can't be read"
    )
    terminal.say("next       fix the file and run again; it then leaves the rejects")
    return exits.DONE
