"""``batchwright plugins``: what is installed, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from batchwright.cli.commands import command, group, with_options
from batchwright.cli.doctor import doctor
from batchwright.cli.explain_error import explain_error
from batchwright.cli.options import ConfigFile, General
from batchwright.cli.terminal import Style, Terminal
from batchwright.errors import ConfigError

if TYPE_CHECKING:
    from batchwright.plugins.info import PluginInfo

_STYLES: dict[str, Style] = {"ok": "green", "blocked": "yellow", "broken": "red"}

plugins = group("plugins", invoke_without_command=True)
command(plugins)(doctor)
command(plugins, "explain-error")(explain_error)


@plugins.callback()
@with_options
def list_plugins(*, config: ConfigFile = None, general: General) -> int:
    """List plugins, and whether they work; look into them, or ask them about an error.

    By itself it shows name, version, distribution and what they offer, and ok, blocked or broken with
    the reason.
    """
    if (name := general.context.invoked_subcommand) is not None:
        if config or general.plugins or general.as_json or general.verbose:
            raise ConfigError(f"options go behind the command: batchwright plugins {name} …")
        return 0
    from batchwright.cli import logs, settings
    from batchwright.cli.targets import load_plugins

    terminal = general.terminal()
    chosen = settings.load(terminal, {"source": ".", "plugins": general.plugins}, config)
    logs.configure(terminal, warnings=False)  # the table says it all
    infos = load_plugins(terminal, chosen).listing()
    if terminal.json:
        terminal.say_json({"plugins": [asdict(info) for info in infos]})
    elif infos:
        terminal.say(_table(infos, terminal))
    else:
        terminal.tell(
            "no plugins are installed, not even batchwright's own: is batchwright itself installed?"
        )
    return 0


def _table(infos: Sequence[PluginInfo], terminal: Terminal) -> str:
    rows = [("NAME", "VERSION", "DISTRIBUTION", "STATE", "OFFERS")]
    rows += [
        (info.name, info.version or "-", info.distribution or "-", info.state, ", ".join(info.offers) or "-")
        for info in infos
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for number, row in enumerate(rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        if number == 0:
            lines.append(terminal.style("  ".join(cells).rstrip(), "dim"))
            continue
        info = infos[number - 1]
        cells[3] = terminal.style(cells[3], _STYLES.get(info.state, "red"))
        lines.append("  ".join(cells).rstrip())
        lines += [f"    {line}" for line in info.reason.splitlines()]
    return "\n".join(lines)
