"""The executor's options, ``[executors.dask]`` in the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from batchwright import ExecutorOptions
from pydantic import Field, model_validator


class DaskOptions(ExecutorOptions):
    """Options of the Dask executor."""

    scheduler: str | None = None
    """Address of a scheduler, as in tcp://HOST:8786; without one a cluster is started on this machine."""

    workers: int | None = Field(default=None, ge=1, le=1024)
    """Processes of the cluster on this machine; by default one for each core."""

    connect_timeout: float = Field(default=10.0, gt=0)
    """Seconds to wait for the scheduler."""

    worker_timeout: float = Field(default=60.0, gt=0)
    """Seconds without any worker after which the run is given up."""

    tls_ca_file: Path | None = None
    """Certificates that are trusted, for a scheduler at tls://…."""

    tls_cert: Path | None = None
    """The certificate of this client."""

    tls_key: Path | None = None
    """Its key."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.scheduler is not None and "://" not in self.scheduler:
            raise ValueError(f"scheduler: {self.scheduler!r} is no address; write tcp://HOST:PORT")
        if self.scheduler is not None and self.workers is not None:
            raise ValueError("workers: is for a cluster on this machine; that of the scheduler has its own")
        if self.scheduler is not None and self.scheduler.startswith("tls:") and self.tls_ca_file is None:
            raise ValueError(
                "tls_ca_file: is missing; a tls:// scheduler needs tls_ca_file, tls_cert, tls_key"
            )
        return self
