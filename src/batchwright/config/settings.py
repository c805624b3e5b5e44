"""The settings of a run."""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from batchwright.config.sections import Sections, secrets_in_sections
from batchwright.config.source_url import STDIN, path_of, shown, url_of
from batchwright.model import DATE_FIELDS, ErrorRecoveryAction
from batchwright.secrets import TargetUrl, masked_url, secrets_in

DEFAULT_TARGET = "sqlite:///batchwright.db"

_LONGEST_NAME = 255  # bytes of a collection's name, which an index holds beside the beginning of a key


def _sqlstate(code: str) -> str:
    if not re.fullmatch(r"[0-9A-Z]{2}([0-9A-Z]{3})?", code):
        raise ValueError("is no SQLSTATE; that is five digits or capitals (23505), or two for a class (23)")
    return code


def _model(name: str) -> str:
    if not re.fullmatch(r".+:\w+", name):
        raise ValueError(f"{name!r} names no model; that is module:Model, or file.py:Model")
    return name


def check_collection(name: str) -> str:
    """Return the name of a collection.

    Raises:
        ValueError: It can't be one.
    """
    given: object = name
    if not isinstance(given, str) or not name or not name.isprintable() or name != name.strip():
        raise ValueError("a collection's name is printable text without spaces around it")
    if len(name.encode()) > _LONGEST_NAME:
        raise ValueError(f"a collection's name has at most {_LONGEST_NAME} bytes")
    return name


_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


