"""Where the ledger lies of a sink that keeps none of its own."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from batchwright.config import BatchConfig
from batchwright.contracts.ledger import LedgerBeside
from batchwright.contracts.records import RecordType
from batchwright.contracts.sink import AnySink, Inspectable, Store
from batchwright.engine.store.lasting import unwritable
from batchwright.errors import ConfigError, SinkError
from batchwright.sinkkit.relations import on_each

NAME_ANOTHER = "name a file that lasts: setting ledger, variable BATCHWRIGHT_LEDGER"
"""What to do about a place that won't do."""


def identity_of(sink: AnySink, record_type: RecordType | None) -> str:
    """Return what names the rows that a ledger is about: the target, and the relation where it has several.

    Args:
        sink: What opens the target.
        record_type: What it is opened for; None for the relation that is opened without any.
    """
    if record_type is not None and getattr(sink.options, "table", "") is None:
        (sink,) = on_each(sink, [record_type.relation])
    return sink.identity()


def ledger_path(config: BatchConfig, sink: AnySink, record_type: RecordType | None = None) -> Path:
    """Return the file: the one that the settings name, else one in the user's data folder.

    That is named after the target's identity, so that it is the same from whatever directory it is asked for.

    Args:
        config: The settings.
        sink: What opens the target.
        record_type: As for `identity_of`.

    Raises:
        SinkError: There is no such folder that is the same everywhere.
    """
    if config.ledger is not None:
        return config.ledger.absolute()
    from platformdirs import user_data_path  # most sinks keep a ledger of their own

    try:
        folder = user_data_path("batchwright", appauthor=False)
    except RuntimeError:  # of platformdirs, where older versions return a relative path
        folder = Path()
    if not folder.is_absolute():
        raise SinkError(f"there is no place for the target's ledger: HOME isn't set; {NAME_ANOTHER}")
    scheme = re.sub(r"\W", "", config.to.partition(":")[0])
    named = f"{scheme}-{sha256(identity_of(sink, record_type).encode()).hexdigest()[:16]}.db"
    return folder / "ledgers" / named


def open_ledger_beside(path: Path, store: Store, identity: str, *, adopt: bool = False) -> LedgerBeside:
    """Open the ledger beside a store, made where it is missing; `close` it in the end.

    Args:
        path: The file.
        store: What it lies beside.
        identity: As `identity_of` has it.
        adopt: Whether to take over a ledger that was of another target.

    Raises:
        ConfigError: It is the ledger of another target.
        SinkError: There is none although the store holds rows; or with what else is wrong.
    """
    from batchwright.sinkkit.sqlite.ledger import SqliteLedgerBeside  # few sinks need one

    if wrong := missing(path, store) or ("" if _is_there(path) else unwritable(path)):
        raise SinkError(f"the target's ledger can't be used: {wrong}; {NAME_ANOTHER}")
    ledger = SqliteLedgerBeside.open(path, "ledger")
    try:
        owner = ledger.claim(identity, adopt=adopt)
    except BaseException:
        ledger.close()
        raise
    if owner != identity:
        ledger.close()
        raise ConfigError(
            f"the ledger {path} is of {owner}, and one file can't be of {identity} as well: what is stored "
            "in one would count as stored in the other; name another file (setting ledger), or, if the "
            "target was moved, take the ledger over (--adopt)"
        )
    return ledger


def missing(path: Path, store: Store) -> str:
    """Return what is wrong where the ledger isn't there although the store holds rows; else nothing."""
    if _is_there(path) or not isinstance(store, Inspectable) or next(iter(store.holdings()), None) is None:
        return ""
    wrong = f"the target holds rows, but its ledger {path} is not here"
    others = ", ".join(map(str, _elsewhere(path)))
    return f"{wrong}; there is {others}" if others else wrong


def _is_there(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110 - pathlib raises where a folder may not be entered


def _elsewhere(path: Path) -> Iterator[Path]:
    """Yield the ledgers of this target that were made with another XDG_DATA_HOME or HOME, or under sudo."""
    if os.name != "posix":
        return
    import pwd

    homes = [os.environ.get("HOME", "")]
    with suppress(KeyError):  # a container's user may be in no list
        homes.append(pwd.getpwuid(os.getuid()).pw_dir)
    with suppress(KeyError):
        homes.append(pwd.getpwnam(os.environ.get("SUDO_USER", "")).pw_dir)
    for home in dict.fromkeys(filter(None, homes)):
        other = Path(home) / ".local/share/batchwright/ledgers" / path.name
        if other != path and _is_there(other):
            yield other
