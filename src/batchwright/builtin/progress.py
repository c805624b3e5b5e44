"""The progress reporter: a live bar on stderr where that is a terminal, else a plain line now and then."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pydantic import Field

from batchwright.events import (
    BatchRetrying,
    BatchWritten,
    DocumentFinished,
    Event,
    InputCounted,
    OutageEnded,
    OutageStarted,
    RecordRejected,
    RunFinished,
    RunStarted,
    StopRequested,
)
from batchwright.hookspecs import hookimpl
from batchwright.reporter import AnyReporter, Reporter, ReporterOptions

if TYPE_CHECKING:
    from rich.progress import Progress

_WINDOW = 10.0  # seconds over which the rates are taken
_REFRESH = 0.1  # seconds between updates of the bar


class ProgressOptions(ReporterOptions):
    """Options of the progress reporter."""

    interval: float = Field(default=5.0, gt=0)
    """Seconds between plain lines, at least."""


class Figures:
    """What the reporter shows, added up from the events."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.documents = self.documents_total = 0
        self.size = self.size_total = 0
        self.chunks = self.batches = self.retries = self.rejects = self.failed = 0
        self.note = ""
        self._recent: deque[tuple[float, int, int]] = deque()  # chunks and bytes, by quarters of a second

    def add(self, event: Event) -> None:
        """Take an event in."""
        match event:
            case InputCounted():
                self.documents_total, self.size_total = event.documents, event.size
            case DocumentFinished():
                self._add_document(event)
            case BatchWritten():
                self.batches += 1
                self.chunks += event.records
                self.size += event.size
                self._add_rate(event.records, event.size)
            case BatchRetrying():
                self.retries += 1
            case RecordRejected() if event.position >= 0:
                self.rejects += 1
            case OutageStarted():
                self.note = "waiting for the sink to come back"
            case OutageEnded():
                self.note = ""
            case StopRequested():
                self.note = "stopping"
            case _:
                pass

    def _add_document(self, event: DocumentFinished) -> None:
        if event.change == "deleted":
            return
        self.documents += 1
        if event.change == "failed":
            self.failed += 1
        if event.change in ("failed", "unchanged"):  # the others' bytes came with their batches
            self.size += event.size

    def _add_rate(self, chunks: int, size: int) -> None:
        now = time.monotonic()
        if self._recent and self._recent[-1][0] > now - 0.25:
            since, more_chunks, more = self._recent[-1]
            self._recent[-1] = (since, chunks + more_chunks, size + more)
        else:
            self._recent.append((now, chunks, size))
        if self._recent[0][0] < now - _WINDOW:
            self._recent.popleft()

    @property
    def done(self) -> int:
        """Bytes done with; never more than there are, though overlap repeats some."""
        return min(self.size, self.size_total)

    @property
    def seconds_left(self) -> float | None:
        """An estimate by bytes, from the whole run so far; None while there is nothing to go by."""
        elapsed = time.monotonic() - self.started
        return (self.size_total - self.done) / self.done * elapsed if self.done and elapsed > 1 else None

    def rates(self) -> tuple[float, float]:
        """Return chunks a second and bytes a second, of late."""
        now = time.monotonic()
        span = max(0.1, min(_WINDOW, now - self.started))
        recent = [entry for entry in tuple(self._recent) if entry[0] >= now - _WINDOW]
        return sum(entry[1] for entry in recent) / span, sum(entry[2] for entry in recent) / span

    def position(self) -> str:
        """Say how far it is: documents, and time left."""
        left = self.seconds_left
        return self.documents_done() + (f", {_clock(left)} left" if left is not None else "")

    def documents_done(self) -> str:
        """Say how many documents are done with."""
        total = f"/{self.documents_total:,}" if self.documents_total else ""
        return f"{self.documents:,}{total} documents"

    def totals(self) -> list[str]:
        """Say how many chunks and batches were written."""
        chunks = "chunk" if self.chunks == 1 else "chunks"
        return [
            f"{self.chunks:,} {chunks}",
            f"{self.batches:,} {'batch' if self.batches == 1 else 'batches'}",
        ]

    def rest(self) -> str:
        """Say all the rest: chunks, batches, rates, and what went wrong."""
        chunk_rate, byte_rate = self.rates()
        parts = [*self.totals(), f"{chunk_rate:,.0f} chunks/s", f"{byte_rate / 1e6:.1f} MB/s"]
        trouble = (
            (self.retries, "retry" if self.retries == 1 else "retries"),
            (self.rejects, "rejected"),
            (self.failed, "unreadable"),
        )
        parts += [f"{number:,} {noun}" for number, noun in trouble if number]
        return ", ".join([*parts, self.note] if self.note else parts)


class ProgressReporter(Reporter[ProgressOptions]):
    """Shows on stderr how far the run is."""

    name = "progress"
    options_type = ProgressOptions

    def __init__(self, options: ProgressOptions | None = None) -> None:
        super().__init__(options or ProgressOptions())
        self._figures = Figures()
        self._bar: Progress | None = None
        self._shown = time.monotonic()
        self._lock = threading.Lock()

    def handle(self, event: Event) -> None:
        """Take the event in, and show it if it is time to."""
        with self._lock:
            if isinstance(event, RunStarted):
                self._figures = Figures()
                self._shown = time.monotonic()
                self._bar = _bar(self._figures) if _is_terminal() else None
                return
            self._figures.add(event)
            if isinstance(event, RunFinished):
                self._finish(event)
            else:
                self._show()

    def close(self) -> None:
        """Take the bar away and give the terminal back as it was."""
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.stop()

    def _show(self) -> None:
        now = time.monotonic()
        if now - self._shown < (_REFRESH if self._bar else self.options.interval):
            return
        self._shown = now
        if self._bar is None:
            share = 100 * self._figures.done // max(1, self._figures.size_total)
            _write(f"{share}%, {self._figures.position()}, {self._figures.rest()}")
            return
        for task in self._bar.task_ids:
            total = self._figures.size_total or None
            self._bar.update(task, completed=self._figures.done, total=total)

    def _finish(self, event: RunFinished) -> None:
        plain = self._bar is None
        self.close()
        if plain:
            parts = [self._figures.documents_done(), *self._figures.totals()]
            _write(f"{event.state} after {event.account.seconds:.1f} s: {', '.join(parts)}")


def _is_terminal() -> bool:
    return bool(sys.stderr) and sys.stderr.isatty() and os.environ.get("TERM", "") not in ("dumb", "unknown")


def _bar(figures: Figures) -> Progress:
    """Start the bar, with the figures in a line below. rich takes 70 ms to import, so only here."""
    from rich.console import Console, RenderableType
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskProgressColumn
    from rich.text import Text

    class Position(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(figures.position(), no_wrap=True, overflow="ellipsis")

    class TwoLines(Progress):
        def get_renderables(self) -> Iterable[RenderableType]:
            yield from super().get_renderables()
            yield Text(figures.rest(), style="dim", no_wrap=True, overflow="ellipsis")

    bar = TwoLines(
        BarColumn(bar_width=32),
        TaskProgressColumn(),
        Position(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=bool(sys.stdout) and sys.stdout.isatty(),  # a pipe gets what is meant for it
    )
    bar.add_task("", total=None)
    bar.start()
    return bar


def _write(line: str) -> None:
    if sys.stderr:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@hookimpl
def register_reporters() -> Iterable[type[AnyReporter]]:
    """Offer the progress reporter."""
    return [ProgressReporter]
