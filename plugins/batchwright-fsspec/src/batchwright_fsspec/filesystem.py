"""Whatever else fsspec has a file system for."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from batchwright import DocumentError, Fetched, Item
from batchwright.contracts.http_answers import retry_after_of, status_of
from batchwright_fsspec.answers import AnswerError, persistently
from batchwright_fsspec.download import BLOCK, Content
from batchwright_fsspec.drivers import file_system
from batchwright_fsspec.held import Held
from batchwright_fsspec.options import FilesystemOptions, RemoteOptions
from batchwright_fsspec.remote import RemoteSource, is_within

_CHECKSUMS = ("ETag", "etag", "generation", "md5Hash", "checksum", "sha")
_TIMES = ("LastModified", "last_modified", "updated", "mtime", "modified", "modify", "created")
_ATTEMPTS = 3

Options = TypeVar("Options", bound=RemoteOptions)


class FsspecSource(RemoteSource[Options]):
    """A source by what every file system of fsspec can do. Subclasses say its schemes and arguments.

    A listing is kept in memory while it is sorted. What is known of a file is compared before and after it is
    read, so that one that changes meanwhile is read again.
    """

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._file_system = Held(self._make)

    @abstractmethod
    def arguments(self, url: str) -> Mapping[str, Any]:
        """Return what the file system is made with."""

    def list(self, after: str = "", until: str | None = None, since: str | None = None) -> Iterator[Item]:
        """Yield the files under the URL's path, or the one that it names."""
        found: dict[str, Mapping[str, Any]] = persistently(self._find)
        root = self._path.rstrip("/")
        only = found.get(root) if not self._path.endswith("/") else None
        if only is not None:
            keyed = {root.rpartition("/")[2]: (root, only)}
        else:
            begin = f"{root}/" if self._path or any(name.startswith("/") for name in found) else ""
            keyed = {
                name[len(begin) :]: (name, info) for name, info in found.items() if name.startswith(begin)
            }
        del found
        for key in sorted(keyed):
            name, info = keyed.pop(key)
            if not key or not is_within(key, after, until) or info.get("type", "file") != "file":
                continue
            if only is not None or self.selection.takes(key):
                yield Item(key, handle=name, size=info.get("size") or 0, fingerprint=_fingerprint(info))

    def fetch(self, item: Item) -> Fetched:
        """Return the bytes of a file as it stood at one moment."""
        fs = self._file_system.get()
        fingerprint = item.fingerprint
        try:
            for _ in range(_ATTEMPTS):
                content = _read(fs, item.handle)
                info = fs.info(item.handle)
                before, fingerprint = fingerprint, _fingerprint(info)
                if fingerprint == before and content.size in (info.get("size"), None):
                    return Fetched(content.open, fingerprint)
                content.close()
        except Exception as error:  # noqa: BLE001 - each driver has its own
            raise self._translated(error) from None
        raise ConnectionError(f"{item.key}: it changes while it is read")

    def close(self) -> None:
        """Let the file system go; fsspec closes its connections."""
        self._file_system.taken()

    @property
    def _path(self) -> str:
        """The URL's path as the file system knows it; a slash at its end stays."""
        path = str(file_system(self._scheme)._strip_protocol(self.url))
        return f"{path}/" if self.url.endswith("/") and path else path

    @property
    def _scheme(self) -> str:
        return self.url.partition(":")[0].lower()

    def _make(self) -> Any:
        cls = file_system(self._scheme)
        return cls(**self.arguments(self.url), skip_instance_cache=True, use_listings_cache=False)

    def _find(self) -> dict[str, Mapping[str, Any]]:
        fs = self._file_system.get()
        try:
            fs.invalidate_cache()
            found: dict[str, Mapping[str, Any]] = fs.find(self._path.rstrip("/") or self._path, detail=True)
        except Exception as error:  # noqa: BLE001 - each driver has its own
            raise self._translated(error) from None
        return found

    def _translated(self, error: Exception) -> Exception:
        """Return an error that the classifiers know for one of a driver's."""
        status = status_of(error)
        code = getattr(error, "code", None)  # of gcsfs
        if status is None and isinstance(code, int) and 400 <= code <= 599:
            status = code
        if isinstance(error, OSError | DocumentError) and status is None:
            return error
        if status == 404:
            return FileNotFoundError(f"{self.origin()}: not there")
        if status is not None:
            return AnswerError(f"{self.origin()}: {error}", status, retry_after_of(error))
        if any(cls.__module__.partition(".")[0] in ("aiohttp", "requests") for cls in type(error).__mro__):
            return ConnectionError(f"{self.origin()}: {error}")
        return error


def _read(fs: Any, path: str) -> Content:
    content = Content()
    with fs.open(path, "rb", block_size=BLOCK, cache_type="readahead") as stream:
        while block := stream.read(BLOCK):
            content.append(block)
    return content


def _fingerprint(info: Mapping[str, Any]) -> str:
    """Return what changes with the content: a checksum, else time and size; empty if neither is known."""
    for name in _CHECKSUMS:
        if info.get(name):
            return str(info[name]).strip('"')
    for name in _TIMES:
        if moment := info.get(name):
            if isinstance(moment, datetime):  # some say it as a number in a listing, and so for a file
                moment = moment.timestamp()
            return f"{moment} {info.get('size')}"
    return ""


class FilesystemSource(FsspecSource[FilesystemOptions]):
    """Files by SFTP, FTP, SMB, WebHDFS and more; the driver must be installed."""

    name = "fsspec"
    schemes: ClassVar[tuple[str, ...]] = (
        "sftp", "ssh", "ftp", "smb", "hdfs", "webhdfs", "dbfs", "github", "hf", "oss", "oci", "box",
        "dropbox", "gdrive", "lakefs", "webdav", "memory",
    )  # fmt: skip
    options_type = FilesystemOptions

    def arguments(self, url: str) -> Mapping[str, Any]:
        """Return what the URL says, such as host and user, and the option `storage`."""
        return {**file_system(self._scheme)._get_kwargs_from_urls(url), **self.options.storage}
