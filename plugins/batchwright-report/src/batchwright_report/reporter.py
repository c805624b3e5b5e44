"""The reporter: events in, a page out."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from batchwright import BatchwrightError, Reporter
from batchwright.contracts.events import Event, RunFinished, RunNotStarted, RunStarted

from batchwright_report import place
from batchwright_report.options import ReportOptions

if TYPE_CHECKING:
    from batchwright_report.story import Story

logger = logging.getLogger("batchwright.report")


class HtmlReporter(Reporter[ReportOptions]):
    """Writes what a run did as one HTML page: when it begins, from time to time, and at its end.

    One reporter may be used for many runs. Each takes the place of the page before it, unless the file's name
    holds ``{collection}`` or ``{run}``.

    Args:
        options: Where the page is written.
        clock: Returns seconds of a clock that only goes forward.
    """

    name = "report"
    options_type = ReportOptions
    each_document = ("failed", "refused")

    def __init__(self, options: ReportOptions, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(options)
        self._clock = clock
        self._path = options.path.absolute()  # the program may change its folder meanwhile
        self._story: Story | None = None
        self._written = 0.0
        self._failed = False

    def handle(self, event: Event) -> None:
        """Take the event in.

        Raises:
            BatchwrightError: The run has ended, and its page can't be written.
        """
        now = self._clock()
        if self._story is None or (isinstance(event, RunStarted) and not self._story.is_opening):
            self._story = self._begun(now)
        story = self._story
        story.add(event, now)
        if isinstance(event, RunFinished | RunNotStarted):
            self._story = None
            self._write(story)
        elif isinstance(event, RunStarted) or (
            story.started and now - self._written >= self.options.interval
        ):
            self._try(story)

    def close(self) -> None:
        """Write what is known of a run of which the end is not."""
        story, self._story = self._story, None
        if story is not None and story.started is not None:
            self._try(story)

    def _begun(self, now: float) -> Story:
        from batchwright_report.story import Story  # every command imports the plugin

        self._failed = False
        return Story(now)

    def _try(self, story: Story) -> None:
        """Write the page; say once that it can't be written, which may pass."""
        self._written = self._clock()
        try:
            self._write(story)
        except BatchwrightError as error:
            if not self._failed:
                logger.warning("%s", error)
            self._failed = True

    def _write(self, story: Story) -> None:
        from batchwright_report.page import page

        about = story.started or story.finished
        collection = about.collection if isinstance(about, RunStarted | RunNotStarted) else ""
        run_id = getattr(about, "run_id", "")
        path = place.file_of(self._path, collection, run_id)
        try:
            place.check_old(path)
            place.write(path, page(story))
        except OSError as error:
            raise BatchwrightError(
                f"the report can't be written to {path}: {error.strerror or error}; the run is not affected. "
                "See path in [reporter.report]"
            ) from error
        if story.finished is not None:
            logger.info("the report of the run is in %s", path)
