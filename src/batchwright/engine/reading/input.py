"""What a run loads: a source, what the settings select of it, and the readers of its items."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TypeGuard
from urllib.parse import urlsplit

from batchwright.config import BatchConfig, secrets_of
from batchwright.contracts.receipts import Collection
from batchwright.contracts.records import RecordType
from batchwright.contracts.source import AnySource, Source, SourceLimits
from batchwright.documents.left_out import LeftOutCounts
from batchwright.documents.selection import Selection
from batchwright.engine.collection import collection_of
from batchwright.engine.reading.readers import Readers, is_of_rows
from batchwright.errors import ConfigError, PluginError, SourceError
from batchwright.items import Item
from batchwright.plugins.foreign import Foreign, bounded, is_own
from batchwright.plugins.limits import limits_of
from batchwright.plugins.manager import PluginManager
from batchwright.values import dataclass

logger = logging.getLogger("batchwright")

LOCAL = "local"
"""The name of the executor that loads in this process."""

_END = object()
"""Stands for the end of a listing, where a plugin may yield anything."""


@dataclass(frozen=True, slots=True)
class Input:
    """What a run loads.

    Attributes:
        config: The settings.
        manager: The plugins.
        source: Where items come from.
        readers: What reads them.
        is_rows: Whether they are rows, and not documents.
        record_type: The type of the records that the source returns; None for one of documents or files.
    """

    config: BatchConfig
    manager: PluginManager
    source: AnySource
    readers: Readers
    is_rows: bool = False
    record_type: RecordType | None = None

    @classmethod
    def of(cls, config: BatchConfig, manager: PluginManager) -> Input:
        """Return what the settings name.

        Raises:
            ConfigError: They name nothing, or an option is wrong.
            PluginError: A plugin is broken.
        """
        if not config.source_url:
            raise ConfigError("no source is set: BatchConfig(source=…) names what to load")
        source = manager.make_source(config.source_url, config.sources, _said(config))
        if config.cursor is not None and "cursor" not in type(source).options_type.model_fields:
            raise ConfigError(
                f"cursor: {config.source_shown} has none; a query has, and other sources that say so"
            )
        limits_of(source, f"the source {source.name!r}", SourceLimits, secrets=secrets_of(config))
        record_type, readers = _record_type(config, source), Readers.of(config, manager)
        is_rows = record_type is not None or _is_rows(config, readers)
        return cls(config, manager, source, readers, is_rows, record_type)

    @property
    def collection(self) -> Collection:
        """The collection that it is loaded into.

        Raises:
            ConfigError: It has to be named.
        """
        return collection_of(self.config, self.source)

    @property
    def executor(self) -> str:
        """The name of the executor that loads it; of rows always this process's own.

        Only all rows together show the type of a column, and which key is there twice, so one process reads
        and sorts them. Others could at best halve the time of a first load, and of a later one nothing.
        """
        return LOCAL if self.is_rows else self.config.executor

    @property
    def who(self) -> str:
        """Whose code the source's is, in messages."""
        return f"the source {self.source.name!r}"

    @property
    def is_local(self) -> bool:
        """Whether items are at hand: fetching one is opening a file."""
        return is_own(type(self.source)) and self.source.limits.at_once == 1

    def items(self, left_out: LeftOutCounts | None = None, *, since: str | None = None) -> Iterator[Item]:
        """Yield the items that are to be loaded, by key.

        Args:
            left_out: Counts what is left out.
            since: Only what changed since then, for a source with a cursor.

        Raises:
            PluginError: The source yields keys twice, or not in their order, or what is no item.
            Exception: Listing failed.
        """
        selection = self._selection(left_out or LeftOutCounts())
        self.source.selection = selection
        takes_all = self.source.selects or self.record_type is not None
        is_readable, last = self._reads(selection), ""
        is_foreign = not is_own(type(self.source))
        for item in self._guarded(since) if is_foreign else self.source.list(since=since):
            if item.error is None:  # what can't be looked at has no certain place
                if item.key <= last and self.source.sorted:
                    raise PluginError(_out_of_order(self.source.name, last, item.key))
                last = item.key
            if (takes_all or selection.takes(item.key)) and is_readable(item):
                yield item

    def takes(self, key: str) -> bool:
        """Tell whether an item of this key would be loaded."""
        selection = self._selection(LeftOutCounts())
        return selection.takes(key) and self._reads(selection)(Item(key))

    def close(self) -> None:
        """Have the source release what it holds. Raises nothing: what was loaded is loaded."""
        try:
            bounded(self.who, self.source.close)
        except Exception as error:
            logger.warning("%s could not be closed: %s", self.who, type(error).__name__, exc_info=True)

    def _guarded(self, since: str | None) -> Iterator[Item]:
        """Yield what a plugin's source lists; whatever it raises is an `Exception`."""
        foreign = Foreign(self.who, SourceError)
        with foreign:
            items = iter(self.source.list(since=since))
        while True:
            with foreign:
                item: object = next(items, _END)
            if item is _END:
                return
            if not _is_item(item):
                raise PluginError(
                    f"{self.who} lists {repr(item)[:200]}; expected an Item with a text for its key, a number"
                    " for its size, a text for its fingerprint, and a text or None for its error: a defect of"
                    " that plugin"
                )
            yield item

    def _selection(self, left_out: LeftOutCounts) -> Selection:
        config, readers = self.config, self.readers
        return Selection(
            patterns=config.patterns or (readers.row_patterns if self.is_rows else readers.patterns),
            exclude=config.exclude,
            hidden=config.hidden,
            follow_symlinks=config.follow_symlinks,
            default_excludes=config.default_excludes,
            readable=readers.suffixes,
            left_out=left_out,
        )

    def _reads(self, selection: Selection) -> Callable[[Item], bool]:
        """Return what tells whether an item has a reader, or needs none for saying what is wrong with it."""
        if self.record_type is not None:
            return lambda _: True
        reader_of = self.readers.reader_of
        usable = {id(reader) for reader in self.readers.all() if is_of_rows(reader) is self.is_rows}

        def reads(item: Item) -> bool:
            if item.error is not None or item.deleted or id(reader_of(item)) in usable:
                return True
            selection.left_out.add_file(item.key, ())
            return False

        return reads


