"""The Parquet sink."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from batchwright import Sink, SinkLimits
from batchwright.contracts.records import RecordType
from batchwright_parquet.options import ParquetOptions, folder_of

if TYPE_CHECKING:
    from batchwright_parquet.store import ParquetStore


class ParquetSink(Sink[ParquetOptions]):
    """Stores batches in Parquet files, with its ledger in the manifest that says which files count.

    Parquet has no transactions. A commit is one line appended to the manifest; files are complete before it,
    and come into their places by renaming after it, by the next process if this one dies in between.
    """

    name: ClassVar[str] = "parquet"
    schemes: ClassVar[tuple[str, ...]] = ("parquet",)
    options_type = ParquetOptions
    limits = SinkLimits(rows=20_000, bytes=64 * 1024 * 1024, writers=1)

    def open(self, record_type: RecordType | None = None, *, create: bool = True) -> ParquetStore:
        """Open the folder, made where it is missing.

        Raises:
            ConfigError: The URL names no folder, or the folder holds other records.
            SinkError: With what is wrong and what to do.
        """
        from batchwright_parquet.store import ParquetStore  # not above: it loads Arrow

        return ParquetStore(self._path, self.options, record_type, create=create)

    def exists(self) -> bool:
        """Tell whether the folder was loaded into before; make nothing where it wasn't.

        Raises:
            ConfigError: The URL names no folder.
            SinkError: Its manifest is another program's, or of another version.
        """
        from batchwright_parquet.store import exists

        return exists(self._path)

    @cached_property
    def _path(self) -> Path:
        """The folder, found once: the working directory may be another one when a store is opened later."""
        return folder_of(self.options)

    def identity(self) -> str:
        """Return the folder's path."""
        return f"parquet:{self._path.resolve()}"
