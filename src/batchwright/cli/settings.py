"""The settings of a command, and errors that tell where a setting was made."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from batchwright.cli.terminal import Terminal
from batchwright.config import BatchConfig, load_config, secrets_of
from batchwright.errors import ConfigError


def load(terminal: Terminal, arguments: Mapping[str, Any], file: Path | None) -> BatchConfig:
    """Read the settings; the terminal learns what it must not show.

    Raises:
        ConfigError: Settings are wrong.
    """
    config = load_config(arguments, os.environ, file)
    terminal.secrets.extend(secrets_of(config))
    return config


@contextlib.contextmanager
def located(config: BatchConfig) -> Iterator[None]:
    """Let errors about a plugin's section name the file or variable where the setting was made."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError("\n".join(_located(line, config) for line in str(error).splitlines())) from error


def _located(line: str, config: BatchConfig) -> str:
    setting, colon, message = line.partition(": ")
    if setting.removeprefix("reporter.") in config.reporters:  # a name in the list of reporters
        setting = "reporters"
    if setting == f"executors.{config.executor}" and "has this name" in message:
        setting = "executor"
    is_setting = setting in ("to", "reporters", "executor") or setting.startswith(
        ("sink.", "reporter.", "executors.")
    )
    return f"{config.origin(setting)}{colon}{message}" if is_setting else line
