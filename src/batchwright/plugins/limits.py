"""Numbers that plugins say of themselves, and may have got wrong."""

from __future__ import annotations

from dataclasses import fields
from operator import index
from typing import Any, TypeVar

from batchwright.errors import BatchwrightError, PluginError
from batchwright.plugins.foreign import Foreign

Limits = TypeVar("Limits")


def limits_of(
    plugin: Any,
    who: str,
    kind: type[Limits],
    error: type[BatchwrightError] = PluginError,
    secrets: tuple[str, ...] = (),
) -> Limits:
    """Return the limits of a plugin.

    Args:
        plugin: The sink, the source or the embedder.
        who: Whose code it is, as in "the sink 'kb'".
        kind: The class that they have to be of, a dataclass of whole numbers.
        error: What stands for anything that reading them raises.
        secrets: Masked in that.

    Raises:
        PluginError: They are of another class, or one of them is no whole number from 1 on.
    """
    with Foreign(who, error, whatever=True, secrets=secrets):
        limits: object = plugin.limits
    return sound(who, limits, kind)


def sound(who: str, limits: object, kind: type[Limits]) -> Limits:
    """Return what a plugin says of its limits, if that is what they are. Errors as of `limits_of`."""
    if not isinstance(limits, kind):
        raise PluginError(f"{who} has limits that are {type(limits).__name__}; expected {kind.__name__}")
    one: Any
    for one in fields(kind):  # type: ignore[arg-type]
        value = getattr(limits, one.name)
        may_lack = "None" in str(one.type)
        if whole(value) is None and not (may_lack and value is None):
            ways = ", or None" if may_lack else ""
            raise PluginError(
                f"{who} has the limit {one.name} = {value!r}; expected a whole number from 1 on{ways}"
            )
    return limits


def whole(value: Any, least: int = 1) -> int | None:
    """Return a value as an int; None if it is no whole number, of numpy or not, or less than `least`."""
    try:
        number = index(value)
    except TypeError:
        return None
    return number if number >= least and not isinstance(value, bool) else None
