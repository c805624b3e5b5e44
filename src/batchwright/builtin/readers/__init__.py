"""The built-in readers."""

from __future__ import annotations

from collections.abc import Iterable

from batchwright import AnyReader, hookimpl
from batchwright.builtin.readers.markdown import MarkdownItems


@hookimpl(trylast=True)
def register_readers() -> Iterable[type[AnyReader]]:
    """Offer the readers."""
    return [MarkdownItems]
