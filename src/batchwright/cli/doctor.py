"""``batchwright plugins doctor``: what is wrong with each plugin, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from batchwright.cli import exits
from batchwright.cli.options import AsJson, ConfigFile, ExtraPlugins, Verbose
from batchwright.cli.terminal import Style, Terminal
from batchwright.errors import BatchwrightError, ConfigError, PluginError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from batchwright.config import BatchConfig
    from batchwright.contracts.sink import AnySink
    from batchwright.plugins.manager import PluginInfo, PluginManager

_STYLES: dict[str, Style] = {"ok": "green", "off": "yellow", "ill": "red"}

Probed = Annotated[
    str | None,
    typer.Option("--to", metavar="URL", help="A target to probe with its sink; nothing is written."),
]


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at.

    Attributes:
        check: import, hooks, options or probe.
        state: ok, off (not looked at, as it is disabled) or ill.
        found: What was found.
        next: What to do, empty where nothing is to be done.
    """

    check: str
    state: str
    found: str
    next: str = ""


@dataclass(frozen=True, slots=True)
class Examined:
    """A plugin with its checks."""

    name: str
    version: str
    distribution: str
    checks: tuple[Check, ...]

    @property
    def state(self) -> str:
        """The worst of the checks' states."""
        states = {check.state for check in self.checks}
        return next((state for state in ("ill", "off") if state in states), "ok")


