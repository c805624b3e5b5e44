"""Find the documents below a directory, in a fixed order, without keeping a list of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from batchwright.documents.globs import Matcher
from batchwright.documents.left_out import EXCLUDED_FILE, EXCLUDED_FOLDER, HIDDEN_FILE, HIDDEN_FOLDER, LINK
from batchwright.documents.selection import Selection
from batchwright.items import Item
from batchwright.values import dataclass


def discover(
    input_dir: str | os.PathLike[str],
    selection: Selection | None = None,
    fingerprint: Callable[[os.stat_result], str] | None = None,
) -> Iterator[Item]:
    """Yield the files below `input_dir` that are wanted, sorted by whole posix path in code point order.

    That is the order of the UTF-8 bytes, and of Postgres' collation "C". Only the names of one
    folder for each level of depth are in memory. What can't be read raises nothing: a folder that can't
    be listed, a broken link or a pipe that matches is yielded with an `error`. So it is accounted for, and
    never mistaken for a deleted document. What vanishes meanwhile is left out, unless the whole directory
    does. A link to one of the folders it lies in is left out; links to files of `input_dir` are always read.
    An item's handle is the path, a string: a Path costs more than finding the file does.

    Args:
        input_dir: Where to start.
        selection: What is wanted; by default Markdown.
        fingerprint: Returns a file's fingerprint; None for files without.

    Raises:
        ConfigError: A pattern is empty.
    """
    selection = selection or Selection()
    root = os.fspath(input_dir)
    walk = _Walk(
        root,
        os.path.realpath(root).rstrip(os.sep) + os.sep,
        selection.wanted,
        selection.excluded,
        selection,
        fingerprint or _no_fingerprint,
        _identity(root),
    )
    return walk.files()


@dataclass(frozen=True, slots=True)
class _Walk:
    root: str
    resolved: str  # with a slash at the end
    wanted: Matcher
    excluded: Matcher
    selection: Selection
    fingerprint: Callable[[os.stat_result], str]
    identity: tuple[int, int]

    def files(self) -> Iterator[Item]:
        wanted, excluded = self.wanted, self.excluded
        hidden, follow = self.selection.hidden, self.selection.follow_symlinks
        left_out, excluded_folders = self.selection.left_out, self.selection.excluded_folders
        stack: list[Iterator[tuple[str, os.DirEntry[str]]]] = []
        ancestors: list[tuple[int, int]] = []  # a folder's device and inode, for each level of the stack
        folder: tuple[str, str] | None = (self.root, "")
        while True:
            if folder is not None:
                path, prefix = folder
                entries, error = _list(path)
                if error is not None and not (prefix and self._is_gone(error)):
                    yield Item(prefix[:-1] or ".", path, error=self._why_unlisted(error, prefix))
                stack.append(iter(entries))
                ancestors.append(_identity(path) if follow else (0, 0))
                prefixes = prefix
                folder = None
            key, entry = next(stack[-1], (None, None))
            if key is None or entry is None:
                stack.pop()
                ancestors.pop()
                if not stack:
                    return
                prefixes = prefixes[: prefixes.rfind("/", 0, -1) + 1]
                continue
            relative = prefixes + key
            is_folder = key.endswith("/")
            if key.startswith(".") and not hidden:
                left_out.add(HIDDEN_FOLDER if is_folder else HIDDEN_FILE, relative)
            elif excluded(relative) or key in excluded_folders:
                left_out.add(EXCLUDED_FOLDER if is_folder else EXCLUDED_FILE, relative)
            elif is_folder:
                if not entry.is_symlink() or (follow and _identity(entry.path) not in ancestors):
                    folder = (entry.path, relative)
                else:
                    left_out.add(LINK, relative)
            elif not wanted(relative):
                left_out.add_file(relative, self.selection.readable)
            elif entry.is_symlink():
                yield from self._linked(entry, relative)
            elif found := self._examine(entry, relative):
                yield found

    def _why_unlisted(self, error: OSError, prefix: str) -> str:
        if not prefix and isinstance(error, FileNotFoundError):
            return f"nothing is at {self.root} any more"
        return f"the folder can't be listed ({error.strerror}); check its permissions, or exclude it"

    def _linked(self, entry: os.DirEntry[str], relative: str) -> Iterator[Item]:
        """Yield what a link leads to, under the path that it was found to have: the link may change."""
        found = self._examine(entry, relative)
        if found is None:
            return
        if found.error is not None:
            yield found
            return
        path = os.path.realpath(entry.path)
        if self.selection.follow_symlinks or path.startswith(self.resolved):
            yield found._replace(handle=path)
        else:
            self.selection.left_out.add(LINK, relative)

    def _examine(self, entry: os.DirEntry[str], relative: str) -> Item | None:
        """Return the file; None where it is gone since its folder was listed."""
        path = entry.path
        if not entry.name.isascii() and not _is_utf8(entry.name):
            return Item(relative, path, error="its name isn't UTF-8; rename it")
        try:
            if entry.is_file():
                status = entry.stat()
                return Item(relative, path, status.st_size, self.fingerprint(status))
            broken = entry.is_symlink() and not Path(path).exists()
        except OSError as failure:
            if self._is_gone(failure):
                return None
            return Item(relative, path, error=f"it can't be examined ({failure.strerror}); fix or exclude it")
        if broken:
            return Item(relative, path, error="it is a broken symbolic link; fix or remove it")
        return Item(relative, path, error="it isn't a regular file; exclude it")

    def _is_gone(self, failure: OSError) -> bool:
        """Tell whether something is gone since it was listed, and not the whole directory."""
        return isinstance(failure, FileNotFoundError) and _identity(self.root) == self.identity


def _no_fingerprint(_status: os.stat_result) -> str:
    return ""


def _list(path: str) -> tuple[list[tuple[str, os.DirEntry[str]]], OSError | None]:
    entries: list[tuple[str, os.DirEntry[str]]] = []
    error: OSError | None = None
    try:
        with os.scandir(path) as listing:
            entries.extend((_printable(entry.name) + "/" * _is_folder(entry), entry) for entry in listing)
    except OSError as failure:
        error = failure
    # With "/" behind the folders' names, this order is that of the whole paths.
    entries.sort(key=lambda item: item[0])
    return entries, error


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself, or through a folder that may not be entered
        return False


def _identity(path: str) -> tuple[int, int]:
    try:
        status = Path(path).stat()
    except OSError:
        return (-1, -1)  # listing it says why
    return (status.st_dev, status.st_ino)


def _is_utf8(name: str) -> bool:
    try:
        os.fsencode(name).decode()
    except UnicodeDecodeError:
        return False
    return True


def _printable(name: str) -> str:
    """Return a name as its bytes say it in UTF-8, whatever the locale makes of them."""
    return name if name.isascii() else os.fsencode(name).decode("utf-8", "backslashreplace")
