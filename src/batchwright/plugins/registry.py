"""Registering plugins with pluggy, and a closer look at each than pluggy takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice
from typing import Any

import pluggy

from batchwright.contracts import hookspecs
from batchwright.errors import PluginError
from batchwright.kinds import BY_HOOK, Kind
from batchwright.plugins.catalog import nearest
from batchwright.plugins.foreign import answered, is_async

_MOST_OFFERED = 1_000
"""Classes that a hook returns, at most: an iterable without an end is not read to it."""


class Registry:
    """The plugins that pluggy knows. The only user of pluggy's manager."""

    def __init__(self) -> None:
        self._pm = pluggy.PluginManager("batchwright")
        self._pm.add_hookspecs(hookspecs)

    def __contains__(self, plugin: object) -> bool:
        return self._pm.is_registered(plugin)

    def register(self, plugin: object, name: str) -> list[tuple[Kind, list[Any]]]:
        """Register a plugin; return the kinds of what it adds, with the classes that it offers of each.

        Raises:
            BaseException: It can't be used, and is not registered.
        """
        self._pm.register(plugin, name)
        try:
            return self._inspect(plugin)
        except BaseException:
            self.remove(plugin)
            raise

    def remove(self, plugin: object) -> None:
        """Forget a plugin."""
        self._pm.unregister(plugin)

    def implementations(self, hook: str) -> list[tuple[str, Callable[..., Any]]]:
        """Return what pluggy would call, in its order, with the name of each one's plugin.

        Hook wrappers are refused at loading: an answer that passed through one could not be attributed.
        """
        found = getattr(self._pm.hook, hook).get_hookimpls()
        return [(i.plugin_name, partial(_call, i.function, i.argnames)) for i in reversed(found)]

    def _inspect(self, plugin: object) -> list[tuple[Kind, list[Any]]]:
        _check_api(plugin)
        callers = self._pm.get_hookcallers(plugin) or []
        if not callers:
            raise PluginError("it implements no hook; mark its functions with @batchwright.hookimpl")
        known = [name for name in vars(hookspecs) if hasattr(getattr(hookspecs, name), "batchwright_spec")]
        mine: dict[str, Callable[..., Any]] = {}
        for caller in sorted(callers, key=lambda caller: caller.name):
            if not caller.has_spec():
                raise PluginError(f"there is no hook {caller.name!r}{nearest(caller.name, known)}")
            [found] = [i for i in caller.get_hookimpls() if i.plugin is plugin]
            if found.wrapper or found.hookwrapper:
                raise PluginError(f"{caller.name}: hook wrappers are not supported")
            if is_async(found.function):
                raise PluginError(
                    f"{caller.name} is async, and hooks are called, not awaited; make it a plain function"
                )
            mine[caller.name] = found.function
        return [(BY_HOOK[name], _offered(name, hook)) for name, hook in mine.items()]


def _offered(name: str, hook: Callable[[], Iterable[Any]]) -> list[Any]:
    """Return the classes that a hook offers, all of them: it may raise after the first."""
    if not BY_HOOK[name].section:
        return []
    offered = answered(hook())
    if isinstance(offered, str | type) or not isinstance(offered, Iterable):
        raise PluginError(f"{name} returned {_short(offered)}; return a list of classes")
    classes = list(islice(offered, _MOST_OFFERED + 1))
    if len(classes) > _MOST_OFFERED:
        raise PluginError(f"{name} offers more than {_MOST_OFFERED:,} classes")
    return classes


def _check_api(plugin: object) -> None:
    wanted = getattr(plugin, "BATCHWRIGHT_API", hookspecs.API_VERSION)
    if wanted not in hookspecs.SUPPORTED_APIS:
        newer = isinstance(wanted, int) and wanted > hookspecs.API_VERSION
        raise PluginError(
            f"it is written for plugin API {wanted}, and this batchwright has {hookspecs.API_VERSION}; "
            f"upgrade {'batchwright' if newer else 'the plugin'}"
        )


def _call(function: Callable[..., Any], names: tuple[str, ...], **arguments: Any) -> Any:
    """Call `function` with those of the hook's arguments that it wants."""
    return function(**{name: arguments[name] for name in names})


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:100]}…"