def _said(config: BatchConfig) -> dict[str, str]:
    """Return the settings that are options of some sources, too: what they look for depends on them."""
    given = {"key": config.key, "cursor": config.cursor, "lag": config.lag}
    return {name: value for name, value in given.items() if value is not None}


def _record_type(config: BatchConfig, source: AnySource) -> RecordType | None:
    """Return the type of the records that a source returns, which may have to ask a server.

    Raises:
        PluginError: It is none.
        DeadlineExceeded: The source hangs.
    """
    if type(source).record_type is Source.record_type:
        return None
    who = f"the source {source.name!r}"
    found: object = bounded(who, lambda: source.record_type, config.batch_timeout)
    if not isinstance(found, RecordType | None):
        raise PluginError(f"{who} has the record_type {type(found).__name__}; expected RecordType")
    return found


def _is_rows(config: BatchConfig, readers: Readers) -> bool:
    """Tell whether rows are to be loaded: the settings say so, or nothing else is named."""
    if any((config.key, config.record, config.chunk)):
        return True
    named = config.patterns or (urlsplit(config.source_url).path.rpartition("/")[2],)
    return all(is_of_rows(readers.reader_of(Item(name))) for name in named)


def _is_item(item: object) -> TypeGuard[Item]:
    if not isinstance(item, Item) or not item.key:
        return False
    values: tuple[object, ...] = item
    key, _, size, fingerprint, _, error, _ = values
    is_sound = isinstance(key, str) and isinstance(size, int) and isinstance(fingerprint, str)
    return is_sound and (error is None or isinstance(error, str))


def _out_of_order(name: str, last: str, key: str) -> str:
    what = f"lists {key!r} twice" if key == last else f"lists {key!r} behind {last!r}"
    return (
        f"the source {name!r} {what}, and not each key once, in code point order: a defect of that plugin; "
        "it may say `sorted = False`"
    )
