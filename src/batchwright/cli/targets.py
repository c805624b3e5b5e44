"""The target that a command works on, as its options name it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from batchwright.cli import collector
from batchwright.cli.options import General, Part, Place, Relation
from batchwright.cli.terminal import Terminal
from batchwright.contracts import exits
from batchwright.values import dataclass

if TYPE_CHECKING:
    from batchwright.config import BatchConfig
    from batchwright.plugins.manager import PluginManager
    from batchwright.target import Target


@dataclass(frozen=True, slots=True)
class Loaded:
    """A target that was loaded before, with the settings and plugins that lead to it."""

    config: BatchConfig
    manager: PluginManager
    target: Target

    @property
    def has_several(self) -> bool:
        """Whether several relations are looked at, so that it has to be said which a thing is in."""
        return len(self.target.relations) > 1

    def code(self, done: int = exits.DONE) -> int:
        """Return the command's exit code: at least that of the error for which a relation was left out.

        Args:
            done: The code without that.
        """
        return max([done, *(exits.of_error(error) for error in self.target.unreadable.values())])

    def as_json(self, **values: Any) -> dict[str, Any]:
        """Return the command's result as JSON values: target, exit code, unreadable relations, and more.

        Args:
            values: More. An `exit_code` among them doesn't count unreadable relations yet.
        """
        code = self.code(values.pop("exit_code", exits.DONE))
        unreadable = {name: str(error) for name, error in self.target.unreadable.items()}
        return {"target": self.target.name, "exit_code": code, "unreadable": unreadable, **values}


def load_plugins(terminal: Terminal, config: BatchConfig, *, reading: bool = False) -> PluginManager:
    """Load the plugins of a command; what they print from now on goes to stderr.

    Raises:
        ConfigError, PluginError: As `PluginManager.of` does.
    """
    from batchwright.plugins.manager import PluginManager

    terminal.keep_stdout()
    try:
        return PluginManager.of(config, reading=reading)
    finally:
        terminal.mend()
        collector.resume()


@contextmanager
def loaded(
    place: Place | Relation | Part,
    general: General,
    *,
    reading: bool = False,
    searching: bool = False,
    **more: Any,
) -> Iterator[Loaded]:
    """Open the target; while it does not answer, stderr says when the next attempt is due.

    Args:
        place: The target, or the part of it that the command is about.
        general: Where the command's words go, and which plugins are loaded.
        reading: Whether the command only reads: then it loads no more plugins than the sink takes.
        searching: Whether it searches, too: by vectors, that takes the plugin of the embedder.
        more: More settings by name; None counts as not given.

    Raises:
        ConfigError: Settings are wrong.
        SinkError: Nothing was loaded there yet, or it can't be reached.
    """
    from batchwright.cli import logs, settings
    from batchwright.cli.retries import RetryNotices
    from batchwright.config import located
    from batchwright.target import Target

    terminal = general.terminal()
    arguments = {"source": ".", **asdict(place), "plugins": general.plugins, **more}
    file, table = arguments.pop("config"), arguments.pop("table", None)
    config = settings.load(terminal, arguments, file)
    logs.configure(terminal)
    with located(config):
        by_vectors = searching and config.search_mode != "text"
        manager = load_plugins(terminal, config, reading=reading and not by_vectors)
        reporters = [RetryNotices(terminal)]
        with Target(config, table=table, manager=manager, reporters=reporters) as target:
            yield Loaded(config, manager, target)
