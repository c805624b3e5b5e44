"""A disk that is full."""

from __future__ import annotations

from tests.support.full_disk import FullDiskChecks


class TestFullDisk(FullDiskChecks):
    target = "parquet:///{disk}/kb"
    megabytes = 2
