"""The base of all settings and options: a model whose wrong values are a ConfigError."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, Self, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_serializer,
)

from batchwright.config.messages import complaints_of, in_lines, misspelt
from batchwright.config.passwords import passwords_in, without_passwords
from batchwright.errors import ConfigError
from batchwright.home import from_home


class Settings(BaseModel):
    """A model that knows all its names, never changes, and shows none of its values in messages.

    Raises:
        ConfigError: Values are wrong: each setting, what is wrong with it, and of a misspelt one the nearest.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    if not TYPE_CHECKING:  # a type checker makes the signatures from the fields, and from pydantic

        def __init__(self, **values: Any) -> None:
            with _refusing(type(self), values):
                super().__init__(**values)

        @classmethod
        def model_validate(cls, values: Any, **how: Any) -> Self:  # noqa: D102
            with _refusing(cls, values):
                return super().model_validate(values, **how)

        @classmethod
        def model_validate_json(cls, text: Any, **how: Any) -> Self:  # noqa: D102
            with _refusing(cls, {}):
                return super().model_validate_json(text, **how)

        def __setattr__(self, name: str, value: Any) -> None:
            if name.startswith("_"):
                super().__setattr__(name, value)
            else:
                self._refuse_change(name, "…")

        def __delattr__(self, name: str) -> None:
            self._refuse_change(name, "None")

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_in_place_of_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        if type(value) is bool and info.field_name is not None:  # pydantic would take it for 1 or 0
            taken = _types_in(cls.model_fields[info.field_name].annotation)
            if taken & {int, float} and bool not in taken:
                raise ValueError(f"should be a number, not {str(value).lower()}")
        return value

    @field_validator("*", mode="before")
    @classmethod
    def _tilde_is_the_home(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, str | Path) or not str(value).startswith("~") or info.field_name is None:
            return value
        is_path = Path in _types_in(cls.model_fields[info.field_name].annotation)
        return from_home(value) if is_path else value

    @model_serializer(mode="wrap")
    def _without_passwords(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Show no password: what is dumped gets into logs and reports. Attributes have them."""
        values: dict[str, Any] = without_passwords(serialize(self))
        return values

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, without_passwords(value, name or "")

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy, with some settings changed.

        Args:
            update: Settings by name, in place of those of this model.
            deep: Whether to copy values as well, where nothing is changed.

        Raises:
            ConfigError: The settings are wrong, or don't fit the others.
        """
        if not update:
            return super().model_copy(deep=deep)
        given = {name: getattr(self, name) for name in self.model_fields_set} | dict(update)
        fields = type(self).model_fields
        named = {(fields[name].alias or name if name in fields else name): given[name] for name in given}
        return type(self)(**named)

    def _refuse_change(self, name: str, value: str) -> NoReturn:
        known = _names(type(self))
        if name not in {*known, *type(self).model_fields}:
            raise ConfigError(f"{name}: {misspelt(name, known)}", [((name,), misspelt(name, known))])
        message = f'settings never change; make a copy, as by model_copy(update={{"{name}": {value}}})'
        raise ConfigError(f"{name}: {message}", [((name,), message)])


@contextmanager
def _refusing(model: type[BaseModel], values: Any) -> Iterator[None]:
    """Raise ConfigError where pydantic finds the values wrong."""
    try:
        yield
    except ValidationError as error:
        secrets = tuple(passwords_in(values)) if isinstance(values, Mapping) else ()
        complaints = complaints_of(error, _names(model), secrets)
        raise ConfigError(in_lines(complaints), complaints) from None


def _types_in(annotation: Any) -> set[Any]:
    """Return the types that a field takes."""
    if isinstance(annotation, UnionType) or get_origin(annotation) in (Union, Annotated):
        return set().union(*map(_types_in, get_args(annotation)))
    return {annotation} if isinstance(annotation, type) else set()


def _names(model: type[BaseModel]) -> list[str]:
    """Return the names that a model's settings are given by."""
    return [info.alias or name for name, info in model.model_fields.items()]
