"""Changes of files, as the operating system tells of them: what ``--watch`` waits for."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from watchfiles import Change

from batchwright.errors import ConfigError

_SETTLED = 0.8  # seconds without a change, after which it is time to load
_LONGEST = 30.0  # seconds to wait for that, where something changes all the time
_LOOK = 0.2  # seconds between two looks whether a place is still the same
_STARTING = 30.0  # seconds that the watch may take to begin
_ENDING = 5.0
_ADVICE = "; raise fs.inotify.max_user_watches, or set WATCHFILES_FORCE_POLLING=1"

Test = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Place:
    """A file or a folder that is watched.

    Attributes:
        path: Where it is. It may go away and come again, or be a link that leads elsewhere later.
        takes: Tells whether the file of this key is loaded.
        is_own: Tells whether the file at this path is written by the run itself.
    """

    path: Path
    takes: Test
    is_own: Test = field(default=lambda _: False)

    def identity(self) -> tuple[int, int] | None:
        """Return what differs once another file or folder is there; None while none is."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def matters(self, root: Path, changed: Path, *, is_folder: bool) -> bool:
        """Tell whether a change can change what is loaded.

        Args:
            root: Where `path` led to when it was looked at.
            changed: The path that changed.
            is_folder: Whether a folder is or was there: of one that is gone, what was in it isn't named.
        """
        if self.is_own(str(changed)):
            return False
        if changed == root:
            return True
        if not changed.is_relative_to(root):
            return False
        return is_folder or self.takes(changed.relative_to(root).as_posix())


class Folders:
    """The folders below a root: what is gone doesn't tell what it was.

    Args:
        root: Where they are.
    """

    def __init__(self, root: Path) -> None:
        self._with_dots: set[str] = set()  # the others can be told from files by their names
        self._look(str(root))

    def has(self, path: str, change: Change) -> bool:
        """Tell whether a folder is at a path that changed, or was if it is gone."""
        if change is Change.deleted:
            return path in self._with_dots or not Path(path).suffix
        is_folder = Path(path).is_dir()
        if is_folder and change is Change.added:
            self._look(path)
        return is_folder

    def _look(self, top: str) -> None:
        for folder, _, _ in os.walk(top):
            if Path(folder).suffix:
                self._with_dots.add(folder)


class Changes:
    """Notes changes at places, from when it is entered on.

    Attributes:
        ended: Set when there is no more to wait for.
        failure: Why nothing is noted any more, or None.
    """

    def __init__(self, places: Sequence[Place]) -> None:
        self.ended = threading.Event()
        self.failure: Exception | None = None
        self._changed = threading.Event()
        self._last = 0.0
        self._begun = [threading.Event() for _ in places]
        self._threads = [
            threading.Thread(target=self._follow, args=each, name="batchwright-watch", daemon=True)
            for each in zip(places, self._begun, strict=True)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        until = time.monotonic() + _STARTING
        began = all(begun.wait(max(0.0, until - time.monotonic())) for begun in self._begun)
        if not began or self.failure is not None:
            self.end()
            said = str(self.failure or "no answer")
            raise ConfigError(f"--watch: can't watch the files: {said}{_ADVICE if 'limit' in said else ''}")
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        for thread in self._threads:
            thread.join(_ENDING)

    def end(self) -> None:
        """Note that there is no more to wait for, and wake up who waits."""
        self.ended.set()
        self._changed.set()

    def wait(self, seconds: float | None) -> None:
        """Wait for a change, and then until files are left alone; for so many seconds at most without one."""
        if self._changed.wait(seconds):
            until = time.monotonic() + _LONGEST
            while (now := time.monotonic()) < min(self._last + _SETTLED, until) and not self.ended.is_set():
                self.ended.wait(min(self._last + _SETTLED, until) - now)
        self._changed.clear()  # what changes from here on is for the next time

    def _note(self) -> None:
        self._last = time.monotonic()
        self._changed.set()

    def _follow(self, place: Place, begun: threading.Event) -> None:
        known: tuple[int, int] | None = None
        try:
            while not self.ended.is_set():
                found = place.identity()
                if begun.is_set() and found != known:
                    self._note()
                known = found
                if found is not None:
                    self._watch(place, found, begun)
                begun.set()
                self.ended.wait(_LOOK)
        except Exception as error:  # noqa: BLE001 - such as too many files for the system's limit
            self.failure = error
        finally:
            begun.set()
            self._note()

    def _watch(self, place: Place, known: tuple[int, int], begun: threading.Event) -> None:
        """Note changes until something else is at the place, or nothing."""
        from watchfiles import watch

        root = Path(os.path.realpath(place.path))
        is_folder = root.is_dir()
        folders: Folders | None = None
        try:
            for changes in watch(
                root if is_folder else root.parent,  # editors put another file in its place
                watch_filter=None,
                debounce=500,
                rust_timeout=int(1_000 * _LOOK),
                yield_on_timeout=True,
                stop_event=self.ended,
                raise_interrupt=False,
                recursive=is_folder,
            ):
                folders = folders or Folders(root)  # once they are watched, so that none is missed
                for change, path in changes:
                    if place.matters(root, Path(path), is_folder=folders.has(path, change)):
                        self._note()
                begun.set()
                if place.identity() != known:
                    return
        except FileNotFoundError:
            pass  # it went away just then
