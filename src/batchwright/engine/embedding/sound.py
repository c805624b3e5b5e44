"""What an embedder says of itself, checked once, where it is made: its model, limits and host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from batchwright.contracts.embedder import AnyEmbedder, EmbedderLimits, EmbeddingModel
from batchwright.errors import BatchwrightError, PluginError
from batchwright.plugins.foreign import Foreign, raised
from batchwright.plugins.limits import sound, whole

Value = TypeVar("Value")


def model_of(embedder: AnyEmbedder, who: str) -> EmbeddingModel:
    """Return the model of an embedder.

    Args:
        embedder: The embedder.
        who: Whose code it is.

    Raises:
        PluginError: It is none, or reading it failed.
    """
    model = _said(who, "model", EmbeddingModel, lambda: embedder.model)
    texts = (model.name, model.metric, model.revision)
    if not all(isinstance(text, str) for text in texts) or not model.name:
        raise PluginError(
            f"{who} has no sound model: name, metric, revision are {texts!r}, and are to be text"
        )
    _number(who, "model.dimensions", model.dimensions)
    if not _are_pairs(model.settings):
        raise PluginError(f"{who} has no sound model: its settings are to be pairs of texts")
    return model


def limits_of(embedder: AnyEmbedder, who: str) -> EmbedderLimits:
    """Return the limits of an embedder. Arguments and errors as of `model_of`."""
    return sound(who, _said(who, "limits", EmbedderLimits, lambda: embedder.limits), EmbedderLimits)


def host_of(embedder: AnyEmbedder, who: str) -> str:
    """Return where an embedder sends texts. Arguments and errors as of `model_of`."""
    return _said(who, "host", str, lambda: embedder.host)


def count_of(who: str, name: str, value: Any) -> int:
    """Return a number that an embedder counted.

    Args:
        who: Whose code it is.
        name: What counted.
        value: What it returned.

    Raises:
        PluginError: It is no whole number, or less than 0.
    """
    return _number(who, name, value, least=0)


def _said(who: str, name: str, kind: type[Value], read: Callable[[], Any]) -> Value:
    try:
        with Foreign(who):
            value = read()
    except BatchwrightError:
        raise
    except Exception as error:
        raise PluginError(f"{who} has no {name}: reading it {raised(error)}") from error
    if not isinstance(value, kind):
        raise PluginError(f"{who} has no {name}: it is {_shown(value)}, and is to be {kind.__name__}")
    return value


def _number(who: str, name: str, value: Any, least: int = 1) -> int:
    number = whole(value, least)
    if number is None:
        raise PluginError(f"{who}: {name} is {_shown(value)}, and is to be a whole number from {least}")
    return number


def _are_pairs(settings: Any) -> bool:
    return isinstance(settings, tuple) and all(
        isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(one, str) for one in pair)
        for pair in settings
    )


def _shown(value: Any) -> str:
    return f"{value!r:.60}" if isinstance(value, str | int | float | None) else type(value).__name__