def doctor(
    context: typer.Context,
    to: Probed = None,
    config: ConfigFile = None,
    plugin: ExtraPlugins = None,
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> int:
    """Examine each plugin: can it be imported, what does it offer, do its options fit, is the target there?

    Exit codes: 0 all well, 1 something is wrong, 2 usage or configuration.
    """
    from batchwright.cli import logs, settings

    terminal: Terminal = context.obj
    terminal.adopt(as_json=as_json, verbosity=verbose)
    arguments = {"input_dir": ".", "to": to, "plugins": plugin or None}
    chosen = settings.load(terminal, arguments, config)
    logs.configure(terminal, warnings=False)  # the report says it all
    examined = list(_examine(chosen, to, terminal))
    ill = [one for one in examined if one.state == "ill"]
    code = exits.FAILED if ill else exits.DONE
    if terminal.json:
        plugins = [{**asdict(one), "state": one.state} for one in examined]
        terminal.say_json({"plugins": plugins, "exit_code": code})
        return code
    for one in examined:
        _say(one, terminal)
    well = len(examined) - len(ill)
    terminal.tell(
        f"{well} of {len(examined)} well" + (f"; ill: {', '.join(o.name for o in ill)}" * bool(ill))
    )
    return code


def _examine(config: BatchConfig, to: str | None, terminal: Terminal) -> Iterator[Examined]:
    from batchwright.plugins.manager import PluginManager

    good: list[object] = []
    for extra in config.plugins:
        try:
            PluginManager.load([extra], scan=False)
            good.append(extra)
        except PluginError as error:
            advice = "mend it, or take it off --plugin, or off `plugins` in the settings"
            yield Examined(str(extra), "", "", (Check("import", "ill", _line(error, terminal), advice),))
    manager = PluginManager.load(extra=good, disable=config.disable_plugins)
    try:
        sinks, reporters, executors = manager.sinks(), manager.reporters(), manager.executors()
    except PluginError as error:  # which of two it is to be, only the user knows
        sinks, reporters, executors = {}, {}, {}
        advice = "disable one of the two: disable_plugins in the settings, or BATCHWRIGHT_DISABLE_PLUGINS"
        yield Examined("(all)", "", "", (Check("hooks", "ill", _line(error, terminal), advice),))
    named = {sink.name: sink for sink in sinks.values()}
    probed = False
    for info in manager.listing():
        checks = [*_standing(info)]
        for offer in info.offers:
            noun, _, name = offer.partition(" ")
            if noun == "sink" and name in named:
                checks.append(_sink_options(named[name], config))
                if to is not None and to.partition(":")[0].lower() in named[name].schemes:
                    checks.append(_probe(manager, config, terminal))
                    probed = True
            elif noun == "reporter" and name in reporters:
                # one that isn't switched on need not be set up
                section, wanted = config.reporter.get(name, {}), name in config.reporters
                checks.append(_options(f"reporter.{name}", reporters[name].options_type, section, wanted))
            elif noun == "executor" and name in executors:
                section, wanted = config.executors.get(name, {}), name == config.executor
                checks.append(_options(f"executors.{name}", executors[name].options_type, section, wanted))
        yield Examined(info.name, info.version, info.distribution, tuple(checks))
    if to is not None and not probed:
        yield Examined("(none)", "", "", (_probe(manager, config, terminal),))


def _standing(info: PluginInfo) -> list[Check]:
    """Return what loading it has shown."""
    if info.state == "blocked":
        advice = "to use it, take it off disable_plugins and BATCHWRIGHT_DISABLE_PLUGINS"
        return [Check("import", "off", f"{info.reason}; not even imported", advice)]
    if info.state != "ok":
        return [Check("import", "ill", info.reason, _remedy(info))]
    return [
        Check("import", "ok", "imported"),
        Check("hooks", "ok", ", ".join(info.offers) or "offers nothing"),
    ]


def _remedy(info: PluginInfo) -> str:
    dist = info.distribution or info.name
    off = f'meanwhile: disable_plugins = ["{info.name}"]'
    if "is written for plugin API" in info.reason:
        return f"upgrade as it says; {off}"
    if info.reason.startswith(("ModuleNotFoundError", "ImportError")):
        return f"install what it lacks: pip install --upgrade {dist}; {off}"
    return f"tell the author of {dist}; {off}"


def _sink_options(sink: type[AnySink], config: BatchConfig) -> Check:
    """Check the section of the settings; the URL comes with --to, and is left out of it."""
    from pydantic import ValidationError

    section = config.sink.get(sink.name, {})
    where = f"[sink.{sink.name}]"
    fields = sink.options_type.model_fields
    needed = [
        info.alias or name
        for name, info in fields.items()
        if info.is_required() and name != "url" and not {name, info.alias} & section.keys()
    ]
    if needed:
        found = f"it can't do without: {', '.join(needed)}"
        return Check("options", "ill", found, f"set them in {where}, or in the query of --to")
    wrong: list[str] = []
    try:
        sink.options_type.model_validate({"url": f"{sink.schemes[0]}:///", **section})
    except ValidationError as error:
        wrong = [
            f"{'.'.join(map(str, e['loc']))}: {e['msg']}"
            for e in error.errors()
            if e["loc"][:1] not in ((), ("url",))
        ]
    if wrong:
        return Check("options", "ill", "; ".join(wrong), f"mend them in {where}")
    names = [info.alias or name for name, info in fields.items() if name != "url"]
    return Check("options", "ok", f"sink {sink.name}: {', '.join(names) or 'none but the URL'}")


def _options(where: str, model: type[BaseModel], section: Mapping[str, Any], wanted: bool) -> Check:
    from batchwright.plugins.options import validated

    try:
        validated(model, section, where)
    except ConfigError as error:
        state = "ill" if wanted else "off"
        return Check("options", state, " ".join(str(error).split()), f"set it in [{where}]")
    names = [info.alias or name for name, info in model.model_fields.items()]
    place, _, name = where.partition(".")
    offered = f"{place.removesuffix('s')} {name}"
    return Check("options", "ok", f"{offered}: {', '.join(names) or 'none'}")


def _probe(manager: PluginManager, config: BatchConfig, terminal: Terminal) -> Check:
    """Ask the target's sink whether it answers. What isn't there yet is not made."""
    try:
        sink = manager.make_sink(config.to, config.sink)
        if not sink.exists():
            return Check("probe", "ok", "nothing is loaded there yet; the first run makes what it needs")
        with sink.open(create=False) as store:
            store.probe()
    except ConfigError as error:
        return Check("probe", "ill", _line(error, terminal), "mend --to, or the sink's section")
    except BatchwrightError as error:
        return Check("probe", "ill", _line(error, terminal), "do what it says, and try again")
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        kind = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
        advice = f"see what a run makes of it: batchwright plugins explain-error {kind}"
        return Check("probe", "ill", f"{kind}: {_line(error, terminal)}", advice)
    return Check("probe", "ok", "the target answers")


def _line(error: Exception, terminal: Terminal) -> str:
    return terminal.mask(" ".join(str(error).split())[:500])


def _say(one: Examined, terminal: Terminal) -> None:
    from batchwright.cli.table import printable

    origin = " ".join(filter(None, (one.distribution, one.version)))
    head = f"{one.state:<4} {one.name}" + (f" ({origin})" if origin else "")
    terminal.say(terminal.style(head, _STYLES[one.state]))
    for check in _shown(one.checks, terminal.verbosity):
        terminal.say(f"     {check.check:<8} {printable(check.found)}")
        if check.next and check.state != "ok":
            terminal.say(f"     {'next:':<8} {printable(check.next)}")


def _shown(checks: Sequence[Check], verbosity: int) -> list[Check]:
    """Return all checks but a mere import, which the others imply."""
    return [c for c in checks if verbosity or len(checks) == 1 or c.check != "import"]
