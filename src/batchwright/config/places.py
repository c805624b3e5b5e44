"""Errors about settings that are found late name the file or variable where the setting was made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from batchwright.config.sections import chosen
from batchwright.config.settings import BatchConfig
from batchwright.errors import ConfigError
from batchwright.kinds import OFFERED


@contextmanager
def located(config: BatchConfig) -> Iterator[None]:
    """Let errors about a plugin's section name the place where `BatchConfig.load` found the setting."""
    try:
        yield
    except ConfigError as error:
        lines = [_located(line, config) for line in str(error).splitlines()]
        if lines == str(error).splitlines():
            raise
        raise ConfigError("\n".join(lines), error.complaints) from error


def _located(line: str, config: BatchConfig) -> str:
    setting, colon, message = line.partition(": ")
    section, dot, name = setting.partition(".")
    for kind in OFFERED:
        if section == kind.section and dot and name in chosen(config, kind) and "has this name" in message:
            setting = kind.choice  # the name is wrong, and stands there
        if (section == kind.section and dot) or setting == kind.choice:
            return f"{config.origin(setting)}{colon}{message}"
    return line
