"""The items of the input: counted before a run begins, so that progress has a total."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextvars import copy_context
from functools import partial
from itertools import islice
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any

from batchwright.contracts.source import Source
from batchwright.documents.left_out import LeftOutCounts
from batchwright.engine.reading.input import Input
from batchwright.errors import ConfigError, PluginError, RunInterrupted, SourceError
from batchwright.handover import Helper
from batchwright.items import Item
from batchwright.plugins.foreign import Foreign

if TYPE_CHECKING:
    from batchwright.engine.reading.spool import Spool

_ITEM = tuple[Any, ...]
"""An item in the spool: a plain tuple is pickled in a third of the time."""

REMEMBERED = 10_000
"""Items that are held in memory, about 4 MB; more go to a temporary file, so that memory does not grow with
the input."""

_LOOK = 0.2
"""Seconds between two looks whether the run is to end."""


class Inventory:
    """What the settings select of the input, sorted by key in code point order. Iterate as often as you like.

    Args:
        input: What is loaded.
        remembered: Items held in memory, at most.
        since: Only what changed since then, for a source with a cursor.

    Attributes:
        documents: How many items were found.
        size: Their bytes.
        left_out: What else there is, and is left out.
        broken: Why the listing broke off; None where it came to its end.
        last: The key of the last item, in the order in which they are listed.
        cursor: The highest cursor of an item, or None.

    Raises:
        PluginError: The source lists a key twice, or out of order.
    """

    def __init__(self, input: Input, remembered: int = REMEMBERED, since: str | None = None) -> None:
        self.documents = self.size = 0
        self.left_out = LeftOutCounts()
        self.broken: Exception | None = None
        self.last = ""
        self.cursor: str | None = None
        self._source = source = input.source
        self._remembered: list[Item] = []
        self._spool: Spool[_ITEM] | None = None
        listed = self._followed(input.items(self.left_out, since=since))
        while part := list(islice(listed, remembered)):
            self.documents += len(part)
            self.size += sum([item.size for item in part])
            self.last = part[-1].key
            if not source.sorted:
                part.sort(key=attrgetter("key"))
            if self._spool is None and len(part) < remembered:
                self._remembered = part
            else:
                from batchwright.engine.reading.spool import Spool  # most inputs are small

                self._spool = self._spool or Spool(itemgetter(0), is_sorted=source.sorted)
                self._spool.add(list(map(tuple, part)))
        if not source.sorted:
            _check_once(self, source.name)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._remembered) if self._spool is None else map(Item._make, self._spool)

    @property
    def is_complete(self) -> bool:
        """Whether what isn't in it is gone."""
        return self._source.complete and self.broken is None

    def _followed(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield the items up to where listing breaks off, and keep the highest cursor."""
        cursor_of = self._source.cursor
        try:
            if type(self._source).cursor is Source.cursor:  # no item has one
                yield from items
                return
            who = f"the source {self._source.name!r}"
            foreign = Foreign(who, SourceError)
            for item in items:
                with foreign:
                    cursor = cursor_of(item)
                if not isinstance(cursor, str | None):
                    raise PluginError(
                        f"{who} has the cursor {cursor!r} for {item.key!r}; expected a text or None"
                    )
                if cursor is not None and (self.cursor is None or cursor > self.cursor):
                    self.cursor = cursor
                yield item
        except (ConfigError, PluginError):
            raise
        except Exception as error:  # noqa: BLE001 - a source may raise anything
            self.broken = error


def listed(
    input: Input,
    describe: Callable[[BaseException], str],
    since: str | None = None,
    stop: threading.Event | None = None,
) -> Inventory:
    """List the input.

    Args:
        input: What is loaded.
        describe: Turns an error into a message without secrets.
        since: Only what changed since then, for a source with a cursor.
        stop: Ends it, even where the source hangs, or waits for what is piped into the command.

    Raises:
        ConfigError: Pruning is wanted, and the source doesn't list all there is.
        PluginError: The source is broken.
        SourceError: It can't be listed.
        RunInterrupted: It was stopped.
    """
    config = input.config
    if config.prune and not input.source.complete:
        raise ConfigError(
            f"prune: {config.source_shown} lists only what has changed; what it doesn't list is not gone, so "
            "nothing can be pruned: leave it out"
        )
    inventory = _unless(stop, partial(Inventory, input, since=since))
    if inventory.broken is not None and not inventory.documents:
        said = describe(inventory.broken)
        raise SourceError(f"{config.source_shown} can't be listed: {said}") from inventory.broken
    return inventory


def _unless(stop: threading.Event | None, make: Callable[[], Inventory]) -> Inventory:
    """Make it by another thread, which is left behind when the run is to end."""
    if stop is None:
        return make()
    helper = Helper("batchwright-list")
    call = helper.start(partial(copy_context().run, make))
    while not call.ended.acquire(timeout=_LOOK):
        if stop.is_set():
            helper.let_go()
            raise RunInterrupted("the run was stopped while its source was listed; run again to load it")
    helper.close()
    return call.result()


def _check_once(items: Iterable[Item], name: str) -> None:
    last = None
    for item in items:
        if item.key == last:
            raise PluginError(f"the source {name!r} lists {item.key!r} twice: a defect of that plugin")
        last = item.key
