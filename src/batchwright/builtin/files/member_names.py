"""The names in a zip archive: whatever the program wrote that made it, as keys."""

from __future__ import annotations

from zipfile import ZipInfo

_IS_UTF8 = 0x800
_MS_DOS = 0


def key_of(member: ZipInfo) -> str:
    """Return the key of a member: its path, with ``/`` between folders, and nothing between two of them.

    A name that leads out of the archive stays recognisable, with a leading ``/`` or its ``..``.
    """
    name = _decoded(member)
    if member.create_system == _MS_DOS:
        name = name.replace("\\", "/")  # can't be in a name there
    kept = "/".join(part for part in name.split("/") if part not in ("", "."))
    return f"/{kept}" if name.startswith("/") else kept


def inside_of(key: str) -> str:
    """Return a key without what leads out of the archive."""
    return "/".join(part for part in key.split("/") if part not in ("", ".."))


def _decoded(member: ZipInfo) -> str:
    # Many programs write UTF-8 and don't say so; then `zipfile` takes it for code page 437.
    name = member.orig_filename.replace("\0", "\\x00")
    if member.flag_bits & _IS_UTF8 or name.isascii():
        return name
    try:
        return name.encode("cp437").decode("utf-8")
    except UnicodeError:
        return name
