"""Finding, loading, blocking and asking plugins. The only user of pluggy's manager."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import importlib_metadata
import pluggy

from batchwright.contracts import hookspecs
from batchwright.contracts.failure import Decision, Failure, Verdict
from batchwright.contracts.sink import AnySink
from batchwright.contracts.sizing import SizeLimits, SizingFeedback
from batchwright.errors import ConfigError, PluginError
from batchwright.kinds import BY_HOOK
from batchwright.model import ErrorRecoveryAction
from batchwright.plugins.catalog import Catalog, nearest
from batchwright.plugins.files import import_plugin, name_of
from batchwright.secrets import describe, secrets_in

GROUP = "batchwright"
"""The entry-point group, and the name of pluggy's project."""

DISABLE_VARIABLE = "BATCHWRIGHT_DISABLE_PLUGINS"
"""Environment variable: names of plugins that are not even imported, separated by commas."""

logger = logging.getLogger("batchwright")


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """A plugin, as ``batchwright plugins`` lists it.

    Attributes:
        name: The entry point's name, or that of the module or object.
        version: The distribution's version, empty where there is none.
        distribution: The distribution it came with, or where else it came from.
        offers: What it adds, such as ``sink postgres`` or ``classifier``.
        state: ok, blocked or broken.
        reason: Why it isn't ok, and what to do.
    """

    name: str
    version: str = ""
    distribution: str = ""
    offers: tuple[str, ...] = ()
    state: str = "ok"
    reason: str = ""


