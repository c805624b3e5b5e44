"""The plugins that change documents before they are chunked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from batchwright.config import BatchConfig
from batchwright.documents.left_out import PAGE_NUMBER
from batchwright.errors import DocumentError
from batchwright.model import Document, LeftOut, Omission
from batchwright.plugins.foreign import Foreign, Helpers, answered
from batchwright.values import dataclass


@dataclass(frozen=True, slots=True)
class Preparing:
    """A plugin that implements `prepare_document`.

    Attributes:
        name: Its name.
        version: Its version; of one that is given as a file, a part of the file's hash.
        function: Its implementation.
        is_own: Whether it is batchwright's own, which is called without a thread between.
    """

    name: str
    version: str
    function: Callable[..., Any]
    is_own: bool

    @property
    def signature(self) -> str:
        """What decides what it makes of a document, in short."""
        return f"{self.name} {self.version}".rstrip()

    def ask(
        self, document: Document, config: BatchConfig, helpers: Helpers, deadline: float
    ) -> Document | LeftOut:
        """Return what it makes of the document.

        Args:
            document: The document.
            config: The settings.
            helpers: Threads for the call.
            deadline: Seconds that it may take.

        Raises:
            Exception: What it raises, or a DocumentError for an answer that is none.
        """
        who = f"the plugin {self.name!r}"
        if self.is_own:
            with Foreign(who):
                answer = self.function(document=document, config=config)
        else:
            answer = helpers.bounded(
                who, lambda: answered(self.function(document=document, config=config)), deadline
            )
        if answer is None:
            return document
        if not isinstance(answer, Document | LeftOut):
            returned = type(answer).__name__
            raise DocumentError(
                document.source_file, f"{who} returned {returned}; expected Document, LeftOut or None"
            )
        reason: object = answer.reason if isinstance(answer, LeftOut) else "none"
        if not isinstance(reason, str) or not reason.strip():
            raise DocumentError(
                document.source_file, f"{who} left it out for {reason!r:.100}; say why, in a few words"
            )
        if isinstance(answer, Document) and answer.source_file != document.source_file:
            raise DocumentError(document.source_file, f"{who} changed its key, source_file; leave that alone")
        if isinstance(answer, Document) and document.pages and answer.pages is document.pages:
            return _with_sure_pages(answer, document, who)
        return answer


def _with_sure_pages(document: Document, before: Document, who: str) -> Document:
    """Return a document without its pages if its text was changed, and nothing said where they begin now."""
    if document.text == before.text:
        return document
    lost = Omission(PAGE_NUMBER, f"{who} changed the text", len(document.pages))
    return replace(document, pages=(), left_out=(*document.left_out, lost))


def digest_of(file: Path) -> str:
    """Return a part of the SHA-256 of a plugin's file."""
    return sha256(file.read_bytes()).hexdigest()[:12]
