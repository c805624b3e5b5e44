"""Asking a plugin directly, as the engine does, and loading it as the engine does."""

from __future__ import annotations

import inspect
from functools import partial
from typing import Any

import pytest

from batchwright.errors import DeadlineExceeded, PluginError
from batchwright.plugins.foreign import bounded
from batchwright.plugins.manager import PluginManager


def ask(plugin: object, hook: str, **arguments: Any) -> Any:
    """Return what a plugin's hook answers; it takes those of the arguments that it names.

    The check fails where it does not answer, or raises what is no `Exception`.
    """
    function = getattr(plugin, hook, None)
    if function is None:
        pytest.fail(f"the plugin has no function {hook!r}")
    names = inspect.signature(function).parameters
    question = partial(function, **{name: value for name, value in arguments.items() if name in names})
    try:
        return bounded("the plugin", question)
    except (DeadlineExceeded, PluginError) as error:
        pytest.fail(str(error))


def offers(plugin: object) -> tuple[str, ...]:
    """Load the plugin, and return what it offers; the check fails where it can't be loaded."""
    try:
        manager = PluginManager.load([plugin], scan=False)
    except PluginError as error:
        pytest.fail(str(error))
    [info] = manager.listing()
    return info.offers
