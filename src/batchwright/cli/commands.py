"""Commands, from functions whose options come one by one or in groups, and how their help shows them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import is_dataclass
from functools import wraps
from typing import Any, get_type_hints

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup

_WHOLE = 1_000  # characters of a command's first sentence, which typer cuts at 45

Function = Callable[..., int]


def group(name: str, **settings: Any) -> typer.Typer:
    """Return a group of commands; `settings` are those of typer."""
    # Plain help: rich takes 80 ms to import, and needs twice the lines.
    return typer.Typer(cls=Group, name=name, rich_markup_mode=None, **settings)


def command(of: typer.Typer, name: str | None = None) -> Callable[[Function], Function]:
    """Return a decorator that makes a function a command of the group; by its own name if none is given."""
    return lambda function: of.command(name, cls=Command)(with_options(function))


def with_options(function: Function) -> Function:
    """Return the function as typer takes it: an option for each field of a parameter that is a dataclass."""
    taken = _parameters(function)
    groups: dict[str, Any] = {one.name: one.annotation for one in taken if is_dataclass(one.annotation)}
    fields = {name: _parameters(kind) for name, kind in groups.items()}

    @wraps(function)
    def flat(**values: Any) -> int:
        made = {
            name: kind(**{one.name: values.pop(one.name) for one in fields[name]})
            for name, kind in groups.items()
        }
        return function(**values, **made)

    options = [option for one in taken for option in fields.get(one.name, [one])]
    flat.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]
    flat.__annotations__ = {option.name: option.annotation for option in options}
    return flat


def _parameters(of: Callable[..., Any]) -> list[inspect.Parameter]:
    hints = get_type_hints(of, include_extras=True)
    return [
        one.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[one.name])
        for one in inspect.signature(of).parameters.values()
    ]


class Command(TyperCommand):
    """A command whose usage says ``TEXT...``, not ``{TEXT}...``, and whose arguments show no Python types."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        for parameter in self.params:
            if isinstance(parameter, TyperArgument):
                parameter.display_type_rich = _no_type  # type: ignore[method-assign]

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return what follows the command's name in its usage."""
        return [piece.replace("{", "").replace("}", "") for piece in super().collect_usage_pieces(ctx)]

    def get_short_help_str(self, limit: int = _WHOLE) -> str:
        """Return the first sentence."""
        return super().get_short_help_str(max(limit, _WHOLE))


class Group(TyperGroup):
    """A group of commands, of which the list shows the first sentence as well."""

    def get_short_help_str(self, limit: int = _WHOLE) -> str:
        """Return the first sentence."""
        return super().get_short_help_str(max(limit, _WHOLE))


def _no_type(ctx: Any) -> str:  # noqa: ARG001 - typer gives it by name
    return ""
