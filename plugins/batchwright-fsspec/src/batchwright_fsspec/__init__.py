"""Sources of batchwright beyond local files: ``batchwright run s3://bucket/docs/``, ``https://…``, ``gs://…``.

This module is imported at every start: it loads neither fsspec nor a driver. These are loaded when a source
is used.
"""

from __future__ import annotations

from batchwright import AnySource, hookimpl
from batchwright_fsspec.cloud import AzureSource, GcsSource
from batchwright_fsspec.filesystem import FilesystemSource
from batchwright_fsspec.http import HttpSource
from batchwright_fsspec.options import (
    AzureOptions,
    FilesystemOptions,
    GcsOptions,
    HttpOptions,
    RemoteOptions,
    S3Options,
)
from batchwright_fsspec.s3 import S3Source

__all__ = [
    "AzureOptions",
    "AzureSource",
    "FilesystemOptions",
    "FilesystemSource",
    "GcsOptions",
    "GcsSource",
    "HttpOptions",
    "HttpSource",
    "RemoteOptions",
    "S3Options",
    "S3Source",
    "register_sources",
]


@hookimpl
def register_sources() -> list[type[AnySource]]:
    """Offer a source for each kind of store."""
    return [S3Source, GcsSource, AzureSource, HttpSource, FilesystemSource]
