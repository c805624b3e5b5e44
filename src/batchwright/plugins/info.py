"""What ``batchwright plugins`` lists of a plugin."""

from __future__ import annotations

from typing import Literal

from batchwright.values import dataclass

PluginState = Literal["ok", "blocked", "broken"]


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """A plugin, as ``batchwright plugins`` lists it.

    Attributes:
        name: The entry point's name, or that of the module or object.
        version: The distribution's version, empty where there is none.
        distribution: The distribution it came with, or where else it came from.
        offers: What it adds, such as ``sink postgres`` or ``classifier``.
        state: Whether it is loaded; blocked ones are not even imported.
        reason: Why it isn't ok, and what to do; of one that is ok, what is odd about it.
    """

    name: str
    version: str = ""
    distribution: str = ""
    offers: tuple[str, ...] = ()
    state: PluginState = "ok"
    reason: str = ""
