"""The settings of a command, and errors that tell where a setting was made."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from batchwright.cli.terminal import Terminal
from batchwright.config import BatchConfig, chosen, load_config, secrets_of
from batchwright.errors import ConfigError
from batchwright.kinds import OFFERED


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
    section, dot, name = setting.partition(".")
    for kind in OFFERED:
        if section == kind.section and dot and name in chosen(config, kind) and "has this name" in message:
            setting = kind.choice  # the name is wrong, and stands there
        if (section == kind.section and dot) or setting == kind.choice:
            return f"{config.origin(setting)}{colon}{message}"
    return line
