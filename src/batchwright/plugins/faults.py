"""What went wrong in plugins: noted once for each, with a warning."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from batchwright.contracts.faults import PluginFault
from batchwright.plugins.foreign import raised

logger = logging.getLogger("batchwright")


class FaultLog:
    """The first fault of each plugin, and the secrets that no fault may show."""

    def __init__(self) -> None:
        self._faults: dict[tuple[str, str], PluginFault] = {}
        self._secrets: tuple[str, ...] = ()

    def add(self, name: str, kind: str, what: str) -> None:
        """Note what a plugin did, unless something is noted already, and warn."""
        self.extend([PluginFault(name, kind, what)])

    def extend(self, faults: Iterable[PluginFault]) -> None:
        """Note these, as `add` does."""
        for fault in faults:
            if (fault.kind, fault.name) not in self._faults:
                self._faults[fault.kind, fault.name] = fault
                logger.warning("%s", fault)

    def all(self) -> tuple[PluginFault, ...]:
        """Return what was noted, in its order."""
        return tuple(self._faults.values())

    def hide(self, secrets: Iterable[str]) -> None:
        """Mask these, too."""
        self._secrets = tuple(dict.fromkeys((*self._secrets, *secrets)))

    def raised(self, error: BaseException) -> str:
        """Return that a plugin raised this, without secrets."""
        return raised(error, self._secrets)
