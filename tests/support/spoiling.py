"""Damage to files, as a disk that fails does it."""

from __future__ import annotations

from pathlib import Path


def spoil(path: Path, page: int) -> None:
    """Overwrite the beginning of every page of a file but the first ones, which say what the file is."""
    content = bytearray(path.read_bytes())
    for place in range(4 * page, len(content) - 16, page):
        content[place : place + 16] = b"\xaa" * 16
    path.write_bytes(content)
