"""The built-in sources: local files, and standard input."""

from __future__ import annotations

from collections.abc import Iterable

from batchwright.builtin.files.source import FilesSource
from batchwright.builtin.files.stdin import StdinSource
from batchwright.contracts.hookspecs import hookimpl
from batchwright.contracts.source import AnySource


@hookimpl(trylast=True)
def register_sources() -> Iterable[type[AnySource]]:
    """Offer the sources."""
    return [FilesSource, StdinSource]
