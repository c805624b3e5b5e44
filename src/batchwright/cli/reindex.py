"""``batchwright reindex``: make the full-text index anew from what is stored."""

from __future__ import annotations

import time

from batchwright.cli.options import General, Relation, Wait
from batchwright.contracts import exits
from batchwright.visible import one_line

_EVERY = 5.0  # seconds between two lines of progress


def reindex(relation: Relation, *, wait: Wait = None, general: General) -> int:
    """Make the full-text index anew, from the texts that are stored; the documents aren't read.

    For an index that an older version of batchwright made, as `search` says. If it breaks off, the same
    command goes on. Runs are refused meanwhile, or wait.

    Exit codes: 0 done, 1 failed, 2 usage or configuration, 4 a run has a collection.
    """
    from batchwright.cli.targets import loaded
    from batchwright.plurals import counted

    terminal = general.terminal()
    finished, told = [], time.monotonic()
    with loaded(relation, general, wait=wait) as there:
        for state in there.target.reindex():
            if state.done:
                finished.append(state)
            elif time.monotonic() - told >= _EVERY:
                told = time.monotonic()
                terminal.tell(f"indexed {counted(state.records, 'record')}")
        if terminal.json:
            indexed = [{"relation": one.relation, "records": one.records} for one in finished]
            terminal.say_json(there.as_json(indexed=indexed))
            return there.code()
        for one in finished:
            of = f"{one_line(str(one.relation))} of " if there.has_several else ""
            terminal.say(f"indexed {counted(one.records, 'record')} of {of}{there.target.name}")
        return there.code(exits.DONE)
