"""Limits of a sink, a source or an embedder, which its plugin may have got wrong."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar

from batchwright.errors import PluginError

Limits = TypeVar("Limits")


def sound(who: str, limits: object, kind: type[Limits]) -> Limits:
    """Return the limits, if that is what they are.

    Args:
        who: Whose they are, as in "the sink 'kb'".
        limits: What the plugin says.
        kind: The class that they have to be of, a dataclass of whole numbers.

    Raises:
        PluginError: They are of another class, or one of them is no whole number from 1 on.
    """
    if not isinstance(limits, kind):
        raise PluginError(f"{who} has limits that are {type(limits).__name__}; expected {kind.__name__}")
    one: Any
    for one in fields(kind):  # type: ignore[arg-type]
        value = getattr(limits, one.name)
        may_lack = "None" in str(one.type)
        is_sound = isinstance(value, int) and value is not True and value >= 1
        if not is_sound and not (may_lack and value is None):
            ways = ", or None" if may_lack else ""
            raise PluginError(
                f"{who} has the limit {one.name} = {value!r}; expected a whole number from 1 on{ways}"
            )
    return limits
