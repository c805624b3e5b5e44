"""The ledger beside a sink that has none of its own: where it is, and opening it."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from batchwright.config import BatchConfig
from batchwright.secrets import mask, secrets_in

if TYPE_CHECKING:
    from batchwright.sinkkit.sqlite.ledger import SqliteLedger


def path_beside(config: BatchConfig) -> Path:
    """Return the file of the ledger beside the target."""
    if config.ledger is not None:
        return config.ledger
    target = mask(config.to, secrets_in(config.to))
    name = f"{target.partition(':')[0]}-{sha256(target.encode()).hexdigest()[:12]}.db"
    return Path(".batchwright") / name


def open_beside(config: BatchConfig) -> SqliteLedger:
    """Open the ledger beside the target, made where it is missing; `close` it in the end.

    Raises:
        SinkError: With what is wrong and what to do.
    """
    from batchwright.sinkkit.sqlite.ledger import SqliteLedger  # few sinks need one

    return SqliteLedger.open(path_beside(config), "ledger")
