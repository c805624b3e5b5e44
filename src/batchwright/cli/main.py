"""The command ``batchwright``. Each subcommand is a file, and imports what is heavy only when it runs."""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from batchwright.cli import collector
from batchwright.cli.commands import Command, group, with_options
from batchwright.cli.leaving import end_soon, keep_process
from batchwright.cli.terminal import Terminal, make_safe
from batchwright.contracts import exits
from batchwright.errors import BatchwrightError, CollectionBusy, ConfigError
from batchwright.secrets import describe

_UsageError: type[Exception] = typer.BadParameter.__mro__[1]  # it has no public name

COMMANDS = (
    *("run", "plan", "search", "status", "runs", "rejects", "collections", "verify", "reindex"),
    *("plugins", "new-plugin"),
)
"""The commands, in the order of the help. Each is in the module of its name."""


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"batchwright {version('batchwright')}")
        raise typer.Exit


def _options(
    show_version: Annotated[
        bool,
        typer.Option("--version", "-V", callback=_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Load documents and rows into a database in batches, and report what became of each."""


def app(commands: Sequence[str] = COMMANDS) -> typer.Typer:
    """Return the command line, with these commands.

    Making one takes about 2 ms, and importing what it needs.
    """
    # typer's own tracebacks would show local variables, and passwords with them.
    made = group(
        "batchwright",
        add_completion=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    made.callback()(_options)
    for name in commands:
        own = name.replace("-", "_")
        command = getattr(import_module(f"batchwright.cli.{own}"), own)
        if isinstance(command, typer.Typer):
            made.add_typer(command)
        else:
            made.command(name, cls=Command)(with_options(command))
    return made


def main() -> None:
    """Run the command, and exit with its code."""
    terminal = Terminal.of(sys.argv[1:], os.environ)
    keep_process(terminal)
    code = execute(sys.argv[1:], terminal)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # which at the process's end would be a traceback
    if terminal.runs_plugins:
        end_soon(code, terminal)
    collector.leave_all()
    sys.exit(code)


def execute(arguments: Sequence[str], terminal: Terminal | None = None) -> int:
    """Run the command; return its exit code. Raises nothing: errors are reported.

    Args:
        arguments: Those of the command line.
        terminal: Where its words go; None for one of its own, after which stdout is what it was. A process
            that ends with the command keeps it: what is printed at its end is no result either.
    """
    is_own, terminal = terminal is None, terminal or Terminal.of(arguments, os.environ)
    make_safe(sys.stdout)
    make_safe(sys.stderr)
    given = [*arguments] or ["--help"]
    try:
        try:
            command = typer.main.get_command(
                app([name for name in given[:1] if name in COMMANDS] or COMMANDS)
            )
            code = command.main(given, prog_name="batchwright", standalone_mode=False, obj=terminal)
        except _UsageError as error:
            return _usage(error, terminal, given)
        return int(code or (exits.DONE if arguments else exits.USAGE))
    except CollectionBusy as error:
        return _busy(error, terminal)
    except BatchwrightError as error:
        return terminal.fail(str(error), exits.of_error(error), error)
    except KeyboardInterrupt as error:
        return terminal.fail("interrupted", exits.of_error(error), "KeyboardInterrupt")
    except BaseException as error:  # the last resort
        if isinstance(error, SystemExit) and isinstance(error.__context__, BrokenPipeError):  # typer's doing
            if not terminal.runs_plugins:
                return exits.DONE  # who reads the help has seen enough
            return _defect(error.__context__, terminal)
        if not isinstance(error, Exception) and not terminal.runs_plugins:
            raise  # such as the end of shell completion; where plugins run, it is one of theirs
        return _defect(error, terminal)
    finally:
        if is_own:
            terminal.give_stdout_back()


def _usage(error: BaseException, terminal: Terminal, arguments: Sequence[str]) -> int:
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    context = getattr(error, "ctx", None)
    if context and context.command.name == "run":
        from batchwright.cli import logs
        from batchwright.cli.refusal import report_misspelt

        logs.configure(terminal, as_json="--log-json" in arguments)
        terminal.keep_stdout()
        report_misspelt(context.command, arguments[1:], ConfigError(message))
    hint = f"see: {context.command_path if context else 'batchwright'} --help"
    if context and context.command.name == "search" and "No such option" in message:
        hint = f"words may begin with a minus behind --: batchwright search -- {' '.join(arguments[1:])}"
    return terminal.fail(f"{message}\n{hint}", exits.USAGE, "UsageError")


def _busy(error: CollectionBusy, terminal: Terminal) -> int:
    return terminal.fail(
        str(error),
        exits.BUSY,
        error,
        state="busy",
        collection=error.collection,
        run_id=error.run_id,
        held_by=error.held_by,
        since=error.since,
    )


def _defect(error: BaseException, terminal: Terminal) -> int:
    if said := _of_surroundings(error, terminal):
        return terminal.fail(said, exits.FAILED, error)
    if terminal.verbosity:
        terminal.tell("".join(traceback.format_exception(error)).rstrip())
    name, text = type(error).__name__, describe(error)
    said = name if text == name else f"{name}: {text}"
    ask = "the traceback above" if terminal.verbosity else "what the same command says with -v"
    return terminal.fail(
        f"{said}\nThis is a defect of batchwright or of a plugin. Please report it, with {ask}.",
        exits.FAILED,
        error,
    )


_ADVICE = {
    errno.EACCES: "check its permissions, and those of the folders above it",
    errno.EPERM: "check its permissions, and those of the folders above it",
    errno.EMFILE: "raise the limit (ulimit -n), or lower workers and readers",
    errno.ENFILE: "end other programs, or have the system's limit raised",
}
"""What to do about an error that says where this runs, not what is wrong with the code."""


def _of_surroundings(error: BaseException, terminal: Terminal) -> str:
    """Return what is wrong where the command runs; empty if it isn't that."""
    if isinstance(error, RuntimeError) and "can't start new thread" in describe(error):
        return "no more threads can be started here; raise the limit of processes (ulimit -u)"
    if not isinstance(error, OSError):
        return ""
    try:
        Path.cwd()
    except OSError:
        return "the working directory is gone; change to one that is there"
    if error.errno in _ADVICE:
        place = "" if error.filename is None else f"{error.filename}: "
        return f"{place}{error.strerror}; {_ADVICE[error.errno]}"
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return ""
    if error.filename is not None:
        return f"{error.filename}: {error.strerror}; make room, then run again"
    if not terminal.runs_plugins:  # help is written by others than `Terminal`
        return f"the output can't be written: {error.strerror}"
    from tempfile import gettempdir  # few commands fail so

    return f"temporary files: {error.strerror}; make room in {gettempdir()}, or set TMPDIR to another folder"
