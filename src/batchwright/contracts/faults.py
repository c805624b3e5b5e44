"""What went wrong in plugins; the run went on without them."""

from __future__ import annotations

from dataclasses import asdict

from batchwright.values import dataclass


@dataclass(frozen=True, slots=True)
class PluginFault:
    """What a plugin did that it must not.

    Attributes:
        name: The plugin, reporter or other thing, by the name in settings and messages.
        kind: What it is: plugin, reporter, classifier, sizer.
        what: What it did, and what came of that.
    """

    name: str
    kind: str
    what: str

    def __str__(self) -> str:
        return f"the {self.kind} {self.name!r} {self.what}"

    def as_dict(self) -> dict[str, str]:
        """Return it as JSON values."""
        return asdict(self)
