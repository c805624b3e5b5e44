"""``batchwright plugins doctor``: what is wrong with each plugin, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from batchwright.cli.options import ConfigFile, General
from batchwright.cli.probes import Check, masked_line, probe_embedder, probe_target
from batchwright.cli.terminal import Style, Terminal
from batchwright.contracts import exits
from batchwright.errors import ConfigError, PluginError
from batchwright.kinds import BY_NOUN, OFFERED, Kind
from batchwright.visible import one_line

if TYPE_CHECKING:
    from batchwright.config import BatchConfig
    from batchwright.plugins.info import PluginInfo

_STYLES: dict[str, Style] = {"ok": "green", "off": "yellow", "warn": "yellow", "ill": "red"}

Probed = Annotated[
    str | None,
    typer.Option("--to", metavar="URL", help="A target to probe with its sink; nothing is written."),
]
ProbedEmbedder = Annotated[
    str | None,
    typer.Option("--embedder", metavar="NAME", help="An embedder to probe: a word is embedded."),
]


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
        return next((state for state in ("ill", "warn", "off") if state in states), "ok")


def doctor(
    *, to: Probed = None, embedder: ProbedEmbedder = None, config: ConfigFile = None, general: General
) -> int:
    """Examine each plugin: can it be imported, what does it offer, do its options fit, is the target there?

    The embedder that the settings choose is probed, too.

    Exit codes: 0 all well, 1 something is wrong, 2 usage or configuration.
    """
    from batchwright.cli import logs, settings

    terminal = general.terminal()
    arguments = {"source": ".", "to": to, "embedder": embedder, "plugins": general.plugins}
    chosen = settings.load(terminal, arguments, config)
    logs.configure(terminal, warnings=False)  # the report says it all
    terminal.keep_stdout()
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
    from batchwright.plugins.trust import check_found

    good: list[object] = []
    if (file := config.found_in("plugins")) is not None:
        check_found(file, config.plugins)
    for extra in config.plugins:
        try:
            PluginManager.load([extra], scan=False)
            good.append(extra)
        except PluginError as error:
            advice = "fix it, or take it off --plugin, or off `plugins` in the settings"
            yield Examined(
                str(extra), "", "", (Check("import", "ill", masked_line(error, terminal), advice),)
            )
    manager = PluginManager.load(extra=good, disable=config.disable_plugins)
    offered = {kind.noun: manager.offered(kind.noun) for kind in OFFERED}
    for clash in manager.clashes():  # which of two it is to be, only the user knows
        advice = "disable one of the two: disable_plugins in the settings, or BATCHWRIGHT_DISABLE_PLUGINS"
        yield Examined("(all)", "", "", (Check("hooks", "ill", clash, advice),))
    probed = False
    for info in manager.listing():
        checks = [*_standing(info)]
        for offer in info.offers:
            noun, _, name = offer.partition(" ")
            if (cls := offered.get(noun, {}).get(name)) is None:
                continue
            kind = BY_NOUN[noun]
            checks.append((_options_beside_url if kind.by_scheme else _options)(kind, cls, config))
            if to is not None and kind.choice == "to" and to.partition(":")[0].lower() in cls.schemes:
                checks += probe_target(manager, config, terminal)
                probed = True
            if noun == "embedder" and name == config.embedder and checks[-1].state == "ok":
                checks.append(probe_embedder(manager, config, terminal))
        yield Examined(info.name, info.version, info.distribution, tuple(checks))
    if config.embedder is not None and config.embedder not in offered["embedder"]:
        yield Examined("(none)", "", "", (probe_embedder(manager, config, terminal),))
    if to is not None and not probed:
        yield Examined("(none)", "", "", tuple(probe_target(manager, config, terminal)))


def _standing(info: PluginInfo) -> list[Check]:
    """Return what loading it has shown."""
    if info.state == "blocked":
        advice = "to use it, take it off disable_plugins and BATCHWRIGHT_DISABLE_PLUGINS"
        return [Check("import", "off", f"{info.reason}; not even imported", advice)]
    if info.state != "ok":
        return [Check("import", "ill", info.reason, _remedy(info))]
    return [
        Check("import", "ok", info.reason or "imported"),
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


def _options_beside_url(kind: Kind, cls: type[Any], config: BatchConfig) -> Check:
    """Check the section of what a URL picks; the URL comes with the command, and is left out of it."""
    from batchwright.config import in_lines, section_of

    section = section_of(config, kind).get(cls.name, {})
    where = f"[{kind.section}.{cls.name}]"
    fields = cls.options_type.model_fields
    needed = [
        info.alias or name
        for name, info in fields.items()
        if info.is_required() and name != "url" and not {name, info.alias} & section.keys()
    ]
    names = [info.alias or name for name, info in fields.items() if name != "url"]
    all_well = Check("options", "ok", f"{kind.noun} {cls.name}: {', '.join(names) or 'none but the URL'}")
    if needed and kind.choice != "to":  # of many sources a command loads one, whose URL may say them
        return all_well
    if needed:
        found = f"it can't do without: {', '.join(needed)}"
        return Check("options", "ill", found, f"set them in {where}, or in the URL's query")
    wrong = ""
    try:
        cls.options_type(**{"url": f"{cls.schemes[0]}:///", **section})
    except ConfigError as error:
        others = [(path, message) for path, message in error.complaints if path[:1] not in ((), ("url",))]
        wrong = "; ".join(in_lines(others).splitlines())
    if wrong:
        return Check("options", "ill", wrong, f"fix them in {where}")
    return all_well


def _options(kind: Kind, cls: type[Any], config: BatchConfig) -> Check:
    """Check the section of what is chosen by name; one that isn't chosen need not be set up."""
    from batchwright.config import chosen, section_of
    from batchwright.plugins.options import validated

    where = f"{kind.section}.{cls.name}"
    try:
        validated(cls.options_type, section_of(config, kind).get(cls.name, {}), where)
    except ConfigError as error:
        state = "ill" if not kind.choice or cls.name in chosen(config, kind) else "off"
        return Check("options", state, " ".join(str(error).split()), f"set it in [{where}]")
    names = [info.alias or name for name, info in cls.options_type.model_fields.items()]
    return Check("options", "ok", f"{kind.noun} {cls.name}: {', '.join(names) or 'none'}")


def _say(one: Examined, terminal: Terminal) -> None:
    origin = " ".join(filter(None, (one.distribution, one.version)))
    head = f"{one.state:<4} {one.name}" + (f" ({origin})" if origin else "")
    terminal.say(terminal.style(head, _STYLES[one.state]))
    for check in _shown(one.checks, terminal.verbosity):
        terminal.say(f"     {check.check:<8} {one_line(check.found)}")
        if check.next and check.state != "ok":
            terminal.say(f"     {'next:':<8} {one_line(check.next)}")


def _shown(checks: Sequence[Check], verbosity: int) -> list[Check]:
    """Return all checks but a mere import, which the others imply, and a ledger in its usual place."""
    unsaid = ("import", "ok"), ("ledger", "ok")
    return [c for c in checks if verbosity or len(checks) == 1 or (c.check, c.state) not in unsaid]
