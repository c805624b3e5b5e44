"""Every hook that a plugin can implement, on one screen.

A plugin is a module or object with functions marked ``@batchwright.hookimpl``; each may take any subset
of the arguments. `None` means no opinion: the next plugin is asked, the built-in last. Plugins that were
registered later are asked first. What an exception does is said at each hook.
"""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from batchwright.config import BatchConfig
from batchwright.contracts.embedder import AnyEmbedder
from batchwright.contracts.executor import AnyExecutor
from batchwright.contracts.failure import Failure, Verdict
from batchwright.contracts.reader import AnyReader
from batchwright.contracts.reporter import AnyReporter
from batchwright.contracts.sink import AnySink
from batchwright.contracts.sizing import SizeLimits, SizingFeedback
from batchwright.contracts.source import AnySource
from batchwright.model import Document, ErrorRecoveryAction, LeftOut

hookspec = pluggy.HookspecMarker("batchwright")
hookimpl = pluggy.HookimplMarker("batchwright")

API_VERSION = 1
"""Raised when a hook or a contract changes in a way that breaks plugins. A plugin may say which version it
is written for, with ``BATCHWRIGHT_API = 1``; one that says nothing is assumed to fit."""

SUPPORTED_APIS = (1,)


@hookspec(firstresult=True)
def batch_size(feedback: SizingFeedback, limits: SizeLimits) -> int | None:
    """Say how many records the next batch takes; the engine clamps it to the limits.

    First answer wins. A plugin that raises anything, or doesn't answer within 10 s, is named, and the next
    one is asked; one that hangs is not asked again.
    """


@hookspec(firstresult=True)
def classify_error(failure: Failure) -> Verdict | ErrorRecoveryAction | None:
    """Say what to do about a failure.

    First answer wins. Raising anything, and no answer within 10 s, means FAIL, with a reason that names the
    plugin; one that hangs is not asked again.
    """


@hookspec
def prepare_document(document: Document, config: BatchConfig) -> Document | LeftOut | None:
    """Change a document before it is chunked: redact, clean, enrich; or say why it is left out.

    All are asked, one after the other, each with what the one before returned; `None` leaves it as it is.
    The built-in one comes last: it gives a document without a title one, and leaves out embedded data.
    It runs where documents are read, perhaps in other processes: be pure, and ask nobody. Raise the
    plugin's version when its output changes: every document is then read anew. Raising anything costs this
    document, which can't be read then. Where `text` is changed and `pages` is not, the document has no pages
    any more; `documents.replaced` keeps them.
    """


@hookspec
def register_sources() -> Iterable[type[AnySource]]:  # type: ignore[empty-body]
    """Offer sources. Raising anything breaks the plugin.

    Of two with one name or scheme neither is taken, and asking for that is an error that names both.
    """


@hookspec
def register_readers() -> Iterable[type[AnyReader]]:  # type: ignore[empty-body]
    """Offer readers, of documents and of rows. Raising anything breaks the plugin.

    Of two with one name neither is taken. Of two for one ending or media type that of the plugin registered
    later reads it: an installed one in place of a built-in one.
    """


@hookspec
def register_sinks() -> Iterable[type[AnySink]]:  # type: ignore[empty-body]
    """Offer sinks. Raising anything breaks the plugin.

    Of two with one name or scheme neither is taken, and asking for that is an error that names both.
    """


@hookspec
def register_embedders() -> Iterable[type[AnyEmbedder]]:  # type: ignore[empty-body]
    """Offer embedders. Raising anything breaks the plugin.

    Of two with one name neither is taken, and asking for that is an error that names both.
    """


@hookspec
def register_reporters() -> Iterable[type[AnyReporter]]:  # type: ignore[empty-body]
    """Offer reporters. Raising anything breaks the plugin.

    Of two with one name neither is taken, and asking for that is an error that names both.
    """


@hookspec
def register_executors() -> Iterable[type[AnyExecutor]]:  # type: ignore[empty-body]
    """Offer executors. Raising anything breaks the plugin.

    Of two with one name neither is taken, and asking for that is an error that names both.
    """
