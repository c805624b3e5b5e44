"""What a command finds in its process: settings in the environment, and logging."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager


def without_settings() -> dict[str, str]:
    """Return the environment without the variables that are settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("BATCHWRIGHT_")}


@contextmanager
def logging_as_it_was() -> Iterator[None]:
    """Undo what a command does to logging."""
    root, own = logging.getLogger(), logging.getLogger("batchwright")
    handlers, levels = list(root.handlers), (root.level, own.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    own.setLevel(levels[1])
