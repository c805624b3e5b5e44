"""Local files: a folder with all that is below it, one file, or the members of a zip archive."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from batchwright.builtin.files.archive import Archive, is_archive
from batchwright.contracts.source import Fetched, Source, SourceLimits, SourceOptions
from batchwright.documents import discover, open_file
from batchwright.errors import ConfigError
from batchwright.items import Item


class FilesSource(Source[SourceOptions]):
    """The files of a folder, the members of a zip archive, or one file."""

    name = "files"
    schemes = ("file",)
    selects = True
    limits = SourceLimits(at_once=1)
    is_local = True

    def __init__(self, options: SourceOptions) -> None:
        super().__init__(options)
        path = options.path
        if path is None:
            raise ConfigError("source: a local path is a file URL: file:///path")
        self._path = path
        self._archive = Archive(path)

    def list(self, after: str = "", until: str | None = None, since: str | None = None) -> Iterator[Item]:
        """Yield the files, in the order of their paths."""
        for item in self._found():
            if until is not None and item.key > until:
                return
            if item.key > after:
                yield item

    def item(self, key: str) -> Item | None:
        """Return the file of this name, without looking for it; a member is looked for."""
        if self._is_archive:
            return super().item(key)
        if self._path.is_file():
            return self._file() if key == self._path.name else None
        path, inside = os.path.realpath(self._path / key), os.path.realpath(self._path) + os.sep
        if not path.startswith(inside) and (".." in key.split("/") or not self.selection.follow_symlinks):
            return None  # as when it is listed, nothing outside is loaded
        return Item(key, path, Path(path).stat().st_size) if Path(path).exists() else None

    def fetch(self, item: Item) -> Fetched:
        """Return what opens the file.

        Raises:
            FileNotFoundError: It was a member of an archive, and is no more.
        """
        if self._is_archive:
            return self._archive.fetch(item)
        return Fetched(partial(open_file, item.handle, item.key))

    def origin(self) -> str:
        """Return the absolute path; links stay in it."""
        return str(self._path)

    def probe(self) -> None:
        """Check that there is something."""
        self._path.stat()

    def close(self) -> None:
        """Close the archive, if it is one."""
        self._archive.close()

    @property
    def _is_archive(self) -> bool:
        return is_archive(self._path) and self._path.is_file()

    def _found(self) -> Iterator[Item]:
        if self._is_archive:
            return self._archive.list(self.selection)
        return iter([self._file()]) if self._path.is_file() else discover(self._path, self.selection)

    def _file(self) -> Item:
        path = os.path.realpath(self._path)
        return Item(self._path.name, path, Path(path).stat().st_size)
