"""Which collection a run loads into, and whether that is its own."""

from __future__ import annotations

from batchwright.config import BatchConfig, check_collection
from batchwright.config.source_url import name_of
from batchwright.contracts.receipts import Collection
from batchwright.contracts.source import AnySource
from batchwright.errors import ConfigError, PluginError
from batchwright.plugins.foreign import Foreign

CHUNKS = "chunks"
"""The collection of what a program brings without naming one."""


def collection_of(config: BatchConfig, source: AnySource) -> Collection:
    """Return the collection of a source: the one that is given, else what the source is called.

    Raises:
        ConfigError: The source has no name that a collection can have.
        PluginError: The source doesn't say what it is.
    """
    who = f"the source {source.name!r}"
    with Foreign(who):
        origin: object = source.origin()
        name: object = source.collection_name() if config.collection is None else config.collection
    if not isinstance(origin, str) or not isinstance(name, str | None):
        raise PluginError(f"{who} has the origin {origin!r} and the name {name!r}; expected texts")
    if config.collection is not None:
        return Collection(config.collection, origin)
    try:
        return Collection(check_collection(name or ""), origin)
    except ValueError as error:
        shown = origin.encode("utf-8", "backslashreplace").decode()
        raise ConfigError(
            f"{shown} gives its collection no name: {error}; name it: --collection NAME"
        ) from None


def usual_name(config: BatchConfig) -> str:
    """Return the name of the collection as far as the settings alone tell it; it may be empty."""
    if config.collection is not None or not config.source_url:
        return config.collection or ""
    return name_of(config.source_url)


def program_collection(config: BatchConfig, given: str, default: str) -> str:
    """Return the collection of what a program brings: the one given, or the settings', or a default.

    Raises:
        ConfigError: It has a name that no collection can have.
    """
    if not given:
        return config.collection or default
    try:
        return check_collection(given)
    except ValueError as error:
        raise ConfigError(f"collection: {error}") from None


def check_origin(config: BatchConfig, own: Collection, there: Collection) -> None:
    """Refuse to load into the collection of another source that merely has the same name.

    Args:
        config: The settings. A name that they give is believed.
        own: The collection of their source.
        there: The one of that name in the target.

    Raises:
        ConfigError: It is another's; says both ways on.
    """
    if config.collection is not None or config.adopt or there.origin == own.origin:
        return
    raise ConfigError(
        f"the collection {own.name} holds documents of {there.origin}, and not of {own.origin}. "
        f"Load these beside it under another name (--collection NAME); or, if they are the same ones, "
        f"moved, take it over (--adopt)"
    )
