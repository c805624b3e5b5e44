"""Several sources of one command: several collections, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from batchwright.cli.terminal import Terminal
from batchwright.contracts import exits
from batchwright.errors import BatchwrightError, ConfigError

if TYPE_CHECKING:
    from batchwright.config import BatchConfig

_SEVERITY = (exits.DONE, exits.REJECTS, exits.BUSY, exits.USAGE, exits.FAILED)
"""Exit codes, the worst at the end; those of a signal are worse still."""


def check_apart(configs: Sequence[BatchConfig]) -> None:
    """Check that each source has a collection of its own.

    Raises:
        ConfigError: Two have the same.
    """
    from batchwright.engine.collection import usual_name

    seen: dict[str, BatchConfig] = {}
    for config in configs:
        name = usual_name(config)
        other = seen.setdefault(name, config)
        if other is not config:
            raise ConfigError(
                f"{other.source_shown} and {config.source_shown} would be one collection, {name}; "
                "load each by a command of its own, with --collection NAME"
            )


def each(configs: Iterable[BatchConfig], load: Callable[[BatchConfig], int], terminal: Terminal) -> int:
    """Load one after the other; return the worst exit code. One that a signal ended is the last.

    Args:
        configs: The settings of each.
        load: Loads one; returns its exit code.
        terminal: Where errors are told. As JSON, the results of all are one object.
    """
    worst = exits.DONE
    with terminal.gathering() as results:
        for config in configs:
            try:
                code = load(config)
            except BatchwrightError as error:
                code = terminal.fail(str(error), exits.of_error(error), error)
            worst = max(worst, code, key=_severity)
            if code > max(_SEVERITY):
                break
    if terminal.json:
        terminal.say_json({"exit_code": worst, "runs": results})
    return worst


def _severity(code: int) -> int:
    return _SEVERITY.index(code) if code in _SEVERITY else code
