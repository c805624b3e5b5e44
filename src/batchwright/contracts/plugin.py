"""What all classes that plugins offer have in common: a name, and options."""

from __future__ import annotations

from abc import ABC
from typing import ClassVar, Generic, TypeVar

from batchwright.config import Settings


class PluginOptions(Settings):
    """Options from the settings: no other names, never changed, and no values in messages.

    Raises:
        ConfigError: Options are wrong.
    """


Options = TypeVar("Options", bound=PluginOptions)


class Plugin(ABC, Generic[Options]):
    """A class that a plugin offers. Subclass one of its kinds: `Sink`, `Reporter`, `Executor`.

    Attributes:
        name: Names it in settings and messages.
        options_type: The model that validates its options.
    """

    name: ClassVar[str]
    options_type: ClassVar[type[PluginOptions]] = PluginOptions

    def __init__(self, options: Options) -> None:
        """Keep the options. Connect to nothing and start nothing yet."""
        self.options = options

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"
