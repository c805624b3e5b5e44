"""How commands are shown in help: whole sentences, and arguments by their names alone."""

from __future__ import annotations

from typing import Any

from typer.core import TyperArgument, TyperCommand, TyperGroup

_WHOLE = 1_000  # characters of a command's first sentence, which typer cuts at 45


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
