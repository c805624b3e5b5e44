"""``batchwright run --watch``: an ordinary run at once, and one after each change of the files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from batchwright.cli.changes import Changes, Place, Test
from batchwright.cli.left_out import NothingFound
from batchwright.cli.signals import Stopper
from batchwright.cli.terminal import Terminal
from batchwright.contracts import exits
from batchwright.errors import BatchwrightError, CollectionBusy, ConfigError

if TYPE_CHECKING:
    from batchwright.config import BatchConfig

_AGAIN = 60.0  # seconds until a run that failed is made again, changes or not
_LASTING = (exits.DONE, exits.REJECTS, exits.USAGE)
"""How a run may end that ends likewise again, as long as the files are the same."""


def watched(
    configs: Sequence[BatchConfig], load: Callable[[], int], terminal: Terminal, *, quiet: bool = False
) -> int:
    """Load, and load again after each change; return the exit code once a signal ends it.

    That is 0 where nothing was being loaded just then, else the one of the run that the signal ended.

    Args:
        configs: The settings of each source.
        load: Loads all of them; returns the exit code.
        terminal: Where errors are told.
        quiet: Whether to tell of nothing else.

    Raises:
        ConfigError: A source is no local file or folder; or the first run can't begin.
    """
    terminal.has_several = True
    is_own = _own(configs)
    changes = Changes([_place(config, is_own, terminal) for config in configs])
    with changes, Stopper(lambda _: changes.end(), terminal, says="ended"):
        shown = ", ".join(config.source_shown for config in configs)
        return _keep_loading(changes, load, terminal, "" if quiet else f"watching {shown}; Ctrl-C ends it")


def _keep_loading(changes: Changes, load: Callable[[], int], terminal: Terminal, tell: str) -> int:
    first = True
    while not changes.ended.is_set():
        if changes.failure is not None:
            said = f"--watch: can't watch the files any more: {changes.failure}"
            return terminal.fail(said, exits.FAILED, changes.failure)
        try:
            code = load()  # with a stopper of its own
        except (NothingFound, CollectionBusy) as error:
            code = terminal.fail(str(error), exits.of_error(error), error)
        except BatchwrightError as error:
            if first:
                raise
            code = terminal.fail(str(error), exits.of_error(error), error)
        if code >= exits.interrupted(0):
            return code
        first = False
        if tell:
            terminal.tell(tell)
        # what has failed may work again; of what is wrong with a document, a change of it tells
        changes.wait(None if code in _LASTING else _AGAIN)
    return exits.DONE


def _place(config: BatchConfig, is_own: Test, terminal: Terminal) -> Place:
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
    return Place(path, given.takes, is_own)


def _own(configs: Sequence[BatchConfig]) -> Test:
    """Return what tells of a path whether a run writes there: that is no change to load."""
    targets = [Path(rest.partition("?")[0]).resolve() for rest in map(_local, configs) if rest]
    return lambda path: any(map(Path(path).is_relative_to, targets))


def _local(config: BatchConfig) -> str:
    """Return the path of a target on this machine, or nothing."""
    _, is_local, rest = config.to.partition(":///")
    return rest if is_local else ""
