"""A plugin that tells its URL, password and all, wherever it can. `--to leaky:///FILE?…&password=…`.

Environment: LEAK is where it raises: init, open, write, size, classify or report.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from urllib.parse import unquote

from batchwright import Batch, Failure, ProcessedChunk, Receipt, Reporter, ReporterOptions, Sink, hookimpl
from batchwright.contracts.events import Event
from batchwright.contracts.records import RecordType
from batchwright.contracts.reporter import AnyReporter
from batchwright.contracts.sink import AnySink, SinkOptions, Store

URL = os.environ.get("LEAKED_URL", "")


def _leak(place: str) -> None:
    if os.environ.get("LEAK") == place:
        raise RuntimeError(f"can't reach {URL} ({unquote(URL)})")


class LeakySink(Sink[SinkOptions]):
    name = "leaky"
    schemes = ("leaky",)

    def __init__(self, options: SinkOptions) -> None:
        super().__init__(options)
        _leak("init")

    def open(self, record_type: RecordType | None = None, *, create: bool = True) -> LeakyStore:
        _leak("open")
        return LeakyStore()


class LeakyStore(Store):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        _leak("write")
        if os.environ.get("LEAK") == "reject" and batch.documents:
            raise ValueError(f"no good for {URL} ({unquote(URL)})")
        if os.environ.get("LEAK") in ("classify", "retry") and batch.documents:
            raise ConnectionError(f"lost {URL} ({unquote(URL)})")


class LeakyReporter(Reporter[ReporterOptions]):
    name = "leaky"

    def handle(self, event: Event) -> None:
        _leak("report")


@hookimpl
def register_sinks() -> Iterable[type[AnySink]]:
    return [LeakySink]


@hookimpl
def register_reporters() -> Iterable[type[AnyReporter]]:
    return [LeakyReporter]


@hookimpl
def batch_size(feedback: object, limits: object) -> int | None:
    _leak("size")
    return None


@hookimpl
def classify_error(failure: Failure) -> None:
    _leak("classify")
