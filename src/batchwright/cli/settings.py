"""The settings of a command."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from batchwright.cli.terminal import Terminal
from batchwright.config import BatchConfig, load_config, secrets_of
from batchwright.errors import ConfigError
from batchwright.home import from_home


def load(terminal: Terminal, arguments: Mapping[str, Any], file: Path | None) -> BatchConfig:
    """Read the settings; the terminal learns what it must not show.

    Raises:
        ConfigError: Settings are wrong.
    """
    config = load_config(BatchConfig, arguments, os.environ, file, warn=terminal.remarks.append)
    terminal.secrets.extend(secrets_of(config))
    return config


def load_with_source(
    terminal: Terminal, arguments: Mapping[str, Any], file: Path | None, source: str | None
) -> BatchConfig:
    """Read the settings of a command that reads documents from `source`, or from where the settings say.

    Raises:
        ConfigError: Settings are wrong, or say no source.
    """
    # a path need not be a text: its name may be any bytes
    given = from_home(source) if source and "://" not in source and source != "-" else source
    config = load(terminal, {"source": given, **arguments}, file)
    if not config.source_url:
        raise ConfigError("load what? Name it: batchwright run SOURCE (or set source in batchwright.toml)")
    return config
