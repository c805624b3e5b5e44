"""Where the settings of a run come from: arguments, then environment, then TOML, then defaults.

pydantic-settings is not used: it merges its sources before anything is validated, so an error can't say
which of them it came from, and it ignores misspelt environment variables.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_origin

from batchwright.config.settings import ONE_OF, BatchConfig, origin_of
from batchwright.errors import ConfigError
from batchwright.kinds import OFFERED

DEFAULT_FILE = Path("batchwright.toml")
PREFIX = "BATCHWRIGHT_"
_IGNORED = "BATCHWRIGHT_TEST_"
_SERVICE = re.compile(
    r"(?:.*_)?(?:PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)?|SERVICE_HOST|SERVICE_PORT(?:_\w+)?)"
)
"""What follows the prefix in variables that Kubernetes sets for a Service whose name begins with ours."""
_DEPTHS = {**{kind.section: 3 for kind in OFFERED}, "sqlstates": 2}
"""Settings that are tables, by how many names lead to a value in them: sink, postgres, table."""


_DEEPEST = 32
"""Levels of lists and tables in a setting, at most."""

_OPTIONS = {"patterns": "pattern", "plugins": "plugin", "reporter": "report"}
"""Settings whose options have another name, as of those that are given once for each."""


class _Setting(NamedTuple):
    """A value that was found somewhere: the names that lead to it, and where it was."""

    path: tuple[str, ...]
    value: Any
    origin: str


def option(name: str) -> str:
    """Return the option of the command that sets this."""
    if name in ONE_OF:
        return "SOURCE"
    return f"--{_OPTIONS.get(name, name).replace('_', '-')}"


def load_config(
    arguments: Mapping[str, Any],
    environ: Mapping[str, str],
    file: Path | None,
    *,
    label: Callable[[str], str] = option,
    warn: Callable[[str], object] = lambda _: None,
) -> BatchConfig:
    """Read the settings of a run.

    Arguments override environment variables, these the file, and the file the defaults. A list replaces a
    list; tables (the sections of plugins, and ``sqlstates``) are merged. An empty variable counts as not set.

    Args:
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
    from_file = list(_from_file(file, unread))
    if unread:  # the rest may be right together with what stands there
        raise ConfigError("\n".join(unread))
    values, origins = _found(from_file, arguments, environ, unread, label, warn)
    try:
        config = BatchConfig(**values)
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
    arguments: Mapping[str, Any], environ: Mapping[str, str], file: Path | None
) -> BatchConfig:
    """Read the settings without those that are wrong: for telling reporters of a run that wrong ones prevent.

    Args:
        arguments: As for `load_config`.
        environ: As for `load_config`.
        file: As for `load_config`.
    """
    from_file = list(_from_file(file, []))
    values, _ = _found(from_file, arguments, environ, [], option, lambda _: None)
    while True:
        try:
            return BatchConfig(**values)
        except ConfigError as error:
            wrong = {path[0] for path, _ in error.complaints if path} & values.keys()
            for name in wrong or tuple(values):  # where nobody says which, all
                del values[name]


def _found(
    from_file: Sequence[_Setting],
    arguments: Mapping[str, Any],
    environ: Mapping[str, str],
    unread: list[str],
    label: Callable[[str], str],
    warn: Callable[[str], object],
) -> tuple[dict[str, Any], dict[tuple[str, ...], str]]:
    """Return the settings that are given, and where each is; add to `unread` what can't be read."""
    values: dict[str, Any] = {}
    origins: dict[tuple[str, ...], str] = {}
    for layer in (
        from_file,
        list(_from_environment(environ, unread, warn)),
        list(_from_arguments(arguments, label)),
    ):
        if not {setting.path[0] for setting in layer}.isdisjoint(ONE_OF):
            for name in ONE_OF:
                values.pop(name, None)
        for path, value, origin in layer:
            _put(values, path, value)
            origins[path] = origin
    return values, origins


def _placed(path: tuple[str, ...], message: str, origins: Mapping[tuple[str, ...], str]) -> str:
    origin = origin_of(origins, path) or ".".join(path)
    if origin == "SOURCE":
        return message
    return f"{origin}: {message}" if origin else message


