"""The sections of plugins in the settings, one for each kind that has options: ``[sink.NAME]`` and so on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field, SecretStr, create_model

from batchwright.kinds import OFFERED, Kind
from batchwright.secrets import secrets_in

_SECRET_OPTION = re.compile(r"passw|pwd|secret|token|key$|url$|dsn$|conninfo$", re.IGNORECASE)
"""Names of options whose values are taken for passwords."""

if TYPE_CHECKING:  # for type checkers, which can't read the rows; a test compares the two

    class Sections(BaseModel):
        """Options of plugins: kind, name, option."""

        sink: dict[str, dict[str, Any]] = {}
        reporter: dict[str, dict[str, Any]] = {}
        executors: dict[str, dict[str, Any]] = {}

else:
    Sections = create_model(
        "Sections",
        __doc__="Options of plugins: kind, name, option.",
        __module__=__name__,
        # not in a `repr`, since options may be passwords
        **{kind.section: (dict[str, dict[str, Any]], Field(default={}, repr=False)) for kind in OFFERED},
    )


def section_of(settings: Sections, kind: Kind) -> Mapping[str, Mapping[str, Any]]:
    """Return the options of all plugins of a kind, by name."""
    section: Mapping[str, Mapping[str, Any]] = getattr(settings, kind.section)
    return section


def chosen(settings: Sections, kind: Kind) -> tuple[str, ...]:
    """Return what the settings choose of a kind: names, or the URL whose scheme picks one."""
    choice: str | tuple[str, ...] | None = getattr(settings, kind.choice, None)
    return (choice,) if isinstance(choice, str) else choice or ()


def secrets_in_sections(settings: Sections) -> Iterator[str]:
    """Yield the passwords in the sections of all kinds."""
    for kind in OFFERED:
        for options in section_of(settings, kind).values():
            for name, value in options.items():
                yield from _secrets(value, hidden=bool(_SECRET_OPTION.search(name)))


def _secrets(value: Any, *, hidden: bool) -> Iterator[str]:
    """Yield the passwords in an option; tables and lists may hold them as well."""
    if isinstance(value, SecretStr):
        value, hidden = value.get_secret_value(), True
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _secrets(inner, hidden=hidden or bool(_SECRET_OPTION.search(str(name))))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _secrets(inner, hidden=hidden)
    elif isinstance(value, str) and hidden:
        yield from secrets_in(value) if "://" in value else (value,)
