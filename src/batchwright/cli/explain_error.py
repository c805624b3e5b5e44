"""``batchwright plugins explain-error``: what becomes of an error, and who says so."""

from __future__ import annotations

import builtins
import importlib
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from batchwright.cli import exits
from batchwright.cli.options import AsJson, ConfigFile, ExtraPlugins, Target, Verbose
from batchwright.cli.terminal import Style, Terminal
from batchwright.errors import BadRecords, BatchTooLarge, ConfigError

if TYPE_CHECKING:
    from batchwright.config import BatchConfig
    from batchwright.failure import Failure
    from batchwright.ledger import Reject
    from batchwright.plugins import PluginManager

_SQLSTATE = re.compile(r"[0-9A-Z]{5}")
_REJECT = re.compile(r"[0-9a-f][0-9a-f-]{3,}(\.[0-9]+)?", re.IGNORECASE)
_MEANS = {
    "retry": "the same batch is written again, after a wait",
    "skip": "the batch is halved until the bad record stands alone; that one is set aside, all others land",
    "fail": "the batch fails, and the run ends",
}
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
    context: typer.Context,
    what: Annotated[
        str, typer.Argument(metavar="WHAT", help="An exception's dotted name, an SQLSTATE, or a reject's id.")
    ],
    to: Target = None,
    config: ConfigFile = None,
    plugin: ExtraPlugins = None,
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> int:
    """Tell what becomes of an error: the verdict, who decides, and who else is asked.

    Nothing is written. A reject is looked up in the target; the rest needs none.
    """
    from batchwright.cli import logs, settings
    from batchwright.cli.targets import loaded
    from batchwright.operations import selection
    from batchwright.plugins import PluginManager

    terminal: Terminal = context.obj
    terminal.adopt(as_json=as_json, verbosity=verbose)
    arguments = {"to": to, "plugins": plugin or None}
    reject = None
    if not _SQLSTATE.fullmatch(what) and _REJECT.fullmatch(what):
        with loaded(terminal, arguments, config) as there:
            ledger = there.target.ledger
            [reject] = ledger.rejects(ids=[selection.resolve(ledger, what)], limit=1)
        chosen, manager = there.config, there.manager
    else:
        chosen = settings.load(terminal, {"input_dir": ".", **arguments}, config)
        logs.configure(terminal)
        manager = PluginManager.load(extra=chosen.plugins, disable=chosen.disable_plugins)
    if reject is not None and reject.position < 0:
        return _unread(reject, terminal)
    failure = _failure(what, reject)
    answers = _answers(failure, chosen, manager)
    decided = next((answer for answer in answers if answer.action), None) or Answer(
        "engine", "fail", "no classifier answered"
    )
    notes = _notes(reject, decided)
    if terminal.json:
        terminal.say_json(
            {
                "what": what,
                "error": _dotted(type(failure.error)),
                "sqlstate": failure.sqlstate,
                "action": decided.action,
                "reason": decided.reason,
                "means": _meaning(failure, decided.action or "fail"),
                "wait": decided.wait,
                "decided_by": decided.name,
                "answers": [asdict(answer) for answer in answers],
                "notes": notes,
            }
        )
    else:
        _say(failure, decided, answers, notes, terminal)
    return exits.DONE


# --- the error ----------------------------------------------------------------------------------------


def _failure(what: str, reject: Reject | None) -> Failure:
    """Return a failure as a run would have it: with the record in question, where there is one."""
    from batchwright.failure import Failure
    from batchwright.model import Batch

    if reject is not None:
        error = _remade(reject)
        return Failure(error, Batch([reject.payload] if reject.payload else [], 0), reject.attempts or 1)
    if _SQLSTATE.fullmatch(what):
        return Failure(_of_sqlstate(what), attempt=1)
    return Failure(_made(_class_named(what)), attempt=1)


def _of_sqlstate(state: str) -> Exception:
    """Return the exception that psycopg raises for it."""
    import psycopg

    try:
        kind: type[psycopg.Error] = psycopg.errors.lookup(state)
    except KeyError:
        kind = psycopg.DatabaseError
    error = kind(f"SQLSTATE {state}")
    error.sqlstate = state
    return error


