"""The progress reporter: a live bar on stderr where that is a terminal, else a plain line now and then."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from pydantic import Field

from batchwright.contracts.events import (
    BatchWritten,
    DocumentsFinished,
    Event,
    InputCounted,
    OutageEnded,
    OutageStarted,
    RowsRead,
    RunFinished,
    RunNotStarted,
    RunStarted,
    StopRequested,
    TextsEmbedded,
    TextsQueued,
)
from batchwright.contracts.figures import Figures
from batchwright.contracts.hookspecs import hookimpl
from batchwright.contracts.reporter import AnyReporter, Reporter, ReporterOptions
from batchwright.plurals import counted

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

_WINDOW = 10.0  # seconds over which the rates are taken
_DONE = ("added", "changed", "unchanged", "refused", "failed")  # what becomes of documents that are found
_REFRESH = 0.1  # seconds between updates of the bar


class ProgressOptions(ReporterOptions):
    """Options of the progress reporter."""

    interval: float = Field(default=5.0, gt=0)
    """Seconds between plain lines, at least."""


class Progress:
    """What the reporter shows, added up from the events.

    Args:
        loads_rows: Whether rows are loaded, and not documents.
    """

    def __init__(self, *, loads_rows: bool = False) -> None:
        self.loads_rows = loads_rows
        self.started = time.monotonic()
        self.figures = Figures()
        self.documents_total = 0
        self.size = self.size_total = 0
        self.note = ""
        self._away = 0.0
        self._away_since: float | None = None
        self._texts = self._embedded = 0
        self._recent: deque[tuple[float, int, int]] = deque()  # chunks and bytes, by quarters of a second

    def add(self, event: Event) -> None:
        """Take an event in."""
        self.figures.add(event)
        match event:
            case RunFinished(state="done"):  # of rows with the same key one counts
                self.documents_total = min(self.documents_total, self._documents_done)
            case InputCounted():
                self.documents_total, self.size_total = event.documents, event.size
            case DocumentsFinished(state="failed" | "unchanged" | "refused"):
                self.size += event.size  # the others' bytes come with their batches
            case BatchWritten():
                self.size += event.size
                if event.batch_index is not None:  # else it was written before
                    self._add_rate(event.records, event.size)
            case OutageStarted():
                self.note = f"waiting for {event.who} to come back"
                self._away_since = self._away_since or time.monotonic()
            case OutageEnded():
                self.note = ""
                self._away += time.monotonic() - (self._away_since or time.monotonic())
                self._away_since = None
            case StopRequested():
                self.note = "stopping"
            case TextsQueued():
                self._texts += event.texts
            case TextsEmbedded():
                self._embedded += event.texts + event.refused
            case _:
                pass

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
        """An estimate by bytes, from the whole run so far; None while there is nothing to go by.

        Time that the sink was away counts neither as work nor as rest: the bytes say nothing of it.
        """
        away = self._away + (time.monotonic() - self._away_since if self._away_since is not None else 0.0)
        elapsed = time.monotonic() - self.started - away
        if self._away_since is not None or not self.done or elapsed <= 1:
            return None
        return (self.size_total - self.done) / self.done * elapsed

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
        """Say how many documents, or rows, are done with."""
        done = self._documents_done
        total = self.documents_total
        noun = "row" if self.loads_rows else "document"
        # more are done with than were counted where some came meanwhile
        return f"{done:,}/{counted(total, noun)}" if done <= total and total else counted(done, noun)

    @property
    def _documents_done(self) -> int:
        return sum(self.figures["documents", state] for state in _DONE)

    def totals(self) -> list[str]:
        """Say how many chunks, or rows, and batches were written."""
        records, batches = self.figures["records", "written"], self.figures["batches", "stored"]
        return [
            f"{records:,} written" if self.loads_rows else counted(records, "chunk"),
            counted(batches, "batch", "batches"),
        ]

    def rest(self) -> str:
        """Say all the rest: chunks, batches, rates, and what went wrong."""
        chunk_rate, byte_rate = self.rates()
        parts = [
            *([f"embedding {self._embedded:,} of {self._texts:,}"] if self._texts else []),
            *self.totals(),
            f"{chunk_rate:,.0f} {'rows' if self.loads_rows else 'chunks'}/s",
            f"{byte_rate / 1e6:.1f} MB/s",
        ]
        retries, failed = self.figures["retries", ""], self.figures["documents", "failed"]
        rejected = self.figures["records", "rejected"]
        parts += [counted(retries, "retry", "retries")] * bool(retries)
        parts += [f"{rejected:,} rejected"] * bool(rejected)
        parts += [f"{counted(failed, 'document')} failed"] * bool(failed)
        return ", ".join([*parts, self.note] if self.note else parts)


class ProgressReporter(Reporter[ProgressOptions]):
    """Shows on stderr how far the run is."""

    name = "progress"
    options_type = ProgressOptions

    def __init__(self, options: ProgressOptions | None = None) -> None:
        super().__init__(options or ProgressOptions())
        self._progress = Progress()
        self._bar: RichProgress | None = None
        self._reading: RichProgress | None = None
        self._shown = time.monotonic()
        self._lock = threading.Lock()

    def handle(self, event: Event) -> None:
        """Take the event in, and show it if it is time to."""
        with self._lock:
            if isinstance(event, RowsRead):
                self._show_reading(event)
                return
            if isinstance(event, RunNotStarted):
                self.close()
                return
            if isinstance(event, RunStarted):
                self.close()  # the bar of a run that had no end
                self._progress = Progress(loads_rows=event.record_type != "processed_chunk")
                self._shown = time.monotonic()
                self._bar = _bar(self._progress) if _is_terminal() else None
                return
            self._progress.add(event)
            if isinstance(event, RunFinished):
                self._finish(event)
            else:
                self._show()

    def close(self) -> None:
        """Take the bar away and give the terminal back as it was."""
        bars = self._bar, self._reading
        self._bar = self._reading = None
        for bar in bars:
            if bar is not None:
                bar.stop()

    def _show_reading(self, event: RowsRead) -> None:
        """Show how many rows were read: nothing is written yet, and nobody knows how many there are."""
        text = f"reading rows {event.rows:,}, {event.size / 1e6:,.0f} MB …"
        if _is_terminal():
            self._reading = self._reading or _line()
            for task in self._reading.task_ids:
                self._reading.update(task, description=text)
        elif (now := time.monotonic()) - self._shown >= self.options.interval:
            self._shown = now
            _write(text)

    def _show(self) -> None:
        now = time.monotonic()
        if now - self._shown < (_REFRESH if self._bar else self.options.interval):
            return
        self._shown = now
        if self._bar is None:
            share = 100 * self._progress.done // max(1, self._progress.size_total)
            _write(f"{share}%, {self._progress.position()}, {self._progress.rest()}")
            return
        for task in self._bar.task_ids:
            total = self._progress.size_total or None
            self._bar.update(task, completed=self._progress.done, total=total)

    def _finish(self, event: RunFinished) -> None:
        plain = self._bar is None
        self.close()
        if plain and event.account.documents.total:
            parts = [self._progress.documents_done(), *self._progress.totals()]
            _write(f"{event.state} after {event.account.seconds:.1f} s: {', '.join(parts)}")


def _is_terminal() -> bool:
    return bool(sys.stderr) and sys.stderr.isatty() and os.environ.get("TERM", "") not in ("dumb", "unknown")


def _bar(progress: Progress) -> RichProgress:
    """Start the bar, with the figures in a line below. rich takes 70 ms to import, so only here."""
    from rich.console import Console, RenderableType
    from rich.progress import BarColumn, ProgressColumn, Task, TaskProgressColumn
    from rich.progress import Progress as RichProgress
    from rich.text import Text

    class Position(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(progress.position(), no_wrap=True, overflow="ellipsis")

    class TwoLines(RichProgress):
        def get_renderables(self) -> Iterable[RenderableType]:
            yield from super().get_renderables()
            yield Text(progress.rest(), style="dim", no_wrap=True, overflow="ellipsis")

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


def _line() -> RichProgress:
    """Start a line of text that goes away."""
    from rich.console import Console
    from rich.progress import Progress as RichProgress
    from rich.progress import TextColumn

    line = RichProgress(
        TextColumn("{task.description}", markup=False), console=Console(stderr=True), transient=True
    )
    line.add_task("", total=None)
    line.start()
    return line


def _write(line: str) -> None:
    with suppress(OSError):  # where stderr is full or gone there is nobody to tell, and no plugin went wrong
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
