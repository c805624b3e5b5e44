"""What ``plugins doctor`` finds by asking: does a target answer, does an embedder?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchwright.cli.terminal import Terminal
from batchwright.errors import BatchwrightError, ConfigError, SinkError

if TYPE_CHECKING:
    from batchwright.config import BatchConfig
    from batchwright.contracts.sink import AnySink, Store
    from batchwright.plugins.manager import PluginManager


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at.

    Attributes:
        check: import, hooks, options, probe or ledger.
        state: ok, off (not looked at, as it is disabled), warn (it works, but may not tomorrow) or ill.
        found: What was found.
        next: What to do, empty where nothing is to be done.
    """

    check: str
    state: str
    found: str
    next: str = ""


def probe_target(manager: PluginManager, config: BatchConfig, terminal: Terminal) -> list[Check]:
    """Ask the target's sink whether it answers, and look at the ledger beside it; make nothing."""
    from batchwright.plugins.foreign import Foreign

    answered = Check("probe", "ok", "the target answers")
    try:
        with Foreign("the sink"):
            sink = manager.make_sink(config.to, config.sink)
            if not sink.exists():
                said = "nothing is loaded there yet; the first run makes what it needs"
                return [Check("probe", "ok", said)]
            with sink.open(create=False) as store:
                store.probe()
                return [answered, _ledger(config, sink, store)] if store.ledger is None else [answered]
    except ConfigError as error:
        return [Check("probe", "ill", masked_line(error, terminal), "fix --to, or the sink's section")]
    except BatchwrightError as error:
        return [Check("probe", "ill", masked_line(error, terminal), "do what it says, and try again")]
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        return [_unknown(error, terminal)]


def probe_embedder(manager: PluginManager, config: BatchConfig, terminal: Terminal) -> Check:
    """Have the chosen embedder embed a word; it may cost a little."""
    from batchwright.engine.embedding.embedding import Embedding
    from batchwright.plugins.foreign import Foreign

    name = config.embedder or ""
    try:
        with Foreign("the embedder"):
            embedding = Embedding(manager.make("embedder", name, config.embedders))
            try:
                embedding.embedder.probe()
            finally:
                embedding.close()
            where = f" at {embedding.host}" if embedding.host else ""
            model = embedding.model
            found = f"the model {model.name} answers{where}: {model.dimensions} dimensions"
            return Check("probe", "ok", found)
    except ConfigError as error:
        return Check("probe", "ill", masked_line(error, terminal), f"fix it in [embedders.{name}]")
    except BatchwrightError as error:
        return Check("probe", "ill", masked_line(error, terminal), "do what it says, and try again")
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        return _unknown(error, terminal)


def _unknown(error: Exception, terminal: Terminal) -> Check:
    kind = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    advice = f"see what a run makes of it: batchwright plugins explain-error {kind}"
    return Check("probe", "ill", f"{kind}: {masked_line(error, terminal)}", advice)


def _ledger(config: BatchConfig, sink: AnySink, store: Store) -> Check:
    """Check the place of a ledger beside a sink that keeps none of its own."""
    from batchwright.engine.store.lasting import passing, unwritable
    from batchwright.engine.store.ledger_beside import NAME_ANOTHER, ledger_path, missing

    try:
        path = ledger_path(config, sink)
    except SinkError as error:
        return Check("ledger", "ill", *str(error).split("; ", 1))
    if wrong := missing(path, store) or unwritable(path):
        return Check("ledger", "ill", wrong, NAME_ANOTHER)
    if config.ledger is not None and not config.ledger.is_absolute():
        found = f"{config.ledger} is another file in another working directory"
        return Check("ledger", "warn", found, "name it by its absolute path")
    if why := passing(path):
        return Check("ledger", "warn", f"{path} may be gone before the next run: {why}", NAME_ANOTHER)
    return Check("ledger", "ok", f"beside the target: {path}")


def masked_line(error: Exception, terminal: Terminal) -> str:
    """Return what an error says, in one line without secrets."""
    return terminal.mask(" ".join(str(error).split())[:500])