def _put(values: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        inner = values.get(name)
        if not isinstance(inner, dict):
            inner = values[name] = {}
        values = inner
    if value == {} and isinstance(values.get(path[-1]), dict):
        return
    values[path[-1]] = value


def _flat(path: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, Mapping) and value and len(path) < _DEPTHS.get(path[0], 1):
        for name, inner in value.items():
            yield from _flat((*path, str(name)), inner)
    else:
        yield path, value


def _from_file(file: Path | None, unread: list[str]) -> Iterator[_Setting]:
    if file is None:
        file = DEFAULT_FILE
        if not os.path.lexists(file):
            return
        if file.exists() and not file.is_file():  # reading a pipe would wait for somebody to write to it
            unread.append(f"{file}: isn't a file; remove or rename it, or name another: --config")
            return
    try:
        # Windows' editors begin a file with a mark
        table: dict[str, Any] = _shallow(tomllib.loads(file.read_text("utf-8-sig")))
    except FileNotFoundError:
        wrong = "is a link that leads nowhere; mend or remove it" if file.is_symlink() else "no such file"
        unread.append(f"{file}: {wrong}")
        return
    except OSError as error:
        unread.append(f"{file}: can't be read: {error.strerror}")
        return
    except UnicodeDecodeError as error:
        unread.append(f"{file}: byte {error.start} is not UTF-8, and TOML has to be")
        return
    except tomllib.TOMLDecodeError as error:
        message, _, place = str(error).removesuffix(")").rpartition(" (at ")
        unread.append(f"{file}: {place or 'TOML'}: {message or error}")
        return
    except RecursionError:
        unread.append(f"{file}: lists or tables in it are nested too deep")
        return
    for name, value in table.items():
        for path, leaf in _flat((name,), value):
            yield _Setting(path, leaf, f"{file}: {'.'.join(path)}")


def _from_environment(
    environ: Mapping[str, str], unread: list[str], warn: Callable[[str], object]
) -> Iterator[_Setting]:
    passed_over = []
    for variable in sorted(environ):
        text = environ[variable].strip()
        if not variable.startswith(PREFIX) or variable.startswith(_IGNORED) or not text:
            continue
        path = _path(variable)
        if path is None and _SERVICE.fullmatch(variable.removeprefix(PREFIX)):
            passed_over.append(variable)
            continue
        if path is None:
            unread.append(f"{variable}: no such setting{_nearest_variable(variable)}")
            continue
        for inner, value in _flat(path, _decoded(path, text)):
            yield _Setting(inner, value, variable)
    if passed_over:
        warn(
            f"passed over {', '.join(passed_over)}: no settings, but like what Kubernetes sets for a "
            f"Service; enableServiceLinks: false in the pod's spec keeps them out"
        )


def _from_arguments(arguments: Mapping[str, Any], label: Callable[[str], str]) -> Iterator[_Setting]:
    for name, value in arguments.items():
        if value is not None:
            for path, leaf in _flat((name,), value):
                yield _Setting(path, leaf, label(name))


def _path(variable: str) -> tuple[str, ...] | None:
    name, *rest = variable.removeprefix(PREFIX).lower().split("__")
    if name not in BatchConfig.model_fields or len(rest) >= _DEPTHS.get(name, 1) or not all(rest):
        return None
    return (name, *(part.upper() for part in rest)) if name == "sqlstates" else (name, *rest)


def _nearest_variable(variable: str) -> str:
    for section in (kind.section.upper() for kind in OFFERED):
        if variable.startswith(f"{PREFIX}{section}"):
            return f"; options are set as {PREFIX}{section}__NAME__OPTION, with two underscores"
    # without the prefix, which would make everything alike
    found = difflib.get_close_matches(variable.removeprefix(PREFIX).lower(), BatchConfig.model_fields, n=1)
    return f"; did you mean {PREFIX}{found[0].upper()}?" if found else ""


def _shallow(value: Any) -> Any:
    """Return the value.

    Raises:
        RecursionError: It is deeper than any setting.
    """
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return value
    raise RecursionError


def _decoded(path: tuple[str, ...], text: str) -> Any:
    """Return the value that a variable's text stands for: a list, a table, or the text itself."""
    field = BatchConfig.model_fields[path[0]]
    is_list = get_origin(field.annotation) is tuple
    if text[0] in "[{" and (is_list or path[0] in _DEPTHS):
        try:
            return _shallow(json.loads(text))
        except (ValueError, RecursionError):
            pass  # a glob may begin with a bracket, a password with anything
    return [part.strip() for part in text.split(",") if part.strip()] if is_list else text
