"""Where the settings of a run come from: arguments, then environment, then TOML, then defaults.

pydantic-settings is not used: it merges its sources before anything is validated, so an error can't say
which of them it came from, and it ignores misspelt environment variables.
"""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_origin

from batchwright.home import from_home
from batchwright.kinds import OFFERED

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

DEFAULT_FILE = Path("batchwright.toml")
PREFIX = "BATCHWRIGHT_"
_IGNORED = "BATCHWRIGHT_TEST_"
_SERVICE = re.compile(
    r"(?:.*_)?(?:PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)?|SERVICE_HOST|SERVICE_PORT(?:_\w+)?)"
)
"""What follows the prefix in variables that Kubernetes sets for a Service whose name begins with ours."""
_LINK = re.compile(r"(?P<alias>.*?_?)(?:NAME|ENV_\w+)")
"""The same in variables that Docker sets beside them, for a linked container."""
_DEPTHS = {**{kind.section: 3 for kind in OFFERED}, "sqlstates": 2}
"""Settings that are tables, by how many names lead to a value in them: sink, postgres, table."""
_DEEPEST = 32
"""Levels of lists and tables in a setting, at most."""
ONE_OF = ("input_dir", "source")
"""Two names of one setting: where an override says one, it takes the place of the other, too."""
_OPTIONS = {"patterns": "pattern", "plugins": "plugin", "reporter": "report"}
"""Settings whose options have another name, as of those that are given once for each."""


class Setting(NamedTuple):
    """A value that was found somewhere: the names that lead to it, and where it was."""

    path: tuple[str, ...]
    value: Any
    origin: str


def option(name: str) -> str:
    """Return the option of the command that sets this."""
    if name in ONE_OF:
        return "SOURCE"
    return f"--{_OPTIONS.get(name, name).replace('_', '-')}"


def settings_in_file(file: Path | None, unread: list[str]) -> Iterator[Setting]:
    """Yield the settings in a TOML file; add to `unread` why it can't be read.

    Args:
        file: The file; None for ``batchwright.toml`` in the working directory where there is one.
        unread: Takes what can't be read.
    """
    if file is None:
        file = DEFAULT_FILE
        if not os.path.lexists(file):
            return
        if file.exists() and not file.is_file():  # reading a pipe would wait for somebody to write to it
            unread.append(f"{file}: isn't a file; remove or rename it, or name another: --config")
            return
    file = from_home(file)
    import tomllib  # most runs have no file

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
            yield Setting(path, leaf, f"{file}: {'.'.join(path)}")


def settings_found(
    fields: Mapping[str, FieldInfo],
    from_file: Iterable[Setting],
    arguments: Mapping[str, Any],
    environ: Mapping[str, str],
    unread: list[str],
    *,
    label: Callable[[str], str] = option,
    warn: Callable[[str], object] = lambda _: None,
) -> tuple[dict[str, Any], dict[tuple[str, ...], str]]:
    """Return the settings that are given, and where each is; add to `unread` what can't be read.

    Args:
        fields: All settings that there are, by name.
        from_file: Those of the file.
        arguments: Settings by name, as the command line or a program gives them; None counts as not given.
        environ: Environment variables.
        unread: Takes what can't be read, one a line.
        label: Returns what an argument is called where it is given.
        warn: Takes warnings.
    """
    values: dict[str, Any] = {}
    origins: dict[tuple[str, ...], str] = {}
    for layer in (
        list(from_file),
        list(_from_environment(fields, environ, unread, warn)),
        list(_from_arguments(arguments, label)),
    ):
        if not {setting.path[0] for setting in layer}.isdisjoint(ONE_OF):
            for name in ONE_OF:
                values.pop(name, None)
        for path, value, origin in layer:
            _put(values, path, value)
            origins[path] = origin
    return values, origins


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


def _from_environment(
    fields: Mapping[str, FieldInfo],
    environ: Mapping[str, str],
    unread: list[str],
    warn: Callable[[str], object],
) -> Iterator[Setting]:
    passed_over = []
    for variable in sorted(environ):
        text = environ[variable].strip()
        if not variable.startswith(PREFIX) or variable.startswith(_IGNORED) or not text:
            continue
        path = _path(variable, fields)
        if path is None and _is_of_the_platform(variable.removeprefix(PREFIX), environ):
            passed_over.append(variable)
            continue
        if path is None:
            unread.append(f"{variable}: no such setting{_nearest_variable(variable, fields)}")
            continue
        for inner, value in _flat(path, _decoded(path, text, fields)):
            yield Setting(inner, value, variable)
    if passed_over:
        warn(
            f"passed over {', '.join(passed_over)}: no settings, but like what Kubernetes sets for a "
            f"Service, or Docker for a link; enableServiceLinks: false in the pod's spec keeps them out"
        )


def _is_of_the_platform(name: str, environ: Mapping[str, str]) -> bool:
    if _SERVICE.fullmatch(name):
        return True
    link = _LINK.fullmatch(name)
    return link is not None and f"{PREFIX}{link['alias']}PORT" in environ


def _from_arguments(arguments: Mapping[str, Any], label: Callable[[str], str]) -> Iterator[Setting]:
    for name, value in arguments.items():
        if value is not None:
            for path, leaf in _flat((name,), value):
                yield Setting(path, leaf, label(name))


def _path(variable: str, fields: Iterable[str]) -> tuple[str, ...] | None:
    name, *rest = variable.removeprefix(PREFIX).lower().split("__")
    if name not in fields or len(rest) >= _DEPTHS.get(name, 1) or not all(rest):
        return None
    return (name, *(part.upper() for part in rest)) if name == "sqlstates" else (name, *rest)


def _nearest_variable(variable: str, fields: Iterable[str]) -> str:
    for section in (kind.section.upper() for kind in OFFERED):
        if variable.startswith(f"{PREFIX}{section}"):
            return f"; options are set as {PREFIX}{section}__NAME__OPTION, with two underscores"
    # without the prefix, which would make everything alike
    found = difflib.get_close_matches(variable.removeprefix(PREFIX).lower(), fields, n=1)
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


def _decoded(path: tuple[str, ...], text: str, fields: Mapping[str, FieldInfo]) -> Any:
    """Return the value that a variable's text stands for: a list, a table, or the text itself."""
    is_list = get_origin(fields[path[0]].annotation) is tuple
    if text[0] in "[{" and (is_list or path[0] in _DEPTHS):
        try:
            return _shallow(json.loads(text))
        except (ValueError, RecursionError):
            pass  # a glob may begin with a bracket, a password with anything
    return [part.strip() for part in text.split(",") if part.strip()] if is_list else text
