"""``batchwright run --watch``: an ordinary run at once, and one after each change of the files."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from batchwright.cli.run import NothingFound
from batchwright.cli.signals import Stopper
from batchwright.cli.terminal import Terminal
from batchwright.contracts import exits
from batchwright.errors import BatchwrightError, ConfigError

if TYPE_CHECKING:
    from batchwright.config import BatchConfig

_SETTLED = 800  # milliseconds without a change, before a run begins
_AGAIN = 60.0  # seconds until a run that failed is made again, changes or not
_STARTING = 30.0  # seconds that the watch may take to begin

Takes = Callable[[str], bool]
"""Tells of a key whether it is loaded."""


def watched(configs: Iterable[BatchConfig], load: Callable[[], int], terminal: Terminal) -> int:
    """Load, and load again after each change; return the exit code once a signal ends it.

    That is 0 where nothing was being loaded just then, else the one of the run that the signal ended.

    Args:
        configs: The settings of each source.
        load: Loads all of them; returns the exit code.
        terminal: Where errors are told.

    Raises:
        ConfigError: A source is no local file or folder; or the first run can't begin.
    """
    terminal.has_several = True
    places = [_place(config, terminal) for config in configs]
    own = {path for config in configs if (path := _own(config)) is not None}
    with _Watch(places, own) as watch, Stopper(lambda _: watch.end(), terminal, says="ended"):
        return _keep_loading(watch, load, terminal)  # a run has a stopper of its own


def _keep_loading(watch: _Watch, load: Callable[[], int], terminal: Terminal) -> int:
    first = True
    while True:
        watch.changed.clear()
        if watch.ended.is_set():
            return exits.DONE
        try:
            code = load()
        except NothingFound as error:
            code = terminal.fail(str(error), exits.USAGE, error)
        except BatchwrightError as error:
            if first:
                raise
            code = terminal.fail(str(error), exits.of_error(error), error)
        if code >= exits.interrupted(0):
            return code
        first = False
        terminal.tell(f"watching {', '.join(str(place) for place, _ in watch.places)}; Ctrl-C ends it")
        # what has failed may work again; of what is wrong with a document, a change of it tells
        watch.changed.wait(None if code in (exits.DONE, exits.REJECTS, exits.USAGE) else _AGAIN)


class _Watch:
    """Notes changes below these places, from when it is entered on.

    Attributes:
        places: Files and folders, and what is loaded of each.
        own: Files and folders of targets, which may lie among them.
        changed: Set when something changed; whoever waits for it clears it.
        ended: Set when there is no more to be done.
    """

    def __init__(self, places: list[tuple[Path, Takes]], own: set[Path]) -> None:
        self.places = places
        self.own = own
        self.changed = threading.Event()
        self.ended = threading.Event()
        self._begun = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="batchwright-watch", daemon=True)

    def __enter__(self) -> _Watch:
        self._thread.start()
        if not self._begun.wait(_STARTING) or self._failure is not None:
            raise ConfigError(f"--watch: can't watch the files: {self._failure or 'no answer'}")
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self._thread.join(_STARTING)

    def end(self) -> None:
        """Note that there is no more to be done, and wake up who waits."""
        self.ended.set()
        self.changed.set()

    def _run(self) -> None:
        from watchfiles import Change, watch

        # of a file its folder is watched: editors put another in its place
        roots = {place if place.is_dir() else place.parent for place, _ in self.places}
        try:
            for changes in watch(
                *roots,
                watch_filter=lambda change, path: self._matters(Path(path), gone=change is Change.deleted),
                step=_SETTLED,
                stop_event=self.ended,
                raise_interrupt=False,
                yield_on_timeout=True,
                rust_timeout=200,
            ):
                self._begun.set()
                if changes:
                    self.changed.set()
        except Exception as error:  # noqa: BLE001 - such as too many files for the system's limit
            self._failure = error
        finally:
            self._begun.set()
            self.changed.set()

    def _matters(self, path: Path, *, gone: bool) -> bool:
        """Tell whether a change can change what is loaded."""
        if any(path.is_relative_to(own) for own in self.own):
            return False
        for place, takes in self.places:
            if path == place:
                return True
            if path.is_relative_to(place):
                is_folder = path.is_dir() or (gone and not path.suffix)  # what was in it isn't named
                if is_folder or takes(path.relative_to(place).as_posix()):
                    return True
        return False


def _place(config: BatchConfig, terminal: Terminal) -> tuple[Path, Takes]:
    from batchwright.cli.targets import load_plugins
    from batchwright.config.source_url import path_of
    from batchwright.engine.reading.input import Input

    path = path_of(config.source_url)
    if path is None:
        raise ConfigError(
            f"--watch: {config.source_shown or 'nothing'} is no local file or folder; load it at set times, "
            "by cron or another scheduler"
        )
    given = Input.of(config, load_plugins(terminal, config))
    given.close()
    return path.resolve(), given.takes


def _own(config: BatchConfig) -> Path | None:
    """Return where a target of this machine is: a run changes it, too."""
    _, is_local, rest = config.to.partition(":///")
    return Path(rest.partition("?")[0]).resolve() if is_local and rest else None