def _class_named(name: str) -> type[BaseException]:
    if not all(part.isidentifier() for part in name.split(".")):
        raise ConfigError(
            f"WHAT: {name!r} is no exception's dotted name (sqlite3.OperationalError), "
            "no SQLSTATE (40P01), and no reject's id (see: batchwright rejects list)"
        )
    parts = name.split(".")
    found: Any = None
    reason = f"there is no built-in exception {name!r}; give its dotted name: MODULE.{name}"
    if len(parts) == 1:
        found = getattr(builtins, name, None)
    for length in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:length])
        try:
            found = importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise ConfigError(f"WHAT: importing {module} failed: {error}") from error
            reason = f"there is no module {module!r}; is it installed in this environment?"
            continue
        except Exception as error:
            raise ConfigError(f"WHAT: importing {module} failed: {type(error).__name__}: {error}") from error
        for part in parts[length:]:
            found = getattr(found, part, None)
        reason = f"{module} has no {'.'.join(parts[length:])!r}"
        break
    if found is None:
        raise ConfigError(f"WHAT: {reason}")
    if not (isinstance(found, type) and issubclass(found, BaseException)):
        raise ConfigError(f"WHAT: {name} is no exception, but {type(found).__name__}")
    return found


def _made(kind: type[BaseException], message: str = "an example") -> BaseException:
    """Return an exception of the class, whatever its constructor wants."""
    for arguments in ((message,), ()):
        with suppress(Exception):
            return kind(*arguments)
    return kind.__new__(kind, message)


def _remade(reject: Reject) -> BaseException:
    """Return the reject's error once more: its class, message and SQLSTATE; the rest of it is gone."""
    try:
        kind = _class_named(reject.error)
    except ConfigError:
        module, _, name = reject.error.rpartition(".")
        kind = type(name or "Error", (Exception,), {"__module__": module})
    error = _made(kind, reject.message)
    if reject.sqlstate:
        with suppress(AttributeError):
            error.sqlstate = reject.sqlstate  # type: ignore[attr-defined]
    return error


def _dotted(kind: type[BaseException]) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


# --- the answers --------------------------------------------------------------------------------------


def _answers(failure: Failure, config: BatchConfig, manager: PluginManager) -> list[Answer]:
    """Return what everybody says, in the order in which they are asked."""
    from batchwright.deciding import decide
    from batchwright.failure import Verdict

    settled = decide(failure, config, manager) if config.sqlstates else None
    own = settled.verdict if settled is not None and settled.decided_by == "settings" else None
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
    """Return what the engine does; two of our own errors tell it more than the verdict does."""
    if isinstance(failure.error, BadRecords) and action == "skip":
        return "the records that it names are set aside at once, and nothing is halved; all others land"
    if isinstance(failure.error, BatchTooLarge) and action != "retry":
        return f"a batch of several records is halved, no retry is spent; of a single one, {_MEANS[action]}"
    return _MEANS[action]


def _notes(reject: Reject | None, decided: Answer) -> list[str]:
    notes = []
    if reject is None:
        notes.append(
            "asked about a bare example: a classifier that looks at the message, the causes or the batch "
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
    from batchwright.cli.table import Table, printable

    state = f" (SQLSTATE {failure.sqlstate})" if failure.sqlstate else ""
    action = decided.action or "fail"
    wait = f" of {decided.wait:g} s" if decided.wait is not None else ""
    values = {
        "error": f"{_dotted(type(failure.error))}{state}",
        "verdict": f"{terminal.style(action.upper(), _STYLES[action])}: {printable(decided.reason) or '-'}",
        "decided by": decided.name,
        "means": _meaning(failure, action) + (wait if action == "retry" else ""),
    }
    for label, value in values.items():
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
    terminal.say(f"error      {reject.error}: {reject.message}")
    terminal.say(
        f"decided by {reject.decided_by}; no classifier is asked about a document that can't be read"
    )
    terminal.say("next       mend the file and run again; it then leaves the rejects")
    return exits.DONE
