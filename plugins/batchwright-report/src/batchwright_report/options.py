"""What the section ``[reporter.report]`` may say."""

from __future__ import annotations

from pathlib import Path

from batchwright import ReporterOptions
from pydantic import Field, field_validator

from batchwright_report import place


class ReportOptions(ReporterOptions):
    """Where the report is written, and how often."""

    path: Path
    """The file. ``{collection}`` and ``{run}`` in its name stand for the collection and the run's id."""

    interval: float = Field(default=30.0, ge=1, le=86_400)
    """Seconds between two versions of the file while the run goes on, at least."""

    @field_validator("path")
    @classmethod
    def _can_be_written(cls, path: Path) -> Path:
        path = path.expanduser()
        place.check(path)
        return path
