"""The sections of plugins in the settings, one for each kind that has options: ``[sink.NAME]`` and so on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field, create_model

from batchwright.config.loaded import LoadedSettings
from batchwright.config.passwords import passwords_in
from batchwright.kinds import OFFERED, Kind

if TYPE_CHECKING:  # for type checkers, which can't read the rows; a test compares the two

    class Sections(LoadedSettings):
        """Options of plugins: kind, name, option."""

        sink: dict[str, dict[str, Any]] = Field(default={})
        sources: dict[str, dict[str, Any]] = Field(default={})
        reader: dict[str, dict[str, Any]] = Field(default={})
        embedders: dict[str, dict[str, Any]] = Field(default={})
        reporter: dict[str, dict[str, Any]] = Field(default={})
        executors: dict[str, dict[str, Any]] = Field(default={})

else:
    Sections = create_model(
        "Sections",
        __doc__="Options of plugins: kind, name, option.",
        __module__=__name__,
        __base__=LoadedSettings,
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
            yield from passwords_in(options)
