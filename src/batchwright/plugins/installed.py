"""The plugins that are installed: entry points of distributions, those with broken metadata included.

`importlib.metadata.entry_points` is not used. One distribution without a name makes it raise, for all.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import Distribution, EntryPoint, distributions
from pathlib import PurePath

from batchwright.errors import PluginError
from batchwright.interrupts import is_by_signal
from batchwright.plugins.foreign import said
from batchwright.values import dataclass

GROUP = "batchwright"
"""The entry-point group."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A plugin that is installed.

    Attributes:
        name: The entry point's name; the distribution's, where its entry points can't be read.
        point: The entry point; None where it can't be read.
        distribution: The distribution's name, or that of its folder.
        version: Its version, empty where it has none.
        remark: What is wrong with the distribution, else empty.
    """

    name: str
    point: EntryPoint | None
    distribution: str
    version: str = ""
    remark: str = ""

    def load(self) -> object:
        """Import the plugin.

        Raises:
            PluginError: Its entry points can't be read.
            BaseException: What importing it raises.
        """
        if self.point is None:
            raise PluginError(self.remark)
        return self.point.load()


def find_installed() -> list[Installed]:
    """Return what is installed, sorted by name; the same entry point twice on the path is one plugin."""
    found: dict[tuple[str, str], Installed] = {}
    for distribution in _distributions():
        for plugin in _plugins_of(distribution):
            found.setdefault((plugin.name, plugin.point.value if plugin.point else ""), plugin)
    return [found[key] for key in sorted(found)]


def _distributions() -> Iterator[Distribution]:
    try:
        yield from distributions()
    except Exception:  # noqa: BLE001 - a finder of somebody's raised; what was found before counts
        return


def _plugins_of(distribution: Distribution) -> list[Installed]:
    name = ""
    try:
        text = distribution.read_text("entry_points.txt")
        if not text or f"[{GROUP}]" not in text:  # parsing all of them would take most of the time
            return []
        name, version, remark = _described(distribution)
        points = distribution.entry_points.select(group=GROUP)
        return [Installed(point.name, point, name, version, remark) for point in points]
    except BaseException as error:
        if is_by_signal(error):
            raise
        if not name and not _mentions_us(distribution):
            return []
        name = name or _folder_name(distribution)
        return [Installed(name, None, name, "", f"its entry points can't be read: {said(error)}")]


def _described(distribution: Distribution) -> tuple[str, str, str]:
    """Return a distribution's name, version, and what is wrong with its metadata."""
    try:
        headers = _headers(distribution)
    except Exception:  # noqa: BLE001 - there is no such file, or it is none
        headers = {}
    name, version = headers.get("name", ""), headers.get("version", "")
    if name and version:
        return name, version, ""
    return name or _folder_name(distribution), version, "its distribution has no metadata; reinstall it"


def _headers(distribution: Distribution) -> dict[str, str]:
    """Return the headers of a distribution's metadata; parsing it as a message imports `email`."""
    texts = (distribution.read_text(name) for name in ("METADATA", "PKG-INFO", ""))
    text = next(filter(None, texts), "").replace("\r\n", "\n")
    pairs = (line.partition(":") for line in text.partition("\n\n")[0].split("\n"))
    return {name.lower(): value.strip() for name, _, value in pairs}


def _mentions_us(distribution: Distribution) -> bool:
    """Tell whether entry points that are no text may be for us, as far as can be seen."""
    try:
        raw: bytes = distribution._path.joinpath("entry_points.txt").read_bytes()  # type: ignore[attr-defined]
    except Exception:  # noqa: BLE001 - not on disk, or not to be read
        return False
    return f"[{GROUP}]".encode() in raw


def _folder_name(distribution: Distribution) -> str:
    """Return the name in the folder of the metadata: there is no other way to it where those are broken."""
    stem = PurePath(str(getattr(distribution, "_path", "unknown"))).name
    return stem.partition("-")[0].removesuffix(".dist").removesuffix(".egg") or "unknown"
