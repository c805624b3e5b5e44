"""The options of the Parquet sink, and the folder in its URL."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field

from batchwright import SinkError, SinkOptions

Compression = Literal["zstd", "snappy", "none"]
_FORM = "write parquet:///relative/folder or parquet:////absolute/folder"


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


def folder_of(url: str) -> Path:
    """Return the folder that a URL names, absolute; a relative one counts from the working directory.

    Raises:
        SinkError: The URL names no folder. The message doesn't show the URL.
    """
    try:
        parts = urlsplit(url)
        path = unquote(parts.path[1:], errors="strict")
    except ValueError:
        raise SinkError(f"the Parquet URL can't be read; {_FORM}, with UTF-8 in percent signs") from None
    if parts.netloc:
        raise SinkError(f"a Parquet URL names a folder, not a host, after its third slash; {_FORM}")
    if parts.query:
        names = ", ".join(sorted({setting.partition("=")[0] for setting in parts.query.split("&")}))
        raise SinkError(f"the Parquet URL has unknown parameters ({names})")
    if parts.fragment or url.endswith("#"):
        raise SinkError("the Parquet URL holds a '#'; write %23 where the folder's name has one")
    if not path or "\0" in path:
        raise SinkError(f"the Parquet URL names no folder; {_FORM}")
    return Path(path).absolute()
