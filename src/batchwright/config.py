"""The settings of a run, and where they come from: arguments, then environment, then TOML, then defaults.

pydantic-settings is not used: it merges its sources before anything is validated, so an error can't tell
which of them it came from, and it passes over misspelled environment variables.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from batchwright.errors import ConfigError
from batchwright.model import ErrorRecoveryAction
from batchwright.secrets import TargetUrl, mask, secrets_in

DEFAULT_TARGET = "sqlite:///batchwright.db"
DEFAULT_FILE = Path("batchwright.toml")
PREFIX = "BATCHWRIGHT_"
_IGNORED = "BATCHWRIGHT_TEST_"
_DEPTHS = {"sink": 3, "reporter": 3, "executors": 3, "sqlstates": 2}
"""Settings that are tables, by how many names lead to a value in them: sink, postgres, table."""
_SECRET_OPTION = re.compile(r"passw|pwd|secret|token|key$|url$|dsn$|conninfo$", re.IGNORECASE)
"""Names of options whose values are taken for passwords."""


def _sqlstate(code: str) -> str:
    if not re.fullmatch(r"[0-9A-Z]{2}([0-9A-Z]{3})?", code):
        raise ValueError("is no SQLSTATE; that is five digits or capitals (23505), or two for a class (23)")
    return code


class BatchConfig(BaseModel):
    """The settings of a run.

    Attributes:
        input_dir: The directory of documents; must exist.
        to: The target; its scheme picks the sink.
        batch_size: Records a batch; None leaves it to the plugins that size batches.
        adaptive: Whether the size may follow what the sink shows, where `batch_size` is None.
        chunk_max_tokens: Tokens a chunk, at most.
        chunk_overlap: Tokens of the text before it that a chunk repeats, at most.
        encoding: The token encoding.
        patterns: Globs of the files to load; one without a slash matches at any depth.
        exclude: Globs of files and folders to leave out.
        hidden: Whether to load files and folders whose name begins with a dot.
        follow_symlinks: Whether to enter folders that are symbolic links.
        max_document_bytes: A larger file counts as failed.
        workers: Writers at the same time, each with a connection of its own.
        readers: Processes that read and chunk; None takes more than one where it pays.
        max_retries: Retries a batch after transient faults.
        retry_cap: Seconds that no wait before a retry exceeds; None for no cap.
        retry_jitter: Whether those waits are drawn evenly between 0 and what the schedule says.
        batch_timeout: Seconds for a batch with all its retries; None for no end.
        max_outage: Seconds that the sink may be down before the run is ended, to be resumed later.
        max_rejects: More rejects fail the run: a number, or below 1 a share of the records.
        unstorable: What to do about NUL and lone surrogates, which most databases can't hold: leave it to
            the sink to reject the record, strip them, or escape them as in JSON.
        sqlstates: What to do about an SQLSTATE, in place of the built-in classes.
        prune: Whether to remove documents that are gone from the input.
        prune_limit: Refuse to prune more than this share of the documents there.
        sink: Options of the sinks, by name.
        reporter: Options of the reporters, by name.
        reporters: Names of the reporters that hear of the run.
        executor: Name of the executor that has the run loaded: ``local`` is this process.
        executors: Options of the executors, by name.
        plugins: Plugins to load besides the installed ones: paths of .py files, or module names.
        disable_plugins: Names of plugins that are not even imported.
        ledger: Where the ledger of a sink without one of its own is kept; None for a file in ``.batchwright``
            of the working directory.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    input_dir: Path
    to: Annotated[str, AfterValidator(TargetUrl)] = Field(default=TargetUrl(DEFAULT_TARGET))
    batch_size: int | None = Field(default=None, ge=1)
    adaptive: bool = False
    chunk_max_tokens: int = Field(default=512, ge=16, le=1_000_000)
    chunk_overlap: int = Field(default=0, ge=0)
    encoding: Literal["cl100k_base", "o200k_base"] = "cl100k_base"
    patterns: tuple[str, ...] = ("*.md", "*.markdown")
    exclude: tuple[str, ...] = ()
    hidden: bool = False
    follow_symlinks: bool = False
    max_document_bytes: int = Field(default=64 * 1024 * 1024, ge=1)
    workers: int = Field(default=1, ge=1, le=256)
    readers: int | None = Field(default=None, ge=1, le=256)
    max_retries: int = Field(default=3, ge=0)
    retry_cap: float | None = Field(default=None, gt=0)
    retry_jitter: bool = False
    batch_timeout: float | None = Field(default=120.0, gt=0)
    max_outage: float = Field(default=600.0, ge=0)
    max_rejects: float | None = Field(default=None, ge=0)
    unstorable: Literal["reject", "strip", "escape"] = "reject"
    sqlstates: dict[Annotated[str, AfterValidator(_sqlstate)], ErrorRecoveryAction] = {}
    prune: bool = False
    prune_limit: float = Field(default=0.5, ge=0.0, le=1.0)
    sink: dict[str, dict[str, Any]] = Field(default={}, repr=False)
    reporter: dict[str, dict[str, Any]] = Field(default={}, repr=False)
    reporters: tuple[str, ...] = ("logging",)
    executor: str = "local"
    executors: dict[str, dict[str, Any]] = Field(default={}, repr=False)
    plugins: tuple[str, ...] = ()
    disable_plugins: tuple[str, ...] = ()
    ledger: Path | None = None
    _origins: dict[tuple[str, ...], str] = PrivateAttr(default_factory=dict)

    def origin(self, setting: str) -> str:
        """Name where `load_config` found a setting (``sink.postgres.table``), or repeat its name."""
        path = tuple(setting.split("."))
        return _origin(self._origins, path) or setting

    @field_validator("sqlstates", mode="before")
    @classmethod
    def _actions_in_any_case(cls, table: Any) -> Any:
        if not isinstance(table, Mapping):
            return table
        return {code: value.lower() if isinstance(value, str) else value for code, value in table.items()}

    @field_validator("input_dir")
    @classmethod
    def _existing_directory(cls, path: Path) -> Path:
        if not path.is_dir():
            wrong = "not a directory" if path.exists() else "no such directory"
            shown = str(path).encode("utf-8", "backslashreplace").decode()  # a name may be any bytes
            raise ValueError(f"{wrong}: {shown}; name the folder that holds the documents")
        return path

    @model_validator(mode="after")
    def _overlap_leaves_room(self) -> BatchConfig:
        if self.chunk_overlap * 2 >= self.chunk_max_tokens:
            raise ValueError(
                f"chunk_overlap ({self.chunk_overlap}) must be less than half of "
                f"chunk_max_tokens ({self.chunk_max_tokens})"
            )
        return self


