"""What the section ``[reporter.prometheus]`` may say."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from batchwright import ReporterOptions
from pydantic import Field, field_validator, model_validator


class PrometheusOptions(ReporterOptions):
    """Where the metrics can be read: an HTTP endpoint, a file, or both."""

    host: str = "127.0.0.1"
    """The address to listen at."""

    port: int | None = Field(default=None, ge=0, le=65535)
    """The port of the endpoint, 0 for any free one; None for no endpoint."""

    linger: float = Field(default=0.0, ge=0, le=3600)
    """Seconds that the endpoint waits, at most, after the run for one more scrape."""

    textfile: Path | None = None
    """A file for the node_exporter's textfile collector; None for no file."""

    interval: float = Field(default=15.0, ge=0.1)
    """Seconds between writes of the file."""

    @field_validator("textfile")
    @classmethod
    def _is_collected(cls, path: Path | None) -> Path | None:
        if path is not None and path.suffix != ".prom":
            raise ValueError("must end in .prom: the node_exporter reads no other files")
        return path

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        if self.port is None and self.textfile is None:
            raise ValueError(
                "in [reporter.prometheus] set port (an HTTP endpoint), textfile (a file for the "
                "node_exporter), or both"
            )
        return self
