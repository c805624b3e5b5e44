"""Load plugins: those that are installed, and those that are named or passed."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import field, replace
from pathlib import Path

from batchwright.errors import ConfigError, PluginError
from batchwright.home import from_home
from batchwright.interrupts import is_by_signal
from batchwright.plugins.catalog import Catalog
from batchwright.plugins.faults import FaultLog
from batchwright.plugins.files import import_plugin, name_of
from batchwright.plugins.foreign import said
from batchwright.plugins.info import PluginInfo
from batchwright.plugins.installed import Installed, find_installed
from batchwright.plugins.registry import Registry
from batchwright.plugins.watch import LoadWatch
from batchwright.values import dataclass

DISABLE_VARIABLE = "BATCHWRIGHT_DISABLE_PLUGINS"
"""Environment variable: names of plugins that are not imported, separated by commas."""

_OURS = "batchwright"
"""The distribution whose plugins are called without a thread between: they keep to the rules."""

_FIRST = "classifier"
"""The plugin of ours that every command needs."""


_HOOKS = ((sys, "excepthook"), (sys, "unraisablehook"), (threading, "excepthook"))
"""What Python calls for errors that nobody catches."""


@dataclass(slots=True)
class Loaded:
    """What has been loaded, and what was found besides.

    Attributes:
        registry: The plugins by hook.
        catalog: The classes that they offer.
        infos: Every plugin found: loaded, blocked or broken.
        given: Those that are not installed, as they were named or passed.
        own: Names of batchwright's own.
        complete: Whether no plugin was passed over as not needed.
    """

    registry: Registry = field(default_factory=Registry)
    catalog: Catalog = field(default_factory=Catalog)
    infos: list[PluginInfo] = field(default_factory=list)
    given: list[object] = field(default_factory=list)
    own: set[str] = field(default_factory=set)
    complete: bool = True

    def extra(self) -> tuple[str, ...]:
        """Return what another process has to load; see `PluginManager.extra`."""
        for plugin in self.given:
            if not isinstance(plugin, str | Path):
                raise ConfigError(
                    f"the plugin {name_of(plugin)!r} was passed as an object, which can't be sent to other "
                    f"processes; pass the name of its module, or run with the executor 'local'"
                )
        return tuple(_findable(plugin) for plugin in self.given if isinstance(plugin, str | Path))


class Loader:
    """Loads plugins, of which one that is installed and broken is left out.

    Args:
        watch: It watches, and has been entered.
        faults: Where it notes what is left out.
        disable: Names of plugins, or of distributions, that are not imported; those in the environment
            variable BATCHWRIGHT_DISABLE_PLUGINS are added.

    Attributes:
        loaded: What it has loaded so far.
    """

    def __init__(self, watch: LoadWatch, faults: FaultLog, disable: Iterable[str] = ()) -> None:
        self.loaded = Loaded()
        self._watch = watch
        self._faults = faults
        self._blocked = _blocked(disable)

    def load_installed(self, scheme: str = "") -> None:
        """Load what is installed; where a scheme is given, no more than it takes to have a sink for that."""
        found = find_installed()
        if scheme:
            found.sort(key=lambda plugin: _distance(plugin, scheme))
        free = [
            plugin
            for plugin in found
            if not {_normal(plugin.name), _normal(plugin.distribution)} & self._blocked
        ]
        for plugin in found:
            if scheme and self.loaded.catalog.has_scheme(scheme) and _distance(plugin, scheme):
                self.loaded.complete = False
                continue
            info = PluginInfo(plugin.name, plugin.version, plugin.distribution, reason=plugin.remark)
            if plugin not in free:
                self.loaded.infos.append(replace(info, state="blocked", reason="disabled by the settings"))
                continue
            namesakes = [other.distribution for other in free if other.name == plugin.name]
            try:
                if len(namesakes) > 1:
                    both = f"one of {namesakes[0]}, one of {namesakes[1]}"
                    advice = "uninstall one, or disable one by its distribution's name"
                    raise PluginError(f"two plugins are named {plugin.name!r}: {both}; {advice}")
                self._load_one(plugin, info)
            except BaseException as error:
                if is_by_signal(error):
                    raise
                self._break(info, error)
        self.loaded.infos.sort(key=lambda info: info.name)

    def _load_one(self, plugin: Installed, info: PluginInfo) -> None:
        if plugin.distribution == _OURS:
            self.loaded.own.add(plugin.name)
            self._register(plugin.load(), info)
            return
        with self._loading(plugin.name, f"set {DISABLE_VARIABLE}={plugin.name}"):
            module = plugin.load()
            if module not in self.loaded.registry:  # else it was named as well
                self._register(module, info)

    @contextmanager
    def _loading(self, name: str, advice: str) -> Iterator[None]:
        """Load a plugin within: watched, and in the working directory, which relative paths rely on.

        Without `sys.excepthook` and its like no thread can be started.
        """
        before = _working_directory()
        hooks = [(module, name, getattr(module, name)) for module, name in _HOOKS]
        try:
            with self._watch.loading(name, advice):
                yield
        finally:
            if before is not None and _working_directory() != before:
                os.chdir(before)
                self._faults.add(name, "plugin", "changed the working directory; it was changed back")
            for module, hook, function in hooks:
                if not callable(getattr(module, hook, None)):
                    setattr(module, hook, function)
                    self._faults.add(name, "plugin", f"took {module.__name__}.{hook} away; it was put back")

    def load_given(self, plugins: Iterable[object]) -> None:
        """Load plugins that are passed, or named by the path of a .py file or by a module.

        Raises:
            PluginError: One of them can't be used.
        """
        for plugin in plugins:
            self._load_given(plugin)

    def _load_given(self, plugin: object) -> None:
        if str(plugin).endswith(".py") and isinstance(plugin, str | Path):
            plugin = from_home(plugin)
        is_named = isinstance(plugin, str | Path)
        named = str(plugin) if is_named else name_of(plugin)
        try:
            with self._loading(named, "take it off --plugin, or off `plugins`"):
                module = import_plugin(plugin) if isinstance(plugin, str | Path) else plugin
                if module in self.loaded.registry:
                    return  # installed, and named as well
                name = name_of(module)
                if any(info.name == name for info in self.loaded.infos):
                    raise PluginError(f"a plugin named {name!r} is there already; give this one another name")
                self._register(module, PluginInfo(name, distribution=named if is_named else "passed in"))
            self.loaded.given.append(plugin)
        except BaseException as error:
            if is_by_signal(error):
                raise
            raise PluginError(f"the plugin {named} can't be used: {_described(error)}") from error

    def _register(self, plugin: object, info: PluginInfo) -> None:
        """Register a plugin and what it offers; what fails leaves no trace."""
        offers = self.loaded.registry.register(plugin, info.name)
        try:
            owner = f"{info.name} ({info.distribution})" if info.distribution else info.name
            lines = self.loaded.catalog.add(offers, owner)
        except BaseException:
            self.loaded.registry.remove(plugin)
            raise
        self.loaded.infos.append(replace(info, offers=tuple(lines)))

    def _break(self, info: PluginInfo, error: BaseException) -> None:
        reason = _described(error)
        self.loaded.infos.append(replace(info, state="broken", reason=reason))
        origin = info.distribution or "unknown origin"
        self._faults.add(info.name, "plugin", f"of {origin} is left out: {reason}")


def _working_directory() -> Path | None:
    try:
        return Path.cwd()
    except OSError:  # it was removed
        return None


def _blocked(disable: Iterable[str]) -> set[str]:
    names = (*disable, *os.environ.get(DISABLE_VARIABLE, "").split(","))
    return {_normal(name) for name in names} - {""}


def _distance(plugin: Installed, scheme: str) -> int:
    """Return how unlikely it is that a command that only reads needs a plugin; 0: it does in any case."""
    if plugin.distribution == _OURS:
        return 0 if plugin.name == _FIRST else 1 if plugin.name[:4] == scheme[:4] else 4
    return 2 if plugin.name[:4] == scheme[:4] else 3


def _normal(name: str) -> str:
    return name.strip().lower().replace("_", "-").replace(".", "-")


def _findable(plugin: str | Path) -> str:
    """Return a path from the root, so that it means the same in another working directory."""
    return str(Path(plugin).absolute()) if str(plugin).endswith(".py") else str(plugin)


def _described(error: BaseException) -> str:
    text = said(error)
    return text.removeprefix("PluginError: ") if isinstance(error, PluginError) else text