def secrets_of(config: BatchConfig) -> tuple[str, ...]:
    """Return what `mask` has to hide of the settings: passwords in the target and in sections."""
    found = list(secrets_in(config.to))
    for section in (*config.sink.values(), *config.reporter.values(), *config.executors.values()):
        for name, value in section.items():
            text = value.get_secret_value() if isinstance(value, SecretStr) else value
            if isinstance(text, str) and (text is not value or _SECRET_OPTION.search(name)):
                found += secrets_in(text) if "://" in text else (text,)
    return tuple(dict.fromkeys(found))


class _Setting(NamedTuple):
    """A value that was found somewhere: the names that lead to it, and where it was."""

    path: tuple[str, ...]
    value: Any
    origin: str


def load_config(arguments: Mapping[str, Any], environ: Mapping[str, str], file: Path | None) -> BatchConfig:
    """Read the settings of a run.

    Arguments win over environment variables, those over the file, that over the defaults. A list replaces
    a list; tables (``sink``, ``reporter``, ``executors``, ``sqlstates``) are merged. An empty variable
    counts as not set.

    Args:
        arguments: Settings by name, as the command line gives them; None counts as not given.
        environ: Environment variables; ``BATCHWRIGHT_BATCH_SIZE``, ``BATCHWRIGHT_SINK__POSTGRES__TABLE``
            and the like are settings, ``BATCHWRIGHT_TEST_…`` are passed over.
        file: A TOML file; None for ``batchwright.toml`` in the working directory where there is one.

    Raises:
        ConfigError: With every setting that is wrong, one a line: where it is, and what is wrong with it.
    """
    complaints: list[str] = []
    settings = [
        *_from_file(file, complaints),
        *_from_environment(environ, complaints),
        *_from_arguments(arguments),
    ]
    values: dict[str, Any] = {}
    origins: dict[tuple[str, ...], str] = {}
    for path, value, origin in settings:
        _put(values, path, value)
        origins[path] = origin
    try:
        config = BatchConfig(**values)
    except ValidationError as error:
        for path, message in _complaints(error, BatchConfig.model_fields):
            complaints.append(_placed(path, message, origins))
        raise ConfigError("\n".join(complaints)) from None
    if complaints:
        raise ConfigError("\n".join(complaints))
    config._origins.update(origins)
    return config


def explain(error: ValidationError, where: str, fields: Iterable[str]) -> str:
    """Say what is wrong with a section of the settings, one error a line, without any of its values.

    Args:
        error: What validating the section raised.
        where: The section, such as ``sink.postgres``.
        fields: The names that the section knows, to suggest the nearest to a misspelled one.
    """
    lines = [
        f"{'.'.join(part for part in (where, *path) if part)}: {message}"
        for path, message in _complaints(error, fields)
    ]
    return "\n".join(lines)


