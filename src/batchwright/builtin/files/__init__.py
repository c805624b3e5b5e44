"""The built-in source of local files."""

from __future__ import annotations

from collections.abc import Iterable

from batchwright.builtin.files.source import FilesSource
from batchwright.contracts.hookspecs import hookimpl
from batchwright.contracts.source import AnySource


@hookimpl(trylast=True)
def register_sources() -> Iterable[type[AnySource]]:
    """Offer the source."""
    return [FilesSource]
