"""The base of all settings and options: a model whose wrong values are a ConfigError."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from batchwright.config.messages import complaints_of, in_lines
from batchwright.config.passwords import passwords_in
from batchwright.errors import ConfigError


class Settings(BaseModel):
    """A model that knows all its names, never changes, and shows none of its values in messages.

    Raises:
        ConfigError: Values are wrong: each setting, what is wrong with it, and of a misspelt one the nearest.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    if not TYPE_CHECKING:  # a type checker makes the signature from the fields

        def __init__(self, **values: Any) -> None:
            try:
                super().__init__(**values)
            except ValidationError as error:
                complaints = complaints_of(error, _names(type(self)), tuple(passwords_in(values)))
                raise ConfigError(in_lines(complaints), complaints) from None


def _names(model: type[BaseModel]) -> list[str]:
    """Return the names that a model's settings are given by."""
    return [info.alias or name for name, info in model.model_fields.items()]
