"""Telling the reporters of a run that could not even be set up: settings or plugins are wrong.

They are made of the settings that are right, with installed plugins only. What goes wrong meanwhile is not
told: the command fails anyway, with the error that counts.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batchwright.errors import BatchwrightError, ConfigError

if TYPE_CHECKING:
    from batchwright.config import BatchConfig
    from batchwright.contracts.reporter import AnyReporter

logger = logging.getLogger("batchwright")


@contextmanager
def told_of_wrong_settings(arguments: Mapping[str, Any], file: Path | None) -> Iterator[None]:
    """Have the reporters told where settings are wrong.

    Args:
        arguments: Settings by name, as the command line gives them.
        file: The file of settings, or None for the default one.
    """
    try:
        yield
    except ConfigError as error:
        from batchwright.config import load_what_is_right

        tell_reporters(load_what_is_right(arguments, os.environ, file), error)
        raise


@contextmanager
def told_of_refusal(config: BatchConfig) -> Iterator[None]:
    """Have the reporters told where plugins or their options are wrong."""
    try:
        yield
    except BatchwrightError as error:
        tell_reporters(config, error)
        raise


def tell_reporters(config: BatchConfig, error: BatchwrightError) -> None:
    """Tell the reporters of the settings that `error` keeps a run from beginning. Raises nothing."""
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
        logger.debug("no reporter is told: %s", error)
        return
    for name in config.reporters:
        own = {name: config.reporter[name]} if name in config.reporter else {}
        try:
            yield manager.make("reporter", name, own)
        except BatchwrightError as error:
            logger.debug("the reporter %r is not told: %s", name, error)
