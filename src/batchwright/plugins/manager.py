"""Find, load, block and ask plugins."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from batchwright.contracts.failure import Decision, Failure, Verdict
from batchwright.contracts.faults import PluginFault
from batchwright.contracts.reporter import AnyReporter
from batchwright.contracts.sink import AnySink
from batchwright.contracts.sizing import SizeLimits, SizingFeedback
from batchwright.errors import ConfigError, DeadlineExceeded, PluginError
from batchwright.interrupts import is_by_signal
from batchwright.model import ErrorRecoveryAction
from batchwright.plugins.catalog import Catalog
from batchwright.plugins.files import import_plugin, name_of
from batchwright.plugins.foreign import PATIENCE, Foreign, Helpers, answered, raised, said
from batchwright.plugins.info import PluginInfo
from batchwright.plugins.installed import Installed, find_installed
from batchwright.plugins.registry import Registry
from batchwright.plugins.trust import check_found
from batchwright.plugins.watch import LoadWatch
from batchwright.secrets import secrets_in

if TYPE_CHECKING:
    from batchwright.config import BatchConfig

DISABLE_VARIABLE = "BATCHWRIGHT_DISABLE_PLUGINS"
"""Environment variable: names of plugins that are not imported, separated by commas."""

_OURS = "batchwright"
"""The distribution whose plugins are called without a thread between: they keep to the rules."""

_FIRST = "classifier"
"""The plugin of ours that every command needs."""

Answer = TypeVar("Answer")

logger = logging.getLogger("batchwright")


class PluginManager:
    """The plugins of one processor or command; there is no global one.

    Whatever a plugin raises, and where it doesn't answer, the others go on; `faults` names it.

    Attributes:
        patience: Seconds that a plugin may take to answer.
        scans: How often entry points were looked up: once, or never.
    """

    patience = PATIENCE

    def __init__(self) -> None:
        self.scans = 0
        self._registry = Registry()
        self._infos: list[PluginInfo] = []
        self._catalog = Catalog()
        self._complete = True
        self._extra: list[object] = []
        self._ours: set[str] = set()
        self._faults: dict[tuple[str, str], PluginFault] = {}
        self._silent: set[str] = set()
        self._helpers = Helpers()
        self._secrets: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, config: BatchConfig, plugins: Sequence[object] = (), *, reading: bool = False
    ) -> PluginManager:
        """Load the plugins that settings name, `plugins`, and those that are installed.

        Args:
            config: The settings.
            plugins: More, as `load` takes them.
            reading: Whether the target is only read: then no more are loaded than its sink takes.

        Raises:
            ConfigError: The settings that name plugins were found, not given, and are not the user's own.
            PluginError: As `load`.
        """
        manager, found = cls(), config.plugins_found_in
        blocked = _blocked(config.disable_plugins)
        given = plugins if found else (*config.plugins, *plugins)
        scheme = config.to.partition(":")[0].lower() if reading else ""
        with LoadWatch() as watch:
            if not reading:
                manager._load_installed(blocked, watch)
            else:
                manager._load_extras(given, watch)
                manager._load_installed(blocked, watch, scheme)
            if found is not None and not manager._catalog.has_scheme(scheme):
                check_found(found, config.plugins)
                manager._load_extras(config.plugins, watch)
            if not reading:
                manager._load_extras(given, watch)
        return manager

    @classmethod
    def load(
        cls, extra: Sequence[object] = (), disable: Iterable[str] = (), *, scan: bool = True
    ) -> PluginManager:
        """Load plugins: installed ones first, then `extra`, which are asked before them.

        An installed plugin that is broken is left out, with a warning; one of `extra` is an error.

        Args:
            extra: Plugin objects, paths of .py files, or names of modules.
            disable: Names of plugins, or of distributions, that are not imported; those in the
                environment variable BATCHWRIGHT_DISABLE_PLUGINS are added.
            scan: Whether to look up entry points. Without them there are no built-ins either.

        Raises:
            PluginError: One of `extra` can't be loaded.
        """
        manager = cls()
        with LoadWatch() as watch:
            if scan:
                manager._load_installed(_blocked(disable), watch)
            manager._load_extras(extra, watch)
        return manager

    # --- what there is ----------------------------------------------------------------------------

    def listing(self) -> list[PluginInfo]:
        """Return every plugin found: loaded, blocked or broken."""
        return list(self._infos)

    def faults(self) -> tuple[PluginFault, ...]:
        """Return what went wrong in plugins so far: those left out, those that raised, those that hang."""
        return tuple(self._faults.values())

    def note_elsewhere(self, faults: Iterable[PluginFault]) -> None:
        """Add what went wrong in the plugins of another process, of the same run."""
        for fault in faults:
            self._fault(fault)

    def clashes(self) -> list[str]:
        """Return what is wrong with names and schemes that two plugins offer; neither has them."""
        return list(self._catalog.clashes())

    def offered(self, noun: str) -> dict[str, type[Any]]:
        """Return the classes of a kind by name, such as all reporters; see `batchwright.kinds`."""
        return self._catalog.offered(noun)

    def sinks(self) -> dict[str, type[AnySink]]:
        """Return the sinks by URL scheme."""
        return self._catalog.sinks()

    def make_sink(self, url: str, sections: Mapping[str, Mapping[str, Any]] | None = None) -> AnySink:
        """Return the sink that the URL's scheme picks; it isn't open yet.

        Args:
            url: The target. Parameters of its query named like an option are options.
            sections: Options of the sinks, by the sink's name.

        Raises:
            ConfigError: The scheme is unknown, or an option is wrong.
            PluginError: Two plugins offer it, or making it raised what is no `Exception`.
        """
        self.hide(secrets_in(url))
        left_out = [info.name for info in self._infos if info.state != "ok"]
        return self._catalog.make_sink(url, sections or {}, left_out, complete=self._complete)

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

    def make_reporters(self, config: BatchConfig) -> list[AnyReporter]:
        """Return the reporters that the settings name; one that raises while it is made is left out.

        Raises:
            ConfigError: There is none of a name, or an option is wrong.
        """
        made: list[AnyReporter] = []
        for name in config.reporters:
            cls, options = self._catalog.chosen("reporter", name, config.reporter)
            try:
                with Foreign(f"the reporter {name!r}"):
                    made.append(cls(options))
            except ConfigError:
                raise
            except Exception as error:  # noqa: BLE001 - a plugin may raise anything
                what = f"{raised(error, self._secrets)} while it was made; it is left out"
                self._fault(PluginFault(name, "reporter", what))
        return made

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

    def rest(self) -> None:
        """End the threads that ask plugins, but for those in a call; the next question starts another."""
        self._helpers.rest()

    # --- asking -----------------------------------------------------------------------------------

    def classify(self, failure: Failure) -> Decision:
        """Ask the classifiers about a failure; one that raises, or does not answer, makes it FAIL."""
        for name, verdict in self.opinions(failure):
            if verdict is not None:
                return Decision(verdict, name)
        return Decision(Verdict(ErrorRecoveryAction.FAIL, "no classifier answered"), "engine")

    def opinions(self, failure: Failure) -> Iterator[tuple[str, Verdict | None]]:
        """Ask the classifiers one by one; yield each one's name and verdict, None for no opinion.

        The first verdict counts. A caller that goes on gets what the others would have answered.
        """
        for name, implementation in self._registry.implementations("classify_error"):
            if name in self._silent:
                continue
            try:
                answer = self._ask("classifier", name, partial(implementation, failure=failure), _verdict)
            except Exception as error:  # noqa: BLE001 - a plugin may raise anything
                what = self._note("classifier", name, error, "taken as FAIL")
                answer = Verdict(ErrorRecoveryAction.FAIL, f"the classifier {name!r} {what}")
            yield name, answer

    def batch_size(self, feedback: SizingFeedback, limits: SizeLimits) -> int:
        """Ask the sizers for the size of the next batch; the answer is clamped to 1 … `limits.rows`."""
        for name, implementation in self._registry.implementations("batch_size"):
            if name in self._silent:
                continue
            question = partial(implementation, feedback=feedback, limits=limits)
            try:
                size = self._ask("sizer", name, question, _size)
            except Exception as error:  # noqa: BLE001 - a plugin may raise anything
                self._note("sizer", name, error, "the next one is asked")
                continue
            if size is not None:
                return max(1, min(size, limits.rows))
        return limits.rows

    def _ask(
        self, noun: str, name: str, question: Callable[[], Any], checked: Callable[[Any], Answer]
    ) -> Answer:
        """Return a plugin's answer, checked.

        Raises:
            DeadlineExceeded: There is none; the plugin is not asked again.
            Exception: What it raised, or is wrong with the answer.
        """
        who = f"the {noun} {name!r}"
        if name in self._ours:
            with Foreign(who):
                return checked(question())
        return self._helpers.bounded(who, lambda: checked(answered(question())), self.patience)

    def _note(self, noun: str, name: str, error: Exception, outcome: str) -> str:
        """Note what a plugin did, with one warning; return it."""
        what = raised(error, self._secrets)
        if isinstance(error, DeadlineExceeded) and name not in self._ours:
            self._silent.add(name)
            what, outcome = str(error).partition(f"{name!r} ")[2], f"{outcome}, and it is not asked again"
        self._fault(PluginFault(name, noun, f"{what}; {outcome}"))
        return what

    def _fault(self, fault: PluginFault) -> None:
        """Note a fault, the first of a plugin, with a warning."""
        if (fault.kind, fault.name) not in self._faults:
            self._faults[fault.kind, fault.name] = fault
            logger.warning("%s", fault)

    # --- loading ----------------------------------------------------------------------------------

    def _load_installed(self, blocked: set[str], watch: LoadWatch, scheme: str = "") -> None:
        """Load what is installed; where a scheme is given, no more than it takes to have a sink for that."""
        self.scans += 1
        found = find_installed()
        if scheme:
            found.sort(key=lambda plugin: _distance(plugin, scheme))
        free = [
            plugin for plugin in found if not {_normal(plugin.name), _normal(plugin.distribution)} & blocked
        ]
        for plugin in found:
            if scheme and self._catalog.has_scheme(scheme) and _distance(plugin, scheme):
                self._complete = False
                continue
            info = PluginInfo(plugin.name, plugin.version, plugin.distribution, reason=plugin.remark)
            if plugin not in free:
                self._infos.append(replace(info, state="blocked", reason="disabled by the settings"))
                continue
            namesakes = [other.distribution for other in free if other.name == plugin.name]
            try:
                if len(namesakes) > 1:
                    both = f"one of {namesakes[0]}, one of {namesakes[1]}"
                    advice = "uninstall one, or disable one by its distribution's name"
                    raise PluginError(f"two plugins are named {plugin.name!r}: {both}; {advice}")
                self._load_one(plugin, info, watch)
            except BaseException as error:
                if is_by_signal(error):
                    raise
                self._break(info, error)
        self._infos.sort(key=lambda info: info.name)

    def _load_one(self, plugin: Installed, info: PluginInfo, watch: LoadWatch) -> None:
        if plugin.distribution == _OURS:
            self._ours.add(plugin.name)
            self._register(plugin.load(), info)
            return
        with self._loading(plugin.name, f"set {DISABLE_VARIABLE}={plugin.name}", watch):
            module = plugin.load()
            if module not in self._registry:  # else it was named as well
                self._register(module, info)

    @contextmanager
    def _loading(self, name: str, advice: str, watch: LoadWatch) -> Iterator[None]:
        """Load a plugin within: watched, and in the working directory, which relative paths rely on."""
        before = _working_directory()
        try:
            with watch.loading(name, advice):
                yield
        finally:
            if before is not None and _working_directory() != before:
                os.chdir(before)
                self._fault(PluginFault(name, "plugin", "changed the working directory; it was changed back"))

    def _load_extras(self, plugins: Iterable[object], watch: LoadWatch) -> None:
        for plugin in plugins:
            self._load_extra(plugin, watch)

    def _load_extra(self, plugin: object, watch: LoadWatch) -> None:
        is_named = isinstance(plugin, str | Path)
        named = str(plugin) if is_named else name_of(plugin)
        try:
            with self._loading(named, "take it off --plugin, or off `plugins`", watch):
                module = import_plugin(plugin) if isinstance(plugin, str | Path) else plugin
                if module in self._registry:
                    return  # installed, and named as well
                name = name_of(module)
                if any(info.name == name for info in self._infos):
                    raise PluginError(f"a plugin named {name!r} is there already; give this one another name")
                self._register(module, PluginInfo(name, distribution=named if is_named else "passed in"))
            self._extra.append(plugin)
        except BaseException as error:
            if is_by_signal(error):
                raise
            raise PluginError(f"the plugin {named} can't be used: {_described(error)}") from error

    def _register(self, plugin: object, info: PluginInfo) -> None:
        """Register a plugin and what it offers; what fails leaves no trace."""
        offers = self._registry.register(plugin, info.name)
        try:
            owner = f"{info.name} ({info.distribution})" if info.distribution else info.name
            lines = self._catalog.add(offers, owner)
        except BaseException:
            self._registry.remove(plugin)
            raise
        self._infos.append(replace(info, offers=tuple(lines)))

    def _break(self, info: PluginInfo, error: BaseException) -> None:
        reason = _described(error)
        self._infos.append(replace(info, state="broken", reason=reason))
        origin = info.distribution or "unknown origin"
        self._fault(PluginFault(info.name, "plugin", f"of {origin} is left out: {reason}"))


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


def _verdict(answer: Any) -> Verdict | None:
    """Return a classifier's answer as a verdict.

    Raises:
        TypeError, ValueError: It is none.
    """
    if isinstance(answer, ErrorRecoveryAction):
        return Verdict(answer)
    if answer is None:
        return None
    if not isinstance(answer, Verdict) or not isinstance(answer.action, ErrorRecoveryAction):
        raise TypeError(f"expected Verdict, ErrorRecoveryAction or None, got {answer!r}")
    if answer.wait is not None and not math.isfinite(answer.wait):
        raise ValueError(f"expected a finite wait, got {answer!r}")
    return answer


def _size(answer: Any) -> int | None:
    """Return a sizer's answer.

    Raises:
        TypeError: It is no size.
    """
    if not isinstance(answer, int | None):
        raise TypeError(f"expected int or None, got {answer!r}")
    return None if answer is None else int(answer)


def _normal(name: str) -> str:
    return name.strip().lower().replace("_", "-").replace(".", "-")


def _findable(plugin: str | Path) -> str:
    """Return a path from the root, so that it means the same in another working directory."""
    return str(Path(plugin).absolute()) if str(plugin).endswith(".py") else str(plugin)


def _described(error: BaseException) -> str:
    text = said(error)
    return text.removeprefix("PluginError: ") if isinstance(error, PluginError) else text
