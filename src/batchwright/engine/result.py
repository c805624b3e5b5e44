"""What a run, or a call that loads, returns."""

from __future__ import annotations

from batchwright.contracts import exits
from batchwright.contracts.account import Account
from batchwright.contracts.events import EndState
from batchwright.contracts.faults import PluginFault
from batchwright.values import dataclass


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended.

    Attributes:
        run_id: A UUID.
        state: How it ended.
        account: What became of every record and document.
        reason: Why it isn't done, else empty.
        exit_code: What the command exits with: 0 only if the run is done and set nothing aside.
        collection: What was loaded into; empty where a program says it with each record.
        plugins: What went wrong in plugins; the run went on without them.
    """

    run_id: str
    state: EndState
    account: Account
    reason: str = ""
    exit_code: int = exits.DONE
    collection: str = ""
    plugins: tuple[PluginFault, ...] = ()
