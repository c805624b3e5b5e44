"""Which reader reads an item: by the ending of its key, else by its media type."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field

from batchwright.config import BatchConfig
from batchwright.contracts.reader import AnyReader, Reader, RowReader
from batchwright.documents.compression import bare
from batchwright.items import Item
from batchwright.plugins.manager import PluginManager
from batchwright.values import dataclass


@dataclass(slots=True)
class Readers:
    """The readers that are installed.

    Attributes:
        by_suffix: Readers by the endings that they read, in lower case.
        by_media_type: Readers by media type.
    """

    by_suffix: dict[str, AnyReader] = field(default_factory=dict)
    by_media_type: dict[str, AnyReader] = field(default_factory=dict)
    _has_longer: bool = field(default=False, init=False)  # endings with a dot inside

    @classmethod
    def of(cls, config: BatchConfig, manager: PluginManager) -> Readers:
        """Make the readers, with the options in the settings.

        Raises:
            ConfigError: An option is wrong, or names a reader that isn't there.
        """
        readers = cls()
        for reader in manager.make_readers(config.reader):
            if isinstance(reader, Reader):
                reader.date_fields = config.date_fields
            readers._add(reader)
        return readers

    def _add(self, reader: AnyReader) -> None:
        """Add a reader; it takes the place of one added before, for what both read."""
        self._has_longer |= any(suffix.count(".") > 1 for suffix in reader.suffixes)
        self.by_suffix |= {suffix.lower(): reader for suffix in reader.suffixes}
        self.by_media_type |= {media_type.lower(): reader for media_type in reader.media_types}

    def reader_of(self, item: Item) -> AnyReader | None:
        """Return the reader of an item, or None."""
        key = item.key
        dot = key.rfind(".")
        if not self._has_longer and dot > key.rfind("/") + 1:
            reader = self.by_suffix.get(key[dot:].lower())
            if reader is not None:
                return reader
        name = bare(item.key).rpartition("/")[2].lower()
        dot = name.find(".", 1)
        while dot != -1:  # the longest ending counts: `.tar.gz` before `.gz`
            if (reader := self.by_suffix.get(name[dot:])) is not None:
                return reader
            dot = name.find(".", dot + 1)
        return self.by_media_type.get(item.media_type.partition(";")[0].strip().lower())

    def all(self) -> Iterator[AnyReader]:
        """Yield the readers; some more than once."""
        yield from self.by_suffix.values()
        yield from self.by_media_type.values()

    @property
    def suffixes(self) -> tuple[str, ...]:
        """All endings that are read."""
        return tuple(self.by_suffix)

    @property
    def patterns(self) -> tuple[str, ...]:
        """Globs of what is read where no pattern is given."""
        return tuple(f"*{suffix}" for suffix, reader in self.by_suffix.items() if reader.by_default)

    @property
    def row_patterns(self) -> tuple[str, ...]:
        """Globs of what readers of rows read."""
        return tuple(f"*{suffix}" for suffix, reader in self.by_suffix.items() if is_of_rows(reader))


def is_of_rows(reader: AnyReader | None) -> bool:
    """Tell whether a reader reads rows."""
    return isinstance(reader, RowReader)
