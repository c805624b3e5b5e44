"""``--report``: a page about the run, which a plugin writes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batchwright.errors import BatchwrightError, ConfigError
from batchwright.home import from_home

if TYPE_CHECKING:
    from batchwright.config import BatchConfig
    from batchwright.plugins.manager import PluginManager

REPORTER = "report"
DISTRIBUTION = "batchwright-report"
_APART = ("{collection}", "{run}")
"""What the plugin fills in, so that runs have files of their own."""


def settings_of(path: Path | None) -> dict[str, Any]:
    """Return the settings that the option stands for: ``[reporter.report] path = …``."""
    return {"reporter": None if path is None else {REPORTER: {"path": str(path)}}}


def with_report(config: BatchConfig, given: object) -> BatchConfig:
    """Return the settings with the reporter among those that are used, unless what was `given` is None."""
    if given is None or REPORTER in config.reporters:
        return config
    return config.model_copy(update={"reporters": (*config.reporters, REPORTER)})


def check_installed(manager: PluginManager, path: Path | None) -> None:
    """Check that there is the plugin, if the option was given.

    Raises:
        ConfigError: There is none, or it is not loaded.
    """
    if path is None or REPORTER in manager.offered("reporter"):
        return
    if any(info.distribution == DISTRIBUTION for info in manager.listing()):
        raise ConfigError(
            f"--report: the plugin {DISTRIBUTION} is installed, but not loaded; see batchwright plugins"
        )
    raise ConfigError(f"--report: this needs a plugin; pip install {DISTRIBUTION}")


def check_outside(config: BatchConfig, manager: PluginManager) -> None:
    """Check that the page is no document of the source, which would change with each run.

    Raises:
        ConfigError: It would be loaded.
    """
    from batchwright.config.source_url import path_of
    from batchwright.engine.reading.input import Input

    page, source = _file(config), path_of(config.source_url)
    if page is None or source is None or not page.is_relative_to(source := source.resolve()):
        return
    try:
        given = Input.of(config, manager)
    except BatchwrightError:  # of which the run tells
        return
    is_taken = given.takes(page.relative_to(source).as_posix())
    given.close()
    if is_taken and page != source:
        raise ConfigError(
            f"{config.origin('reporter.report.path')}: {page.name} would be loaded as a document of "
            f"{config.source_shown}; write it elsewhere, or exclude it: --exclude '{page.name}'"
        )


def _file(config: BatchConfig) -> Path | None:
    """Return the absolute path of the page, in a folder that is no link; None where none is written."""
    path = config.reporter.get(REPORTER, {}).get("path") if REPORTER in config.reporters else None
    if not path:
        return None
    file = from_home(str(path))
    return Path(os.path.realpath(file.parent)) / file.name


def check_apart(configs: Sequence[BatchConfig]) -> None:
    """Check that the reports of several sources are several files.

    Raises:
        ConfigError: Each would take the place of the one before it.
    """
    for config in configs:
        path = Path(str(config.reporter.get(REPORTER, {}).get("path", _APART[0])))
        if REPORTER in config.reporters and not any(part in path.name for part in _APART):
            name = f"{path.stem}-{_APART[0]}{path.suffix}"
            raise ConfigError(
                f"{config.origin('reporter.report.path')}: several sources are several reports; write "
                f"{_APART[0]} in the file's name, as in {path.with_name(name)}"
            )
