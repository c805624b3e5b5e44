"""A folder of wheels, put together from what is installed here: pip can fill a fresh environment from it.

So the commands of the documentation (`pip install`, `python -m build`) run as they stand, and connect to
nowhere.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]

TOOLS = ("batchwright", "build", "editables", "hatchling", "mypy", "pytest", "ruff", "twine")
"""What the documentation installs; what these require comes with them."""

_LEFT_OUT = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}


def missing(names: Iterable[str] = TOOLS) -> list[str]:
    """Return which of these are not installed here."""
    return [name for name in names if not _installed(name)]


def fill(folder: Path) -> Path:
    """Write a wheel of each tool, of all that they require, and of batchwright as it is in this clone."""
    folder.mkdir()
    for dist in _closure(TOOLS):
        if canonicalize_name(dist.metadata["Name"]) != "batchwright":
            _repack(dist, folder)
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    return folder


def settings(folder: Path) -> dict[str, str]:
    """Return the variables that make pip look there and nowhere else."""
    return {
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_FIND_LINKS": str(folder),
        "PIP_NO_INDEX": "1",
    }


def _installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def _closure(names: Iterable[str]) -> list[Distribution]:
    waiting = [Requirement(name) for name in names]
    seen: set[tuple[str, str]] = set()
    found: dict[str, Distribution] = {}
    while waiting:
        wanted = waiting.pop()
        for extra in ("", *wanted.extras):
            key = (canonicalize_name(wanted.name), extra)
            if key in seen or not _installed(wanted.name):  # what only other platforms need is not
                continue
            seen.add(key)
            found[key[0]] = distribution(wanted.name)
            requirements = [Requirement(text) for text in found[key[0]].requires or []]
            waiting += [r for r in requirements if r.marker is None or r.marker.evaluate({"extra": extra})]
    return list(found.values())


def _repack(dist: Distribution, folder: Path) -> None:
    name = canonicalize_name(dist.metadata["Name"]).replace("-", "_")
    tags = [
        line[5:].split("-") for line in (dist.read_text("WHEEL") or "").splitlines() if line[:5] == "Tag: "
    ]
    tag = "-".join(".".join(dict.fromkeys(parts)) for parts in zip(*tags, strict=True))
    commands = {point.name for point in dist.entry_points if point.group == "console_scripts"}
    info = f"{name}-{dist.version}.dist-info"
    record = []
    with zipfile.ZipFile(folder / f"{name}-{dist.version}-{tag}.whl", "w") as archive:
        for path in dist.files or []:
            if "__pycache__" in path.parts or (
                path.parent.name.endswith(".dist-info") and path.name in _LEFT_OUT
            ):
                continue
            place = str(path)
            if path.parts[0] == "..":
                kept = [part for part in path.parts if part != ".."]
                if kept[0] == "bin" and kept[-1] in commands:
                    continue  # pip makes it anew
                kind = "scripts" if kept[0] == "bin" else f"data/{'/'.join(kept[:-1])}"
                place = f"{name}-{dist.version}.data/{kind}/{kept[-1]}"
            elif path.parts[0].endswith(".dist-info"):
                place = "/".join((info, *path.parts[1:]))
            archive.write(str(path.locate()), place)
            record.append(f"{place},,\n")
        archive.writestr(f"{info}/RECORD", "".join([*record, f"{info}/RECORD,,\n"]))