class PluginManager:
    """The plugins of one processor or command; there is no global one.

    Attributes:
        scans: How often entry points were looked up: once, or never.
    """

    def __init__(self) -> None:
        self.scans = 0
        self._pm = pluggy.PluginManager(GROUP)
        self._pm.add_hookspecs(hookspecs)
        self._infos: dict[str, PluginInfo] = {}
        self._catalog = Catalog()
        self._extra: list[object] = []
        self._warned: set[str] = set()
        self._secrets: tuple[str, ...] = ()

    @classmethod
    def load(
        cls, extra: Sequence[object] = (), disable: Iterable[str] = (), *, scan: bool = True
    ) -> PluginManager:
        """Load plugins: installed ones first, then `extra`, which are asked before them.

        An installed plugin that is broken is left out, with a warning; one of `extra` is an error.

        Args:
            extra: Plugin objects, paths of .py files, or names of modules.
            disable: Names of plugins, or of distributions, that are not even imported; those in the
                environment variable BATCHWRIGHT_DISABLE_PLUGINS are added.
            scan: Whether to look up entry points. Without them there are no built-ins either.

        Raises:
            PluginError: One of `extra` can't be loaded, or two plugins have the same name.
        """
        manager = cls()
        blocked = {_normal(name) for name in (*disable, *os.environ.get(DISABLE_VARIABLE, "").split(","))}
        if scan:
            manager._load_installed(blocked - {""})
        for plugin in extra:
            manager._load_extra(plugin)
        return manager

    # --- what there is ----------------------------------------------------------------------------

    def listing(self) -> list[PluginInfo]:
        """Return every plugin found: loaded, blocked or broken."""
        return list(self._infos.values())

    def offered(self, noun: str) -> dict[str, type[Any]]:
        """Return the classes of a kind by name, such as all reporters; see `batchwright.kinds`.

        Raises:
            PluginError: Two plugins offer the same name or scheme.
        """
        return self._catalog.offered(noun)

    def sinks(self) -> dict[str, type[AnySink]]:
        """Return the sinks by URL scheme; raises as `offered` does."""
        return self._catalog.sinks()

    def make_sink(self, url: str, sections: Mapping[str, Mapping[str, Any]] | None = None) -> AnySink:
        """Return the sink that the URL's scheme picks; it isn't open yet.

        Args:
            url: The target. Parameters of its query named like an option are options.
            sections: Options of the sinks, by the sink's name.

        Raises:
            ConfigError: The scheme is unknown, or an option is wrong.
        """
        self.hide(secrets_in(url))
        left_out = [info.name for info in self._infos.values() if info.state != "ok"]
        return self._catalog.make_sink(url, sections or {}, left_out)

    def make(self, noun: str, name: str, sections: Mapping[str, Mapping[str, Any]] | None = None) -> Any:
        """Return an instance of what is offered by this name, such as ``make("reporter", "logging")``.

        Args:
            noun: Which kind; not one that a URL picks, see `make_sink`.
            name: Its name.
            sections: Options of all of the kind, by name.

        Raises:
            ConfigError: There is none, or an option is wrong.
        """
        return self._catalog.make(noun, name, sections or {})

    def sources(self) -> tuple[str, ...]:
        """Return what another process has to load besides the installed plugins.

        Raises:
            ConfigError: A plugin was passed as an object, which other processes can't be sent.
        """
        for plugin in self._extra:
            if not isinstance(plugin, str | Path):
                raise ConfigError(
                    f"the plugin {name_of(plugin)!r} was passed as an object, which can't be sent to other "
                    f"processes; pass the name of its module, or run with the executor 'local'"
                )
        return tuple(_findable(plugin) for plugin in self._extra if isinstance(plugin, str | Path))

    def hide(self, secrets: Iterable[str]) -> None:
        """Mask these in what plugins say; passwords of targets that sinks are made for are masked anyway."""
        self._secrets = tuple(dict.fromkeys((*self._secrets, *secrets)))

    # --- asking -----------------------------------------------------------------------------------

    def classify(self, failure: Failure) -> Decision:
        """Ask the classifiers about a failure; a classifier that raises makes it FAIL."""
        for name, verdict in self.opinions(failure):
            if verdict is not None:
                return Decision(verdict, name)
        return Decision(Verdict(ErrorRecoveryAction.FAIL, "no classifier answered"), "engine")

    def opinions(self, failure: Failure) -> Iterator[tuple[str, Verdict | None]]:
        """Ask the classifiers one by one; yield each one's name and verdict, None for no opinion.

        The first verdict counts. Whoever goes on hears what the others would have said.
        """
        for name, implementation in self._implementations("classify_error"):
            try:
                answer = implementation(failure=failure)
                if isinstance(answer, ErrorRecoveryAction):
                    answer = Verdict(answer)
                if not isinstance(answer, Verdict | None):
                    raise TypeError(f"expected Verdict, ErrorRecoveryAction or None, got {answer!r}")
            except Exception as error:  # noqa: BLE001 - a plugin may raise anything
                reason = f"the classifier {name!r} raised {self._described(error)}"
                self._warn_once(f"classify {name}", f"{reason}; taken as FAIL")
                answer = Verdict(ErrorRecoveryAction.FAIL, reason)
            yield name, answer

    def batch_size(self, feedback: SizingFeedback, limits: SizeLimits) -> int:
        """Ask the sizers for the size of the next batch; the answer is clamped to 1 … `limits.rows`."""
        for name, implementation in self._implementations("batch_size"):
            try:
                answer = implementation(feedback=feedback, limits=limits)
                if answer is None:
                    continue
                if not isinstance(answer, int):
                    raise TypeError(f"expected int or None, got {answer!r}")
            except Exception as error:  # noqa: BLE001 - a plugin may raise anything
                reason = f"the sizer {name!r} raised {self._described(error)}"
                self._warn_once(f"size {name}", f"{reason}; the next one is asked")
                continue
            return max(1, min(answer, limits.rows))
        return limits.rows

    def _implementations(self, hook: str) -> list[tuple[str, Callable[..., Any]]]:
        """Return what pluggy would call, in its order, so that each answer has a name to it.

        Hook wrappers are refused at loading: an answer that passed through one could not be attributed.
        """
        found = getattr(self._pm.hook, hook).get_hookimpls()
        return [(i.plugin_name, _with_known_arguments(i.function, i.argnames)) for i in reversed(found)]

    def _described(self, error: Exception) -> str:
        return f"{type(error).__name__}: {describe(error, self._secrets)}"

    def _warn_once(self, key: str, message: str) -> None:
        if key not in self._warned:
            self._warned.add(key)
            logger.warning("%s", message)

    # --- loading ----------------------------------------------------------------------------------

    def _load_installed(self, blocked: set[str]) -> None:
        self.scans += 1
        points = {
            (point.name, point.value): point for point in importlib_metadata.entry_points(group=GROUP)
        }  # a distribution seen twice on the path is one plugin
        for point in sorted(points.values(), key=lambda point: (point.name, point.value)):
            distribution = point.dist.metadata["Name"] if point.dist else ""
            info = PluginInfo(point.name, point.dist.version if point.dist else "", distribution)
            if {_normal(point.name), _normal(distribution)} & blocked:
                self._infos[point.name] = replace(info, state="blocked", reason="disabled by the settings")
                continue
            if point.name in self._infos:
                self._catalog.clash(
                    f"two plugins are named {point.name!r}: one of {self._infos[point.name].distribution}, "
                    f"one of {distribution}; uninstall one, or disable one by its distribution's name"
                )
                continue
            try:
                self._register(point.load(), info)
            except Exception as error:  # noqa: BLE001 - importing a plugin may raise anything
                self._break(info, error)

    def _load_extra(self, plugin: object) -> None:
        source = f"{plugin}" if isinstance(plugin, str | Path) else "passed in"
        try:
            module = import_plugin(plugin) if isinstance(plugin, str | Path) else plugin
            if self._pm.is_registered(module):
                return  # installed, and named as well
            name = name_of(module)
            if name in self._infos:
                raise PluginError(f"a plugin named {name!r} is there already; give this one another name")
            self._register(module, PluginInfo(name, distribution=source))
            self._extra.append(plugin)
        except Exception as error:
            named = source if source != "passed in" else repr(plugin)
            raise PluginError(f"the plugin {named} can't be used: {_describe(error)}") from error

    def _register(self, plugin: object, info: PluginInfo) -> None:
        """Register with pluggy, then look closer than pluggy does; what fails leaves no trace."""
        self._pm.register(plugin, info.name)
        try:
            offers = self._inspect(plugin, info)
        except BaseException:
            self._pm.unregister(plugin)
            raise
        self._infos[info.name] = replace(info, offers=tuple(offers))

    def _inspect(self, plugin: object, info: PluginInfo) -> list[str]:
        _check_api(plugin)
        callers = self._pm.get_hookcallers(plugin) or []
        if not callers:
            raise PluginError("it implements no hook; mark its functions with @batchwright.hookimpl")
        known = [name for name in vars(hookspecs) if hasattr(getattr(hookspecs, name), f"{GROUP}_spec")]
        for caller in callers:
            if not caller.has_spec():
                raise PluginError(f"there is no hook {caller.name!r}{nearest(caller.name, known)}")
            mine = [i for i in caller.get_hookimpls() if i.plugin is plugin]
            if any(i.wrapper or i.hookwrapper for i in mine):
                raise PluginError(f"{caller.name}: hook wrappers are not supported")
        owner = f"{info.name} ({info.distribution})" if info.distribution else info.name
        offers = []
        for caller in sorted(callers, key=lambda caller: caller.name):
            kind = BY_HOOK[caller.name]
            if kind.section:
                [offer] = [i.function for i in caller.get_hookimpls() if i.plugin is plugin]
                offered: Any = offer()
                offers += self._catalog.add(kind, offered, owner)
            else:
                offers.append(kind.noun)
        return offers

    def _break(self, info: PluginInfo, error: Exception) -> None:
        reason = _describe(error)
        self._infos[info.name] = replace(info, state="broken", reason=reason)
        self._warn_once(
            f"broken {info.name}",
            f"the plugin {info.name!r} of {info.distribution or 'unknown origin'} is left out: {reason}",
        )


def _check_api(plugin: object) -> None:
    wanted = getattr(plugin, "BATCHWRIGHT_API", hookspecs.API_VERSION)
    if wanted not in hookspecs.SUPPORTED_APIS:
        newer = isinstance(wanted, int) and wanted > hookspecs.API_VERSION
        raise PluginError(
            f"it is written for plugin API {wanted}, and this batchwright has {hookspecs.API_VERSION}; "
            f"upgrade {'batchwright' if newer else 'the plugin'}"
        )


def _normal(name: str) -> str:
    return name.strip().lower().replace("_", "-").replace(".", "-")


def _findable(plugin: str | Path) -> str:
    """Return a path from the root, so that it means the same in another working directory."""
    return str(Path(plugin).absolute()) if str(plugin).endswith(".py") else str(plugin)


def _describe(error: Exception) -> str:
    text = " ".join(describe(error).split())
    return (text if isinstance(error, PluginError) else f"{type(error).__name__}: {text}")[:500]


def _with_known_arguments(function: Callable[..., Any], names: Sequence[str]) -> Callable[..., Any]:
    """Return `function` taking all arguments of the hook, handing on those that it wants."""

    def call(**arguments: Any) -> Any:
        return function(**{name: arguments[name] for name in names})

    return call
