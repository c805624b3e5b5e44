"""The plugin: what the entry point names."""

from __future__ import annotations

from collections.abc import Iterable

import batchwright

from batchwright_report.reporter import HtmlReporter


@batchwright.hookimpl
def register_reporters() -> Iterable[type[HtmlReporter]]:
    """Offer the reporter `report`."""
    return [HtmlReporter]
