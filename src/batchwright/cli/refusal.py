"""Reporting a run that could not even be set up, since its command line, settings or plugins are wrong.

The reporters are made from the settings that are right, with installed plugins only. What goes wrong
meanwhile is only logged: the command fails anyway, with the error that counts.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batchwright.cli.report import settings_of, with_report
from batchwright.errors import BatchwrightError, ConfigError

if TYPE_CHECKING:
    from batchwright.cli.commands import Command
    from batchwright.config import BatchConfig
    from batchwright.contracts.reporter import AnyReporter

logger = logging.getLogger("batchwright")


@contextmanager
def reporting_wrong_settings(arguments: Mapping[str, Any], file: Path | None) -> Iterator[None]:
    """Report it if settings are wrong.

    Args:
        arguments: Settings by name, as the command line gives them.
        file: The file of settings, or None for the default one.
    """
    try:
        yield
    except ConfigError as error:
        from batchwright.config import BatchConfig, load_what_is_right

        config = load_what_is_right(BatchConfig, arguments, os.environ, file)
        report(with_report(config, arguments["reporter"]), error)
        raise


def report_misspelt(command: Command, arguments: Sequence[str], error: ConfigError) -> None:
    """Report it if the command line of a run can't be understood, by what of it can. Raises nothing.

    Args:
        command: ``run``.
        arguments: Those behind its name.
        error: What is wrong with them.
    """
    from batchwright.config import BatchConfig, load_what_is_right

    context = command.make_context(
        "run", [*arguments], resilient_parsing=True, ignore_unknown_options=True, allow_extra_args=True
    )
    given = context.params
    # the value of an option that is unknown looks like an argument
    places = [one for one in (*(given["sources"] or ()), *context.args) if one and Path(one).exists()]
    known = {
        "to": given["to"],
        "collection": given["collection"],
        "source": Path(places[0]) if places else None,
        **settings_of(given["report"]),
    }
    config = load_what_is_right(BatchConfig, known, os.environ, given["config"])
    report(with_report(config, given["report"]), error)


@contextmanager
def reporting_refusal(config: BatchConfig) -> Iterator[None]:
    """Report it if plugins or their options are wrong."""
    try:
        yield
    except BatchwrightError as error:
        report(config, error)
        raise


def report(config: BatchConfig, error: BatchwrightError) -> None:
    """Send the reporters of the settings `RunNotStarted`, because of `error`. Raises nothing."""
    from batchwright.config import secrets_of
    from batchwright.engine.dispatch import Dispatcher
    from batchwright.engine.ending import not_started

    dispatcher = Dispatcher(_made(config), secrets=secrets_of(config))
    dispatcher.emit(not_started(config, error))
    dispatcher.close()


def _made(config: BatchConfig) -> Iterator[AnyReporter]:
    """Yield the reporters that can be made."""
    from batchwright.plugins.manager import PluginManager

    try:
        manager = PluginManager.load(disable=config.disable_plugins)
    except BatchwrightError as error:
        logger.debug("no reporter can be made: %s", error)
        return
    for name in config.reporters:
        own = {name: config.reporter[name]} if name in config.reporter else {}
        try:
            yield manager.make("reporter", name, own)
        except BatchwrightError as error:
            logger.debug("the reporter %r can't be made: %s", name, error)
