"""Documents that kill the process which reads them, and the runs that die of one.

A run that reads in its own process can't account for a document that kills it: a fault in native code, or the
kernel when memory is used up. The next run finds it as one that never ended, and reads in a process apart.
"""

from __future__ import annotations

from batchwright.contracts.ledger import Ledger
from batchwright.contracts.receipts import RejectFilter
from batchwright.errors import DocumentError


class ReaderDied(DocumentError):
    """Reading the document killed the process; the class of its reject."""


def reading_apart(ledger: Ledger, collection: str) -> str:
    """Return why a run should read its documents in another process, or an empty string.

    Args:
        ledger: The ledger, in which the run isn't entered yet.
        collection: What it loads into; nobody else does meanwhile.
    """
    for last in ledger.runs(collection, limit=1):
        if last.state == "running":
            return f"the run before, {last.run_id}, was killed, or died"
    if ledger.rejects(RejectFilter(collection, error=ReaderDied.__name__, unreadable=True), limit=1):
        return "a document killed the process that read it"
    return ""
