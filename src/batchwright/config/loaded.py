"""Settings that are read from several places at once, and know where each of them was found."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import PrivateAttr

from batchwright.config.model import Settings
from batchwright.config.sources import DEFAULT_FILE, ONE_OF, option, settings_found, settings_in_file
from batchwright.errors import ConfigError

logger = logging.getLogger("batchwright")


class LoadedSettings(Settings):
    """Settings that know where they were found; a program may as well give them itself."""

    _origins: dict[tuple[str, ...], str] = PrivateAttr(default_factory=dict)
    _found: dict[str, Path] = PrivateAttr(default_factory=dict)

    @classmethod
    def load(
        cls,
        path: str | Path | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        **settings: Any,
    ) -> Self:
        """Read the settings as the command does: arguments before the environment, the file, the defaults.

        Args:
            path: A TOML file; None for ``batchwright.toml`` in the working directory, where there is one.
            environ: Environment variables (``BATCHWRIGHT_BATCH_SIZE``); None for those of this process.
            settings: Settings that override the others; None counts as not given.

        Raises:
            ConfigError: Settings are wrong, with the place of each: the file, the variable or the argument.
        """
        file = None if path is None else Path(path)
        given = os.environ if environ is None else environ
        return load_config(cls, settings, given, file, label=str, warn=logger.warning)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy, with some settings changed; of `source` and `input_dir` one replaces the other.

        Args:
            update: Settings by name, in place of those of this model.
            deep: Whether to copy values as well, where nothing is changed.

        Raises:
            ConfigError: The settings are wrong, or don't fit the others.
        """
        given = dict(update or {})
        if any(given.get(name) is not None for name in ONE_OF):
            given = dict.fromkeys(ONE_OF) | given
        copy = super().model_copy(update=given, deep=deep)
        copy._origins.update((path, place) for path, place in self._origins.items() if path[0] not in given)
        copy._found.update((name, file) for name, file in self._found.items() if name not in given)
        return copy

    def origin(self, setting: str) -> str:
        """Name where `load` found a setting (``sink.postgres.table``), or repeat its name."""
        path = tuple(setting.split("."))
        return _origin_of(self._origins, path) or setting

    def found_in(self, name: str) -> Path | None:
        """Return the file that names code to run, where `load` found it in the working directory; else None.

        Args:
            name: The setting: `plugins` or `record`.
        """
        return self._found.get(name)


Loaded = TypeVar("Loaded", bound=LoadedSettings)


def load_config(
    model: type[Loaded],
    arguments: Mapping[str, Any],
    environ: Mapping[str, str],
    file: Path | None,
    *,
    label: Callable[[str], str] = option,
    warn: Callable[[str], object] = lambda _: None,
) -> Loaded:
    """Read the settings of a run.

    Arguments override environment variables, these the file, and the file the defaults. A list replaces a
    list; tables (the sections of plugins, and ``sqlstates``) are merged. An empty variable counts as not set.

    Args:
        model: What they are read into: `BatchConfig`.
        arguments: Settings by name, as the command line or a program gives them; None counts as not given.
        environ: Environment variables; ``BATCHWRIGHT_BATCH_SIZE``, ``BATCHWRIGHT_SINK__POSTGRES__TABLE``
            and the like are settings, ``BATCHWRIGHT_TEST_…`` are ignored, and so are, with one warning,
            those that Kubernetes sets for a Service, such as ``BATCHWRIGHT_PORT``.
        file: A TOML file; None for ``batchwright.toml`` in the working directory where there is one.
        label: Returns what an argument is called where it is given.
        warn: Takes warnings.

    Raises:
        ConfigError: With every setting that is wrong, one a line: where it is, and what is wrong with it.
    """
    unread: list[str] = []
    from_file = list(settings_in_file(file, unread))
    if unread:  # the rest may be right together with what stands there
        raise ConfigError("\n".join(unread))
    values, origins = settings_found(
        model.model_fields, from_file, arguments, environ, unread, label=label, warn=warn
    )
    try:
        config = model(**values)
    except ConfigError as error:
        placed = [_placed(path, message, origins) for path, message in error.complaints]
        raise ConfigError("\n".join([*unread, *placed]), error.complaints) from None
    if unread:
        raise ConfigError("\n".join(unread))
    config._origins.update(origins)
    for name in ("plugins", "record"):
        if file is None and origins.get((name,), "").startswith(f"{DEFAULT_FILE}: "):
            config._found[name] = DEFAULT_FILE
    return config


def load_what_is_right(
    model: type[Loaded], arguments: Mapping[str, Any], environ: Mapping[str, str], file: Path | None
) -> Loaded:
    """Read the settings without those that are wrong: for telling reporters of a run that wrong ones prevent.

    Args:
        model: As for `load_config`, and so are the others.
        arguments: Settings by name.
        environ: Environment variables.
        file: A TOML file.
    """
    values, _ = settings_found(model.model_fields, settings_in_file(file, []), arguments, environ, [])
    while True:
        try:
            return model(**values)
        except ConfigError as error:
            wrong = {path[0] for path, _ in error.complaints if path} & values.keys()
            for name in wrong or tuple(values):  # where nobody says which, all
                del values[name]


def _placed(path: tuple[str, ...], message: str, origins: Mapping[tuple[str, ...], str]) -> str:
    origin = _origin_of(origins, path) or ".".join(path)
    if origin == "SOURCE":
        return message
    return f"{origin}: {message}" if origin else message


def _origin_of(origins: Mapping[tuple[str, ...], str], path: tuple[str, ...]) -> str:
    """Return where a setting is, or the nearest thing around it, or else a thing in it."""
    for length in range(len(path), 0, -1):
        if path[:length] in origins:
            return origins[path[:length]]
    return next((origin for known, origin in origins.items() if path and known[: len(path)] == path), "")
