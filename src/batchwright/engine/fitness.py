"""Whether an executor's process can load a run: it must have what the driver has."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from hashlib import sha256
from itertools import islice
from pathlib import Path

from batchwright.config import secrets_of
from batchwright.contracts.partition import Job, Sampled
from batchwright.contracts.records import CHUNK
from batchwright.engine.reading.input import Input
from batchwright.engine.session import Session
from batchwright.engine.setup import Setup
from batchwright.engine.store.policy import DeliveryPolicy
from batchwright.errors import BatchwrightError, SinkError, WorkerUnfit
from batchwright.items import Item
from batchwright.plugins.foreign import Foreign
from batchwright.plugins.manager import PluginManager
from batchwright.secrets import describe
from batchwright.version import __version__

SAMPLED = 16
"""Documents that a worker compares with the driver's, at most; of a folder of thousands, evenly spread."""

_HASHED = 65_536  # bytes of a document, at most

_ELSEWHERE = ("reporter ", "executor ", "sink ", "source ", "embedder ")
"""What only the driver's plugins do, or only those that the run uses."""


def sample_of(found: Iterable[Item], items: int, input: Input) -> tuple[Sampled, ...]:
    """Return the hashes of some items.

    Args:
        found: The items of the input.
        items: How many there are.
        input: What fetches them.
    """
    step = -(-items // SAMPLED) or 1
    some = (one for one in islice(found, 0, None, step) if one.error is None and not one.deleted)
    sampled = (_sampled(one, input) for one in some)
    return tuple(one for one in sampled if one is not None)


def needed_plugins(manager: PluginManager, sink: str, source: str, embedder: str | None) -> dict[str, str]:
    """Return the versions of the plugins that take part in loading, by name.

    Args:
        manager: The plugins.
        sink: The name of the sink.
        source: The name of the source.
        embedder: The name of the embedder, if there is one.
    """
    used = {f"sink {sink}", f"source {source}", f"embedder {embedder}"}
    files = {Path(source).stem: source for source in manager.extra() if source.endswith(".py")}
    needed = {}
    for info in manager.listing():
        offers = [o for o in info.offers if o in used or not o.startswith(_ELSEWHERE)]
        if info.state == "ok" and offers:
            file = files.get(info.name)
            needed[info.name] = _digest(Path(file)) if file is not None else info.version
    return needed


def check_worker(job: Job) -> None:
    """Check that this process can load the run: before it gets any of it.

    Raises:
        WorkerUnfit: It can't, and why.
    """
    manager = plugins_for(job)
    _check_plugins(job, manager)
    with closing(Input.of(job.config, manager)) as given:
        _check_sample(job, given)
    try:
        setup = Setup(job.config, manager, DeliveryPolicy.of(job.config))
        session = Session(setup, run_id=job.run_id, record_type=CHUNK)
        with session.open(create=False):
            pass
    except SinkError as error:
        raise WorkerUnfit(f"it has no access to the target: {error}", may_pass=True) from None
    except BatchwrightError as error:
        raise WorkerUnfit(str(error)) from None
    except Exception as error:  # noqa: BLE001 - it may hold what can't be sent, or must not be shown
        said = describe(error, secrets_of(job.config))
        raise WorkerUnfit(f"it can't open the target: {type(error).__name__}: {said}") from None


def plugins_for(job: Job) -> PluginManager:
    """Return the plugins of a process that has the driver's batchwright, and sees its documents.

    Raises:
        WorkerUnfit: It has another version, no such directory, none of the documents, or not the plugins.
    """
    if job.version != __version__:
        raise WorkerUnfit(
            f"it has batchwright {__version__}, the driver {job.version}; install the same on both"
        )
    try:
        manager = PluginManager.load(job.plugins, job.config.disable_plugins)
        with closing(Input.of(job.config, manager)) as given:
            _check_source(job, given)
    except WorkerUnfit:
        raise
    except BatchwrightError as error:
        raise WorkerUnfit(str(error)) from None
    return manager


def _check_source(job: Job, input: Input) -> None:
    """Check that there is an input, and not an empty place where a file system should be mounted."""
    shown = job.config.source_shown
    try:
        with Foreign(input.who):
            input.source.probe()
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        said = describe(error, secrets_of(job.config))
        raise WorkerUnfit(
            f"it has no access to {shown}: {said}; have every worker see the input there"
        ) from None
    if job.sample and not any(_sampled(one.item, input) for one in job.sample):
        raise WorkerUnfit(
            f"it has none of the documents in {shown}; is the file system mounted there? Have every worker "
            "see the documents under the same path"
        )


def _check_plugins(job: Job, manager: PluginManager) -> None:
    own = {info.name: info for info in manager.listing()}
    extra = {Path(source).stem: source for source in job.plugins if source.endswith(".py")}
    for name, version in job.needed.items():
        info = own.get(name)
        if info is None or info.state != "ok":
            why = f": {info.reason}" if info is not None else ""
            raise WorkerUnfit(
                f"it lacks the plugin {name!r}{why}; install the driver's plugins on every worker"
            )
        there = _digest(Path(extra[name])) if name in extra else info.version
        if there != version:
            which = "another file" if name in extra else f"version {there}, the driver {version}"
            raise WorkerUnfit(f"of the plugin {name!r} it has {which}; have the same on both")


def _check_sample(job: Job, input: Input) -> None:
    """Compare the documents; some may have been changed meanwhile, but not most of them."""
    differing = [one for one in job.sample if _sampled(one.item, input) != one]
    if 2 * len(differing) > len(job.sample):
        raise WorkerUnfit(
            f"its {job.config.source_shown} holds other documents: of {len(job.sample)} that were compared "
            f"{len(differing)} differ or are missing, such as {differing[0].item.key}; have every worker see "
            "the same documents"
        )


def _sampled(item: Item, input: Input) -> Sampled | None:
    try:
        fetched = input.source.fetch(item)
        if not callable(fetched.open):
            return None
        with fetched.open() as stream:
            return Sampled(item, sha256(stream.read(_HASHED)).hexdigest())
    except Exception:  # noqa: BLE001 - it is no sample then, whatever is wrong with it
        return None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return sha256(file.read(_HASHED)).hexdigest()
