"""``batchwright new-plugin``: a distribution to begin with, which works as it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from batchwright.cli.options import AsJson, Verbose, adopted
from batchwright.contracts import exits
from batchwright.errors import ConfigError
from batchwright.kinds import KINDS

if TYPE_CHECKING:
    from batchwright.plugins.manager import PluginManager

_NOUNS = [kind.noun for kind in KINDS if kind.kit]


def new_plugin(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"{', '.join(_NOUNS[:-1])} or {_NOUNS[-1]}.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="The plugin's name, such as my-notes.")],
    directory: Annotated[
        Path, typer.Option("--dir", metavar="D", help="Where to make the new folder.", show_default=False)
    ] = Path(),
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> int:
    """Make a new plugin: a distribution with tests that installs and passes as it is.

    It goes into a new folder named batchwright-NAME.
    """
    from batchwright.plugins.manager import PluginManager
    from batchwright.scaffold import Scaffold

    terminal = adopted(context, as_json, verbose)
    scaffold = Scaffold.of(kind, name)
    terminal.keep_stdout()
    _refuse_taken(scaffold.name, PluginManager.load())
    folder = scaffold.write(directory)
    if terminal.json:
        paths = sorted(scaffold.files())
        terminal.say_json({"folder": str(folder), "kind": kind, "name": scaffold.name, "files": paths})
        return exits.DONE
    terminal.say(f"made {folder}, {scaffold.described} that works as it is")
    terminal.tell(
        f"next:\n  cd {folder}\n  pip install -e '.[dev]'\n  pytest\n"
        f"then change src/{scaffold.module}/, and keep the tests green; README.md says more"
    )
    return exits.DONE


def _refuse_taken(name: str, manager: PluginManager) -> None:
    """Refuse the name of a plugin that is installed, or of what one offers: the two would clash."""
    for info in manager.listing():
        if name in (info.name, *(offer.partition(" ")[2] for offer in info.offers)):
            raise ConfigError(
                f"NAME: {name!r} is taken by the plugin {info.name!r} of {info.distribution}; choose another"
            )
    if name in manager.sinks():
        raise ConfigError(f"NAME: {name!r} is taken by a sink's URL scheme; choose another")
