"""``batchwright run``: load a directory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from signal import Signals
from typing import TYPE_CHECKING, Annotated, Any

import typer

from batchwright.cli.options import General, Load, Wait
from batchwright.cli.refusal import reporting_refusal, reporting_wrong_settings
from batchwright.cli.terminal import Terminal
from batchwright.contracts import exits
from batchwright.errors import ConfigError, RunInterrupted

if TYPE_CHECKING:
    from batchwright.cli.logs import StderrHandler
    from batchwright.cli.notes import NoteTaker
    from batchwright.config import BatchConfig
    from batchwright.engine.result import RunResult
    from batchwright.plugins.manager import PluginManager


def run(
    load: Load,
    *,
    purge: Annotated[
        bool | None,
        typer.Option(
            "--purge/--no-purge", help="Leave nothing of what pruning removes: neither vectors nor rejects."
        ),
    ] = None,
    executor: Annotated[
        str | None,
        typer.Option("--executor", metavar="NAME", help="Who loads: local, or a plugin's, such as dask."),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where that executor finds its cluster, as in tcp://…:8786."),
    ] = None,
    wait: Wait = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Load again after each change of the files, until it is ended.")
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report", metavar="FILE", help="Write an HTML page about the run (batchwright-report)."
        ),
    ] = None,
    general: General,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Show nothing where all goes well (exit code 0).")
    ] = False,
    log_json: Annotated[
        bool, typer.Option("--log-json", help="Log to stderr as JSON, a line an event.")
    ] = False,
) -> int:
    """Load documents into a database: folders, files, or what plugins find.

    Running it again loads only what has changed. Several sources are several collections, loaded one after
    the other.

    Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 done but with rejects, 4 another run has the
    collection, 130, 143 or 129 interrupted.
    """
    from batchwright.cli import logs, settings
    from batchwright.cli.report import check_apart, settings_of, with_report

    terminal = general.terminal()
    arguments = {
        **load.settings(),
        "plugins": general.plugins,
        "executor": executor,
        "purge": purge,
        "wait": wait,
        **settings_of(report),
    }
    logs.configure(terminal, as_json=log_json)
    configs = []
    for source in load.sources or (None,):
        with reporting_wrong_settings({"source": source, **arguments}, load.config):
            chosen = with_defaults(settings.load_with_source(terminal, arguments, load.config, source))
            configs.append(with_report(_with_scheduler(chosen, scheduler), report))

    load_one = partial(_load, terminal=terminal, quiet=quiet, log_json=log_json, report_file=report)
    all_of_them = partial(load_one, configs[0])
    if len(configs) > 1:
        from batchwright.cli import several

        several.check_apart(configs)
        check_apart(configs)
        all_of_them = partial(several.each, configs, load_one, terminal)
    if watch:
        from batchwright.cli.watch import watched

        return watched(configs, all_of_them, terminal, quiet=quiet)
    return all_of_them()


@contextmanager
def _logging(
    config: BatchConfig, terminal: Terminal, *, quiet: bool, log_json: bool
) -> Iterator[tuple[BatchConfig, StderrHandler]]:
    """Log as the settings say; yield them, and what holds the log while all goes well."""
    from batchwright.cli import logs
    from batchwright.config import located

    as_lines = log_json or config.reporter.get("logging", {}).get("format") == "json"
    held = logs.configure(terminal, as_json=as_lines, hold=quiet and not (as_lines or terminal.verbosity))
    if quiet or as_lines:
        config = _without_progress(config)
    try:
        with located(config):
            yield config, held
    except BaseException:
        held.show_held()
        raise


def _load(
    config: BatchConfig, terminal: Terminal, *, quiet: bool, log_json: bool, report_file: Path | None
) -> int:
    from batchwright.cli.notes import NoteTaker
    from batchwright.cli.report import check_installed, check_outside
    from batchwright.cli.signals import Stopper
    from batchwright.cli.targets import load_plugins
    from batchwright.contracts.stop import Stop
    from batchwright.processor import BatchProcessor

    with _logging(config, terminal, quiet=quiet, log_json=log_json) as (config, held):
        with reporting_refusal(config):
            manager = load_plugins(terminal, config)
            check_installed(manager, report_file)
            notes = NoteTaker()
            reporters = [*manager.make_reporters(config), notes]
        check_outside(config, manager)  # outside, since the page would tell of it, where it must not be
        _remark_on_unused(config, terminal)
        processor, stop = BatchProcessor(config, manager=manager, reporters=reporters), Stop()

        def report(result: RunResult) -> None:
            has_text = config.text is not None or not notes.notes.loads_rows
            searchable = has_text and _can_search(manager, config)
            _report(result, config, notes, terminal, held, searchable=searchable, quiet=quiet)

        def end(signal_name: str) -> None:
            by_person = signal_name == "SIGINT"  # who can send a second one
            stop.request(signal_name, exit_code=exits.interrupted(Signals[signal_name]), patient=by_person)

        with Stopper(end, terminal):
            try:
                # a person gets the account before the reporters are closed, a program all that went wrong
                result = processor.run(stop=stop, on_finished=_nothing if terminal.json else report)
            except RunInterrupted as error:  # while it waited for another run: nothing was begun
                held.show_held()
                return terminal.fail(str(error), stop.exit_code, error, state="interrupted")
            if terminal.json:
                report(result)
            return result.exit_code


def _nothing(_result: RunResult) -> None:
    """Report nothing yet."""


def _report(
    result: RunResult,
    config: BatchConfig,
    notes: NoteTaker,
    terminal: Terminal,
    held: StderrHandler,
    *,
    searchable: bool,
    quiet: bool,
) -> None:
    if result.exit_code == exits.USAGE and result.state == "done":
        raise _nothing_found(config, result)
    if result.exit_code != exits.DONE:
        held.show_held()
    if quiet and result.exit_code == exits.DONE and not terminal.json:
        return
    from batchwright.cli import summary

    if terminal.json:
        terminal.say_json(summary.as_json(result, notes.notes, config))
    else:
        terminal.say(summary.in_words(result, notes.notes, config, terminal, searchable))
    if result.state == "failed":
        terminal.tell_error(result.reason)


def _can_search(manager: PluginManager, config: BatchConfig) -> bool:
    sink = manager.sinks().get(config.to.partition(":")[0].lower())
    return sink is not None and sink.searchable


def with_defaults(config: BatchConfig) -> BatchConfig:
    """Return the settings with what the command line wants where nobody said otherwise."""
    changes: dict[str, Any] = {}
    if config.batch_size is None and "adaptive" not in config.model_fields_set:
        changes["adaptive"] = True
    if "reporters" not in config.model_fields_set:
        changes["reporters"] = ("progress", "logging")
    return config.model_copy(update=changes)


def _with_scheduler(config: BatchConfig, scheduler: str | None) -> BatchConfig:
    if scheduler is None:
        return config
    if config.executor == "local":
        raise ConfigError(
            "--scheduler: the executor 'local' has none; name one that does, as in --executor dask"
        )
    section = {**config.executors.get(config.executor, {}), "scheduler": scheduler}
    return config.model_copy(update={"executors": {**config.executors, config.executor: section}})


def _without_progress(config: BatchConfig) -> BatchConfig:
    return config.model_copy(
        update={"reporters": tuple(name for name in config.reporters if name != "progress")}
    )


def _remark_on_unused(config: BatchConfig, terminal: Terminal) -> None:
    for name in config.reporter:
        if name not in config.reporters:
            place = config.origin(f"reporter.{name}")
            terminal.tell(f"{place}: not used, since reporters doesn't name {name!r}")


def _nothing_found(config: BatchConfig, result: RunResult) -> ConfigError:
    from batchwright.cli import left_out

    gone = result.account.documents.deleted
    still = (
        f"; the {gone:,} that were loaded from it are still in the target (--prune removes them)"
        if gone
        else ""
    )
    return left_out.NothingFound(left_out.no_documents(config, result.account.left_out) + still)
