"""The built-in source of local files."""

from __future__ import annotations

from collections.abc import Iterable

from batchwright import AnySource, hookimpl
from batchwright.builtin.files.source import FilesSource


@hookimpl(trylast=True)
def register_sources() -> Iterable[type[AnySource]]:
    """Offer the source."""
    return [FilesSource]
