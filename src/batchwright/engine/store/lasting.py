"""Whether a file will still be there when the next run asks for it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_MOUNTS = Path("/proc/self/mounts")
_IN_MEMORY = frozenset({"tmpfs", "ramfs"})
_OF_CONTAINERS = frozenset({"overlay", "overlayfs", "aufs", "fuse-overlayfs"})
_SIGNS_OF_CONTAINERS = ("/.dockerenv", "/run/.containerenv")
_TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm", "/run")  # noqa: S108 - nothing is written there


def passing(file: Path) -> str:
    """Return why a file won't last, or nothing where no reason is known.

    Args:
        file: The file, with its absolute path; it need not be there.
    """
    folder = file.parent.resolve()
    for temporary in {*_TEMPORARY, tempfile.gettempdir()}:
        if folder.is_relative_to(Path(temporary).resolve()):
            return f"{temporary} is emptied now and then"
    point, kind = mount_of(folder)
    if kind in _IN_MEMORY:
        return f"{point} is kept in memory, and empty after the next start"
    if point == "/" and (kind in _OF_CONTAINERS or any(map(os.path.exists, _SIGNS_OF_CONTAINERS))):
        return f"{folder} is inside the container, and goes with it"
    return ""


def unwritable(file: Path) -> str:
    """Return why a file can't be written or made, or nothing; makes nothing.

    Args:
        file: The file, with its absolute path.
    """
    if os.path.exists(file):  # noqa: PTH110 - pathlib raises where a folder may not be entered
        return "" if os.access(file, os.W_OK) else f"{file} can't be written to"
    folder = next(parent for parent in file.parents if os.path.exists(parent))  # noqa: PTH110
    if not folder.is_dir():
        return f"{folder} is a file"
    return "" if os.access(folder, os.W_OK | os.X_OK) else f"nothing can be made in {folder}"


def mount_of(folder: Path, mounts: Path = _MOUNTS) -> tuple[str, str]:
    """Return where the file system begins that a folder is in, and its kind; two empty texts if unknown.

    Args:
        folder: The folder, resolved.
        mounts: The table of what is mounted, as Linux has it.
    """
    try:
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return "", ""
    found = ("", "")
    for line in lines:
        _, point, kind, *_ = line.split(" ")
        point = point.encode("utf-8", "surrogateescape").decode("unicode_escape")  # a space is \040
        if len(point) >= len(found[0]) and folder.is_relative_to(point):  # the last one lies on top
            found = (point, kind)
    return found