class BatchConfig(Sections):
    """The settings of a run.

    With neither `source` nor `input_dir`, a processor loads only what a program brings.

    Attributes:
        input_dir: The folder of documents; must exist. The older name of `source`, for a local folder.
        source: Where records come from: the path of a folder or file that exists, ``-`` for standard input,
            or a URL whose scheme picks the source (``s3://bucket/docs``).
        to: The target; its scheme picks the sink.
        batch_size: Records a batch; None leaves it to the sizers.
        adaptive: Whether the size may follow the speed of the sink, if `batch_size` is None.
        chunk_max_tokens: Tokens a chunk, at most.
        chunk_overlap: Tokens of the text before it that a chunk repeats, at most.
        count_header: Whether the chunk's header counts towards `chunk_max_tokens` as well.
        encoding: The token encoding.
        date_fields: Names of the front matter's field that is a document's date, in any case; the first that
            holds a date counts.
        patterns: Globs of the files to load; one without a slash matches at any depth. Endings match in any
            case. Without any, what the installed readers of documents take.
        exclude: Globs of files and folders to leave out.
        hidden: Whether to load files and folders whose name begins with a dot.
        default_excludes: Whether to leave out folders named node_modules, __pycache__, venv, site-packages or
            bower_components.
        key: The column that names a row; rows are then loaded, each as a document of its own.
        text: The column that is searched, or None.
        heading: The column that says where the text stands, or None.
        chunk: The column with a text that is cut into chunks: rows are then documents, and their other
            columns metadata.
        record: A pydantic model that rows are validated by, as ``module:Model`` or ``file.py:Model``; it says
            the types, too.
        types: Types of columns, by name, in place of those found: text, integer, real, decimal, boolean,
            date, time, datetime, timestamp, uuid, bytes, json.
        on_duplicate: What to do about rows with the same key: set all of them aside, or load the last.
        cursor: The column by which changes are found, such as ``updated_at``, of a source of rows that can be
            asked: what is as high as the highest seen is read, or NULL, and nothing is taken for gone.
        lag: How far below the highest to begin, for rows that were committed late, as in ``1h``.
        on_new_field: What to do about a column that the target lacks: add it, ignore it, or fail.
        follow_symlinks: Whether to follow symbolic links to folders, and links that lead out of the folder of
            documents. Links to files inside of it are always read.
        max_document_bytes: A larger file counts as failed.
        workers: Writers at the same time, each with a connection of its own.
        readers: Processes that read and chunk; None for several on 4 or more cores and for 32 MiB or more.
        max_retries: Retries a batch after transient errors.
        retry_cap: Seconds of the longest wait before a retry; None for no cap.
        retry_jitter: Whether each of those waits is random, between 0 and its length.
        batch_timeout: Seconds for a batch with all its retries; None for no limit.
        max_outage: Seconds that the sink may be down before the run is ended, to be resumed later.
        max_rejects: A run with more rejects fails: a number, or below 1 a share of the records. None for no
            limit; for rows a tenth of them, from 1,000 rows on.
        unstorable: What to do about NUL and lone surrogates, which most databases can't hold: let the
            sink reject the record, remove them, or escape them as in JSON.
        sqlstates: What to do about an SQLSTATE, in place of the built-in classes.
        prune: Whether to remove documents that were deleted from the input.
        purge: Whether nothing is left of documents that pruning removes: neither vectors nor rejects.
        prune_limit: Refuse to remove more than this share of the documents that runs have loaded.
        sink: Options of the sinks, by name.
        sources: Options of the sources, by name.
        reader: Options of the readers, by name.
        reporter: Options of the reporters, by name.
        reporters: Names of the reporters that receive the events of the run.
        executor: Name of the executor that loads documents: ``local`` is this process, which loads rows in
            any case.
        executors: Options of the executors, by name.
        embedder: Name of the embedder that makes vectors of the records' texts; None for no vectors.
        embedders: Options of the embedders, by name.
        keep_vectors: For how long a vector that no row uses any more is kept, for edits that come back, as in
            ``7d``.
        search_mode: How searches go where nothing else is said: by the text, by the vectors, or by both.
        plugins: Plugins to load besides the installed ones: paths of .py files, or module names.
        disable_plugins: Names of plugins that are not imported.
        collection: The collection to load into; None for the name of the directory, and for ``chunks`` where
            a program brings the records.
        adopt: Whether to take over a collection that holds documents of another directory.
        wait: Seconds to wait for a run that is loading the same collection.
        ledger: The file of the ledger beside a sink that keeps none of its own; None for one in
            the user's data folder, named after the target.

    Raises:
        ConfigError: Settings are wrong; each is named, with what is wrong with it.
    """

    input_dir: Path | None = None
    source: str | Path | None = None
    to: Annotated[str, AfterValidator(TargetUrl)] = Field(default=TargetUrl(DEFAULT_TARGET))
    batch_size: int | None = Field(default=None, ge=1)
    adaptive: bool = False
    chunk_max_tokens: int = Field(default=512, ge=16, le=1_000_000)
    chunk_overlap: int = Field(default=0, ge=0)
    count_header: bool = False
    encoding: Literal["cl100k_base", "o200k_base"] = "cl100k_base"
    date_fields: tuple[str, ...] = DATE_FIELDS
    patterns: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    default_excludes: bool = True
    hidden: bool = False
    follow_symlinks: bool = False
    key: str | None = Field(default=None, min_length=1)
    text: str | None = Field(default=None, min_length=1)
    heading: str | None = Field(default=None, min_length=1)
    chunk: str | None = Field(default=None, min_length=1)
    record: Annotated[str, AfterValidator(_model)] | None = None
    types: dict[str, str] = Field(default={})
    on_duplicate: Literal["reject", "last"] = "reject"
    cursor: str | None = Field(default=None, min_length=1)
    lag: str | None = Field(default=None, min_length=1)
    on_new_field: Literal["add", "ignore", "fail"] = "add"
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
    sqlstates: dict[Annotated[str, AfterValidator(_sqlstate)], ErrorRecoveryAction] = Field(default={})
    prune: bool = False
    purge: bool = False
    prune_limit: float = Field(default=0.5, ge=0.0, le=1.0)
    reporters: tuple[str, ...] = ("logging",)
    executor: str = "local"
    embedder: str | None = Field(default=None, min_length=1)
    keep_vectors: str = Field(default="7d", pattern=r"^\d+(\.\d+)?[smhdw]$")
    search_mode: Literal["text", "vector", "hybrid"] = "text"
    plugins: tuple[str, ...] = ()
    disable_plugins: tuple[str, ...] = ()
    collection: Annotated[str, AfterValidator(check_collection)] | None = None
    adopt: bool = False
    wait: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    ledger: Path | None = None

    @property
    def source_url(self) -> str:
        """The URL of what is loaded; empty where neither `source` nor `input_dir` is set."""
        given = self.input_dir if self.input_dir is not None else self.source
        return "" if given is None else url_of(given)

    @property
    def source_shown(self) -> str:
        """What is loaded, as messages have it: as it was given, without secrets."""
        given = self.input_dir if self.input_dir is not None else self.source
        return "" if given is None else shown(given)

    @property
    def target_shown(self) -> str:
        """The target, as messages have it: without secrets."""
        return masked_url(self.to, secrets_of(self))

    @property
    def vectors_kept(self) -> float:
        """Seconds that `keep_vectors` says."""
        number, unit = self.keep_vectors[:-1], self.keep_vectors[-1]
        return float(number) * _SECONDS[unit]

    @field_validator("sqlstates", mode="before")
    @classmethod
    def _actions_in_any_case(cls, table: Any) -> Any:
        if not isinstance(table, Mapping):
            return table
        return {code: value.lower() if isinstance(value, str) else value for code, value in table.items()}

    @field_validator("input_dir")
    @classmethod
    def _existing_directory(cls, path: Path | None) -> Path | None:
        if path is not None and not stat.S_ISDIR(mode := _mode(path)):
            wrong = "not a directory" if mode else "no such directory"
            raise ValueError(f"{wrong}: {_printable(path)}; name the folder that holds the documents")
        return path

    @field_validator("source")
    @classmethod
    def _existing_source(cls, source: str | Path | None, info: ValidationInfo) -> str | Path | None:
        if source is None:
            return None
        if info.data.get("input_dir") is not None:
            raise ValueError("input_dir is set as well; it is the older name for the same, so leave one out")
        if not str(source):
            raise ValueError("it is empty, as a variable of the shell may be; name what to load")
        url = url_of(source)
        path = None if url == STDIN else path_of(url)
        mode = _mode(path) if path is not None else stat.S_IFREG
        if not mode:
            wrong = "a link that leads nowhere" if path and path.is_symlink() else "no such file or directory"
            raise ValueError(f"{wrong}: {_printable(source)}; name what to load")
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise ValueError(
                f"neither a file nor a folder: {_printable(source)}; pipe what it holds into: "
                "batchwright run -"
            )
        return source

    @field_validator("count_header")
    @classmethod
    def _overlap_leaves_room_for_headers(cls, count_header: bool, info: ValidationInfo) -> bool:
        tokens, overlap = info.data.get("chunk_max_tokens"), info.data.get("chunk_overlap")
        if count_header and tokens is not None and overlap is not None and overlap * 4 > tokens:
            raise ValueError(
                f"chunk_overlap ({overlap}) is then at most a quarter of chunk_max_tokens ({tokens})"
            )
        return count_header

    @field_validator("chunk_overlap")
    @classmethod
    def _overlap_leaves_room(cls, overlap: int, info: ValidationInfo) -> int:
        tokens = info.data.get("chunk_max_tokens")
        if tokens is not None and overlap * 2 >= tokens:
            raise ValueError(
                f"{overlap} is too much; it must be less than half of chunk_max_tokens ({tokens})"
            )
        return overlap


def _mode(path: Path) -> int:
    """Return what stands at a path, and its rights; 0 where nothing does.

    Raises:
        ValueError: That can't be told.
    """
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return 0
    except OSError as error:
        raise ValueError(
            f"{_printable(path)} can't be examined: {error.strerror}; check its name, and the permissions of "
            "the folders above it"
        ) from None


def _printable(path: str | Path) -> str:
    return str(path).encode("utf-8", "backslashreplace").decode()  # a name may be any bytes


def secrets_of(config: BatchConfig) -> tuple[str, ...]:
    """Return the passwords in the settings, in the target and in sections, for `mask`."""
    source = secrets_in(str(config.source or ""))
    return tuple(dict.fromkeys((*secrets_in(config.to), *source, *secrets_in_sections(config))))
