"""The death of the process behind a write, as far as one process can play it."""

from __future__ import annotations

from typing import Any

import pytest

from batchwright.engine.store.client import StoreClient


class Killed(BaseException):
    """Stands for the death of the process. A sink that raised it would only be a sink at fault."""


def dying_behind_a_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the next write commit, and nothing come after it; later ones are as usual."""
    write = StoreClient.write

    def die(self: StoreClient, *arguments: Any, **named: Any) -> Any:
        monkeypatch.setattr(StoreClient, "write", write)
        write(self, *arguments, **named)
        raise Killed

    monkeypatch.setattr(StoreClient, "write", die)
