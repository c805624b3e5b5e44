"""A small disk of its own, to be filled."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pytest


class SmallDisk:
    """A tmpfs.

    Args:
        path: Where it is mounted.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    @contextmanager
    def mounted(cls, size: str, *, folder: Path | None = None, owner: str = "") -> Iterator[Self]:
        """Mount one for as long as the block lasts; skip the test where that isn't permitted.

        Args:
            size: As mount has it, such as ``700k``.
            folder: Where; None for the folder of temporary files.
            owner: Options of mount that say whose it is.
        """
        path = Path(tempfile.mkdtemp(prefix="disk", dir=folder))
        try:
            options = f"size={size}" + (f",{owner}" if owner else "")
            mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)]
            if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, timeout=10).returncode != 0:
                pytest.skip("a small disk has to be mounted, and that isn't permitted here")
            try:
                yield cls(path)
            finally:
                subprocess.run(["umount", "--lazy", str(path)], check=True, timeout=10)
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def grow(self, size: str) -> None:
        """Make room."""
        subprocess.run(["mount", "-o", f"remount,size={size}", self.path], check=True, timeout=10)
