"""The file of a report: where it is, whether it can be written, and writing it in one step."""

from __future__ import annotations

import errno
import os
import re
import secrets
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

COLLECTION = "{collection}"
RUN = "{run}"
GENERATOR = '<meta name="generator" content="batchwright-report">'
"""What tells a page from a file of somebody else's."""

_LONGEST = 80
_BEGINNING = 400
"""Bytes of a page in which that stands."""


def check(path: Path) -> None:
    """Check that a file can be made, or replaced, at a path.

    Raises:
        ValueError: It can't, and why.
    """
    try:
        _check(path)
    except OSError as error:  # such as a name that is too long
        raise ValueError(f"the report can't be written to {path}: {error.strerror}") from error


def _check(path: Path) -> None:
    folder = path.expanduser().absolute().parent
    if path.name == "-":
        raise ValueError("a report is written to a file, not to stdout; name it, as in run.html")
    if not path.name:
        raise ValueError(f"{path} is a folder; name the file, as in run.html")
    if COLLECTION in str(folder) or RUN in str(folder):
        raise ValueError(f"only the file's name may hold {COLLECTION} and {RUN}, no folder's")
    if not folder.is_dir():
        wrong = "is no folder" if folder.exists() else "is not there"
        raise ValueError(f"the report can't be written to {path}: the folder {folder} {wrong}; make it first")
    if path.is_dir():
        raise ValueError(f"{path} is a folder; name the file, as in {path / 'run.html'}")
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} is no regular file, and could not be replaced in one step")
    check_old(path)
    folder = Path(os.path.realpath(path.expanduser())).parent  # where a link leads
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ValueError(f"the report can't be written to {path}: the folder {folder} is not writable")


def check_old(path: Path) -> None:
    """Check that no other file than a report would be replaced.

    Raises:
        OSError: It is another file, or can't be read.
    """
    try:
        with path.open("rb") as file:
            beginning = file.read(_BEGINNING)
    except FileNotFoundError:
        return
    if beginning and GENERATOR.encode() not in beginning:
        said = "another file is there, which is no report; choose another name, or remove it first"
        raise FileExistsError(errno.EEXIST, said)


def file_of(path: Path, collection: str, run_id: str) -> Path:
    """Return the path with the placeholders in its name filled in."""
    name = path.name.replace(COLLECTION, _plain(collection)).replace(RUN, _plain(run_id))
    return path.with_name(name)


def write(path: Path, text: str) -> None:
    """Write a file so that readers find either the old one or the new one, whole.

    Raises:
        OSError: It can't be written; an older one stays.
    """
    path = Path(os.path.realpath(path))
    temporary = path.with_name(f".batchwright-{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
        with suppress(OSError):  # of a file that is there, its permissions stay
            temporary.chmod(path.stat().st_mode & 0o777)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _plain(name: str) -> str:
    """Return a name that any file system takes; one that had to be changed ends in its hash."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", name)[:_LONGEST].lstrip(".")
    if plain == name:
        return name or "none"
    return f"{plain}-{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