def _complaints(error: ValidationError, fields: Iterable[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    known = list(fields)
    for details in error.errors(include_url=False, include_input=False):
        path = tuple(str(part) for part in details["loc"] if part != "[key]")
        message = details["msg"]
        match details["type"]:
            case "extra_forbidden":
                message = "no such setting" + (_nearest(path[0], known) if len(path) == 1 else "")
            case "missing":
                message = "is missing"
            case "value_error" | "assertion_error":
                message = str(details.get("ctx", {}).get("error", message))
            case _:
                message = message.replace("Input should", "should").replace(
                    ", unable to parse string as an integer", ""
                )
        yield path, mask(message)


def _nearest(name: str, known: Iterable[str]) -> str:
    """Return the question whether the known name most like `name` is meant, or nothing."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {found[0]}?" if found else ""


def _placed(path: tuple[str, ...], message: str, origins: Mapping[tuple[str, ...], str]) -> str:
    if path == ("input_dir",):
        if path not in origins:
            return "which directory? Name it: batchwright run DIR (or set input_dir in batchwright.toml)"
        if origins[path] == "DIR":
            return message
    origin = _origin(origins, path) or ".".join(path)
    return f"{origin}: {message}" if origin else message


def _origin(origins: Mapping[tuple[str, ...], str], path: tuple[str, ...]) -> str:
    """Return where a setting is, or the nearest thing around it, or else a thing in it."""
    for length in range(len(path), 0, -1):
        if path[:length] in origins:
            return origins[path[:length]]
    return next((origin for known, origin in origins.items() if path and known[: len(path)] == path), "")


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


def _from_file(file: Path | None, complaints: list[str]) -> Iterator[_Setting]:
    if file is None:
        file = DEFAULT_FILE
        if not file.exists():
            return
    try:
        table = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        complaints.append(f"{file}: no such file")
        return
    except OSError as error:
        complaints.append(f"{file}: can't be read: {error.strerror}")
        return
    except UnicodeDecodeError as error:
        complaints.append(f"{file}: byte {error.start} is not UTF-8, and TOML has to be")
        return
    except tomllib.TOMLDecodeError as error:
        message, _, place = str(error).removesuffix(")").rpartition(" (at ")
        complaints.append(f"{file}: {place or 'TOML'}: {message or error}")
        return
    for name, value in table.items():
        for path, leaf in _flat((name,), value):
            yield _Setting(path, leaf, f"{file}: {'.'.join(path)}")


def _from_environment(environ: Mapping[str, str], complaints: list[str]) -> Iterator[_Setting]:
    for variable in sorted(environ):
        text = environ[variable].strip()
        if not variable.startswith(PREFIX) or variable.startswith(_IGNORED) or not text:
            continue
        path = _path(variable)
        if path is None:
            complaints.append(f"{variable}: no such setting{_nearest_variable(variable)}")
            continue
        for inner, value in _flat(path, _decoded(path, text)):
            yield _Setting(inner, value, variable)


def _from_arguments(arguments: Mapping[str, Any]) -> Iterator[_Setting]:
    for name, value in arguments.items():
        option = "DIR" if name == "input_dir" else f"--{name.replace('_', '-')}"
        if value is not None:
            for path, leaf in _flat((name,), value):
                yield _Setting(path, leaf, option)


def _path(variable: str) -> tuple[str, ...] | None:
    name, *rest = variable.removeprefix(PREFIX).lower().split("__")
    if name not in BatchConfig.model_fields or len(rest) >= _DEPTHS.get(name, 1) or not all(rest):
        return None
    return (name, *(part.upper() for part in rest)) if name == "sqlstates" else (name, *rest)


def _nearest_variable(variable: str) -> str:
    for section in ("SINK", "REPORTER", "EXECUTORS"):
        if variable.startswith(f"{PREFIX}{section}"):
            return f"; options are set as {PREFIX}{section}__NAME__OPTION, with two underscores"
    # without the prefix, which would make everything alike
    found = difflib.get_close_matches(variable.removeprefix(PREFIX).lower(), BatchConfig.model_fields, n=1)
    return f"; did you mean {PREFIX}{found[0].upper()}?" if found else ""


def _decoded(path: tuple[str, ...], text: str) -> Any:
    """Return the value that a variable's text stands for: a list, a table, or the text itself."""
    field = BatchConfig.model_fields[path[0]]
    is_list = get_origin(field.annotation) is tuple
    if text[0] in "[{" and (is_list or path[0] in _DEPTHS):
        try:
            return json.loads(text)
        except ValueError:
            pass  # a glob may begin with a bracket, a password with anything
    return [part.strip() for part in text.split(",") if part.strip()] if is_list else text
