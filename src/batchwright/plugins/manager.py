"""Plugins, as the engine and the commands use them: loaded, listed, made and asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batchwright.contracts.failure import Decision, Failure, Verdict
from batchwright.contracts.faults import PluginFault
from batchwright.contracts.reader import AnyReader
from batchwright.contracts.reporter import AnyReporter
from batchwright.contracts.sink import AnySink
from batchwright.contracts.sizing import SizeLimits, SizingFeedback
from batchwright.contracts.source import AnySource
from batchwright.errors import ConfigError
from batchwright.plugins.asking import Asker
from batchwright.plugins.faults import FaultLog
from batchwright.plugins.foreign import Foreign, is_own
from batchwright.plugins.info import PluginInfo
from batchwright.plugins.loading import Loaded, Loader
from batchwright.plugins.preparing import Preparing, digest_of
from batchwright.plugins.trust import check_found
from batchwright.plugins.watch import LoadWatch
from batchwright.secrets import secrets_in

if TYPE_CHECKING:
    from batchwright.config import BatchConfig


class PluginManager:
    """The plugins of one processor or command; there is no global one.

    Whatever a plugin raises, and where it doesn't answer, the others go on; `faults` names it.
    """

    def __init__(self, loaded: Loaded, faults: FaultLog) -> None:
        self._loaded = loaded
        self._faults = faults
        self._asker = Asker(loaded, faults)

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
        found, faults = config.found_in("plugins"), FaultLog()
        given = plugins if found else (*config.plugins, *plugins)
        scheme = config.to.partition(":")[0].lower() if reading else ""
        with LoadWatch() as watch:
            loader = Loader(watch, faults, config.disable_plugins)
            if reading:
                loader.load_given(given)
            loader.load_installed(scheme)
            if found is not None and not loader.loaded.catalog.has_scheme(scheme):
                check_found(found, config.plugins)
                loader.load_given(config.plugins)
            if not reading:
                loader.load_given(given)
        return cls(loader.loaded, faults)

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
        faults = FaultLog()
        with LoadWatch() as watch:
            loader = Loader(watch, faults, disable)
            if scan:
                loader.load_installed()
            loader.load_given(extra)
        return cls(loader.loaded, faults)

    # --- what there is ----------------------------------------------------------------------------

    def listing(self) -> list[PluginInfo]:
        """Return every plugin found: loaded, blocked or broken."""
        return list(self._loaded.infos)

    def faults(self) -> tuple[PluginFault, ...]:
        """Return what went wrong in plugins so far: those left out, those that raised, those that hang."""
        return self._faults.all()

    def note_elsewhere(self, faults: Iterable[PluginFault]) -> None:
        """Add what went wrong in the plugins of another process, of the same run."""
        self._faults.extend(faults)

    def clashes(self) -> list[str]:
        """Return what is wrong with names and schemes that two plugins offer; neither has them."""
        return list(self._loaded.catalog.clashes())

    def offered(self, noun: str) -> dict[str, type[Any]]:
        """Return the classes of a kind by name, such as all reporters; see `batchwright.kinds`."""
        return self._loaded.catalog.offered(noun)

    def sinks(self) -> dict[str, type[AnySink]]:
        """Return the sinks by URL scheme."""
        return self._loaded.catalog.by_scheme("sink")

    def make_sink(self, url: str, sections: Mapping[str, Mapping[str, Any]] | None = None) -> AnySink:
        """Return the sink that the URL's scheme picks; it isn't open yet.

        Args:
            url: The target. Parameters of its query named like an option are options.
            sections: Options of the sinks, by the sink's name.

        Raises:
            ConfigError: The scheme is unknown, or an option is wrong.
            PluginError: Two plugins offer it, or making it raised what is no `Exception`.
        """
        sink: AnySink = self._by_scheme("sink", url, sections)
        return sink

    def make_source(
        self,
        url: str,
        sections: Mapping[str, Mapping[str, Any]] | None = None,
        said: Mapping[str, Any] | None = None,
    ) -> AnySource:
        """Return the source that the URL's scheme picks; nothing is read yet.

        Args:
            url: A URL. Parameters of its query named like an option are options.
            sections: Options of the sources, by the source's name.
            said: Settings that are options of some sources, too.

        Raises:
            ConfigError: The scheme is unknown, or an option is wrong.
            PluginError: Two plugins offer it, or making it raised what is no `Exception`.
        """
        source: AnySource = self._by_scheme("source", url, sections, said)
        return source

    def _by_scheme(
        self,
        noun: str,
        url: str,
        sections: Mapping[str, Mapping[str, Any]] | None,
        said: Mapping[str, Any] | None = None,
    ) -> Any:
        self.hide(secrets_in(url))
        left_out = [info.name for info in self._loaded.infos if info.state != "ok"]
        catalog, complete = self._loaded.catalog, self._loaded.complete
        return catalog.make_by_scheme(noun, url, sections or {}, left_out, complete=complete, said=said)

    def make(self, noun: str, name: str, sections: Mapping[str, Mapping[str, Any]] | None = None) -> Any:
        """Return an instance of what is offered by this name, such as ``make("reporter", "logging")``.

        Args:
            noun: Which kind; not one that a URL picks: see `make_sink`, `make_source`.
            name: Its name.
            sections: Options of all of the kind, by name.

        Raises:
            ConfigError: There is none, or an option is wrong.
        """
        return self._loaded.catalog.make(noun, name, sections or {})

    def make_readers(self, sections: Mapping[str, Mapping[str, Any]]) -> list[AnyReader]:
        """Return every reader that is offered, batchwright's own first.

        Args:
            sections: Options of the readers, by name.

        Raises:
            ConfigError: A section belongs to none, or an option is wrong.
            PluginError: Making one raised what is no `Exception`.
        """
        made = [reader for _, reader in self._loaded.catalog.make_all("reader", sections)]
        return sorted(made, key=lambda reader: not is_own(type(reader)))

    def preparers(self) -> list[Preparing]:
        """Return what changes documents before they are chunked, in the order in which it is asked."""
        versions = {info.name: info.version for info in self._loaded.infos}
        given = [Path(str(one)) for one in self._loaded.given if str(one).endswith(".py")]
        files = {path.stem: path for path in given}
        found = []
        for name, function in self._loaded.registry.implementations("prepare_document"):
            is_ours = name in self._loaded.own
            version = "" if is_ours else digest_of(files[name]) if name in files else versions.get(name, "")
            found.append(Preparing(name, version, function, is_own=is_ours))
        return found

    def make_reporters(self, config: BatchConfig) -> list[AnyReporter]:
        """Return the reporters that the settings name; one that raises while it is made is left out.

        Raises:
            ConfigError: There is none of a name, or an option is wrong.
        """
        made: list[AnyReporter] = []
        for name in config.reporters:
            cls, options = self._loaded.catalog.chosen("reporter", name, config.reporter)
            try:
                with Foreign(f"the reporter {name!r}"):
                    made.append(cls(options))
            except ConfigError:
                raise
            except Exception as error:  # noqa: BLE001 - a plugin may raise anything
                what = f"{self._faults.raised(error)} while it was made; it is left out"
                self._faults.add(name, "reporter", what)
        return made

    def extra(self) -> tuple[str, ...]:
        """Return what another process has to load besides the installed plugins.

        Raises:
            ConfigError: A plugin was passed as an object, which other processes can't be sent.
        """
        return self._loaded.extra()

    def hide(self, secrets: Iterable[str]) -> None:
        """Mask these in what plugins say; passwords of targets that sinks are made for are masked anyway."""
        self._faults.hide(secrets)

    def rest(self) -> None:
        """End the threads that ask plugins, but for those in a call; the next question starts another."""
        self._asker.rest()

    # --- asking -----------------------------------------------------------------------------------

    def classify(self, failure: Failure) -> Decision:
        """Ask the classifiers about a failure; one that raises, or does not answer, makes it FAIL."""
        return self._asker.classify(failure)

    def opinions(self, failure: Failure) -> Iterator[tuple[str, Verdict | None]]:
        """Ask the classifiers one by one; yield each one's name and verdict, None for no opinion.

        The first verdict counts. A caller that goes on gets what the others would have answered.
        """
        return self._asker.opinions(failure)

    def batch_size(self, feedback: SizingFeedback, limits: SizeLimits) -> int:
        """Ask the sizers for the size of the next batch; the answer is clamped to 1 … `limits.rows`."""
        return self._asker.batch_size(feedback, limits)
