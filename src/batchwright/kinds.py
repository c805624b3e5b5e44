"""The kinds of plugins, a row each: the one place that lists them.

The rows drive the catalog, the sections of the settings, the masking of secrets, ``plugins``, ``doctor``,
``new-plugin`` and the kit for authors. `contracts.kinds` adds the class that plugins of a kind subclass.
"""

from __future__ import annotations

from batchwright.values import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of plugin.

    Attributes:
        noun: What one is called, in messages, listings and ``new-plugin``.
        hook: The hook that plugins implement: it returns classes, or is itself what is called.
        section: The setting that holds options by name, such as ``[reporter.NAME]``; empty for a kind without
            classes.
        choice: The setting that names those in use; empty where all are.
        by_scheme: Whether the scheme of a URL in `choice` picks one, instead of its name.
        kit: Whether ``new-plugin`` makes one and ``batchwright.testing`` has a contract for it.
    """

    noun: str
    hook: str
    section: str = ""
    choice: str = ""
    by_scheme: bool = False
    kit: bool = True

    @property
    def with_article(self) -> str:
        """What one is called, with its article."""
        return f"{'an' if self.noun[0] in 'aeiou' else 'a'} {self.noun}"


KINDS = (
    Kind("sink", "register_sinks", section="sink", choice="to", by_scheme=True),
    Kind("source", "register_sources", section="sources", choice="source", by_scheme=True),
    Kind("reader", "register_readers", section="reader"),
    Kind("preparer", "prepare_document", kit=False),
    Kind("embedder", "register_embedders", section="embedders", choice="embedder"),
    Kind("reporter", "register_reporters", section="reporter", choice="reporters"),
    Kind("executor", "register_executors", section="executors", choice="executor", kit=False),
    Kind("classifier", "classify_error"),
    Kind("sizer", "batch_size"),
)

OFFERED = tuple(kind for kind in KINDS if kind.section)
"""The kinds whose plugins offer classes, with options in the settings."""

BY_NOUN = {kind.noun: kind for kind in KINDS}
BY_HOOK = {kind.hook: kind for kind in KINDS}
