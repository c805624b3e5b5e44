"""Where the ledger lies of a sink that keeps none of its own."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

from platformdirs import user_data_path

from batchwright.config import BatchConfig
from batchwright.contracts.ledger import LedgerBeside
from batchwright.contracts.sink import AnySink, Inspectable, Store
from batchwright.errors import SinkError


def ledger_path(config: BatchConfig, sink: AnySink) -> Path:
    """Return the file: the one that the settings name, else one in the user's data folder.

    That is named after the target's identity, so that it is the same from whatever directory it is asked for.
    """
    if config.ledger is not None:
        return config.ledger
    scheme = re.sub(r"\W", "", config.to.partition(":")[0])
    named = f"{scheme}-{sha256(sink.identity().encode()).hexdigest()[:16]}.db"
    return user_data_path("batchwright", appauthor=False) / "ledgers" / named


def open_ledger_beside(path: Path, store: Store) -> LedgerBeside:
    """Open the ledger beside a store, made where it is missing; `close` it in the end.

    Raises:
        SinkError: There is none although the store holds rows; or with what else is wrong.
    """
    from batchwright.sinkkit.sqlite.ledger import SqliteLedgerBeside  # few sinks need one

    if not path.exists() and isinstance(store, Inspectable) and next(iter(store.holdings()), None):
        raise SinkError(
            f"the target holds rows, but its ledger {path} is not here: name the file that it was loaded "
            "with (setting ledger, variable BATCHWRIGHT_LEDGER), or load into another target"
        )
    return SqliteLedgerBeside.open(path, "ledger")
