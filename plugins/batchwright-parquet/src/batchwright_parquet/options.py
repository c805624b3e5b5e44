"""The options of the Parquet sink, and the folder in its URL."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from batchwright import SinkOptions
from batchwright.sinkkit.local_path import local_path

Compression = Literal["zstd", "snappy", "none"]


class ParquetOptions(SinkOptions):
    """Options of the Parquet sink.

    Attributes:
        partition: ``category`` puts the documents of each source_category into a folder of their own,
            ``none`` all into one.
        compression: Of the files.
        durable: Whether every commit withstands a loss of power, for some calls of fsync each. Without, it
            still withstands the death of the process.
        busy_timeout: Seconds to wait for another process that writes, and for other writers in this one.
    """

    partition: Literal["category", "none"] = "category"
    compression: Compression = "zstd"
    durable: bool = True
    busy_timeout: float = Field(default=5.0, ge=0, le=86_400, allow_inf_nan=False)


def folder_of(options: ParquetOptions) -> Path:
    """Return the folder that the URL names, absolute; a relative one counts from the working directory.

    Raises:
        ConfigError: The URL names no folder.
    """
    return local_path(options.url.get_secret_value(), ParquetOptions, "kb", kind="folder")
