"""Local files: a folder with all that is below it, one file, or the members of a zip archive."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from batchwright.builtin.files.archive import Archive, is_archive
from batchwright.contracts.source import Fetched, Source, SourceLimits, SourceOptions
from batchwright.documents import discover, open_file
from batchwright.errors import ConfigError
from batchwright.items import Item

_YOUNG = 10 * 10**9
"""Nanoseconds for which a modification time isn't trusted. A file that is changed again within what its file
system takes for one moment, up to 2 s, keeps its time; and another machine's clock may be behind."""

_TOO_YOUNG = "mtime:young"
"""What stands for the fingerprint of a file that was too young when it was read: it is nobody's."""


class FilesOptions(SourceOptions):
    """Options of local files."""

    trust_mtime: bool = False
    """Whether a file whose size and modification time are as before is unchanged, and not read."""


class FilesSource(Source[FilesOptions]):
    """The files of a folder, the members of a zip archive, or one file."""

    name = "files"
    schemes = ("file",)
    options_type = FilesOptions
    selects = True
    limits = SourceLimits(at_once=1)
    is_local = True

    def __init__(self, options: FilesOptions) -> None:
        super().__init__(options)
        path = options.path
        if path is None:
            raise ConfigError("source: a local path is a file URL: file:///path")
        self._path = path
        self._archive = Archive(path) if is_archive(path) else None

    def list(self, after: str = "", until: str | None = None, since: str | None = None) -> Iterator[Item]:
        """Yield the files, in the order of their paths."""
        if not after and until is None:
            yield from self._found()
            return
        for item in self._found():
            if until is not None and item.key > until:
                return
            if item.key > after:
                yield item

    def item(self, key: str) -> Item | None:
        """Return the file of this name, without looking for it; a member is looked for."""
        if self._members is not None:
            return super().item(key)
        if self._path.is_file():
            return self._file() if key == self._path.name else None
        path, inside = os.path.realpath(self._path / key), os.path.realpath(self._path) + os.sep
        if not path.startswith(inside) and (".." in key.split("/") or not self.selection.follow_symlinks):
            return None  # as when it is listed, nothing outside is loaded
        return self._at(key, path) if Path(path).exists() else None

    def fetch(self, item: Item) -> Fetched:
        """Return what opens the file.

        Raises:
            FileNotFoundError: It was a member of an archive, and is no more.
        """
        if (archive := self._members) is not None:
            return archive.fetch(item)
        opened = partial(open_file, item.handle, item.key)
        if not self.options.trust_mtime:
            return Fetched(opened)
        # It may be another file by now, and the one listed may come back, as when a release is undone.
        return Fetched(opened, _fingerprint_now(item.handle))

    def origin(self) -> str:
        """Return the absolute path; links stay in it."""
        return str(self._path)

    def probe(self) -> None:
        """Check that there is something."""
        self._path.stat()

    def close(self) -> None:
        """Close the archive, if it is one."""
        if self._archive is not None:
            self._archive.close()

    @property
    def _members(self) -> Archive | None:
        """The archive, if it is one, and not a folder that is called like one."""
        return self._archive if self._archive is not None and self._path.is_file() else None

    @property
    def _fingerprints(self) -> Callable[[os.stat_result], str] | None:
        return _fingerprinter() if self.options.trust_mtime else None

    def _found(self) -> Iterator[Item]:
        if (archive := self._members) is not None:
            return archive.list(self.selection)
        if self._path.is_file():
            return iter([self._file()])
        return discover(self._path, self.selection, self._fingerprints)

    def _file(self) -> Item:
        return self._at(self._path.name, os.path.realpath(self._path))

    def _at(self, key: str, path: str) -> Item:
        status, fingerprint = Path(path).stat(), self._fingerprints
        return Item(key, path, status.st_size, fingerprint(status) if fingerprint else "")


def _fingerprint_now(path: str) -> str:
    try:
        return _fingerprinter()(Path(path).stat()) or _TOO_YOUNG
    except OSError:  # opening it says why
        return _TOO_YOUNG


def _fingerprinter() -> Callable[[os.stat_result], str]:
    """Return what makes fingerprints from now on: empty for a file that is too young for one.

    A file that changes after it was looked at then has another time, and another fingerprint.
    """
    oldest = time.time_ns() - _YOUNG

    def fingerprint(status: os.stat_result) -> str:
        when = status.st_mtime_ns
        return f"mtime:{when}:{status.st_size}" if when < oldest else ""

    return fingerprint
