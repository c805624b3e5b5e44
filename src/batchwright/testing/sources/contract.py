"""The whole contract of a source."""

from __future__ import annotations

from batchwright.testing.sources.changes import ChangeChecks
from batchwright.testing.sources.fetching import FetchChecks
from batchwright.testing.sources.listing import ListChecks
from batchwright.testing.sources.outages import OutageChecks
from batchwright.testing.sources.records import RecordChecks
from batchwright.testing.sources.secrecy import SecrecyChecks


class SourceContract(ListChecks, FetchChecks, ChangeChecks, RecordChecks, OutageChecks, SecrecyChecks):
    """Subclass it as ``TestMySource``, and supply two fixtures.

    Fixtures to supply:
        make_source: A callable that returns a new source; within a test always of the same input, which has
            three items or more; one will do for a source of records.
        contents: A callable that returns what the input holds, read without the source, by key: the bytes of
            each item, or its `Document`, or a list of its records.

    Fixtures that add checks:
        put: ``put(key, data)`` adds an item to the input, or gives one other bytes. It raises where the input
            can't hold such a key.
        remove: ``remove(key)`` takes an item away.
        break_off: ``break_off()`` is a context in which a listing breaks off after some items, as when the
            second page of it can't be had.
        cut_off: ``cut_off()`` is a context in which the input can't be reached for a while.
        wrong_source: A source that can't be reached, with `SECRET` in its URL. By default its URL is that of
            `make_source` without parameters, but with a user, a password and a port where nobody listens.

    Attributes:
        patience: Seconds that anything may take before it counts as hanging.

    A promise that a source can't keep is taken out by overriding its check with one that skips, and says why.
    """
