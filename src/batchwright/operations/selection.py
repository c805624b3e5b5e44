"""Which rejects a command selects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from batchwright.contracts.ledger import Ledger
from batchwright.contracts.receipts import Reject
from batchwright.errors import ConfigError
from batchwright.operations.target import Target

PAGE = 200
"""Rejects that are in memory at a time; each may have a text."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What all rejects that are meant have in common; an empty one means every reject.

    Attributes:
        ids: Only these; beginnings and short ids will do, where they are unambiguous.
        run: Only of this run; the beginning of its id will do.
        key: Only of this document.
        error: Only where this occurs in the error's class, or equals its SQLSTATE.
        collection: Only of this collection; None for the one that the target is limited to, if any.
    """

    ids: tuple[str, ...] = ()
    run: str | None = None
    key: str | None = None
    error: str | None = None
    collection: str | None = None

    def __bool__(self) -> bool:
        return bool(self.ids or self.run or self.key or self.error)

    def pages(self, target: Target) -> Iterator[list[Reject]]:
        """Yield the rejects by id, some at a time; those of a page may be gone when the next is asked for.

        Raises:
            ConfigError: There is no reject, or more than one, with an id that was given; or no collection of
                the name to which the target is limited.
        """
        ledger = target.ledger
        if target.collection is not None:
            target.collections()
        ids = [resolve(ledger, given) for given in self.ids] if self.ids else None
        run = None if self.run is None else _run(ledger, self.run)
        after = ""
        collection = self.collection or target.collection
        while page := ledger.rejects(
            collection, ids=ids, run_id=run, key=self.key, error=self.error, after=after, limit=PAGE
        ):
            yield page
            after = page[-1].id


def short(reject: Reject) -> str:
    """Return a short id: the beginning of the document version's, and the position in the document."""
    return reject.id[:8] if reject.position is None else f"{reject.id[:8]}.{reject.position}"


def resolve(ledger: Ledger, given: str) -> str:
    """Return the id of the one reject that is meant by an id, the beginning of one, or a short id.

    Raises:
        ConfigError: There is none, or more than one.
    """
    if ledger.rejects(ids=[given], limit=1):
        return given
    prefix, dot, position = given.lower().partition(".")
    if not prefix or (dot and not position.isdecimal()):
        raise ConfigError(f"{given!r} is not the id of a reject; see: batchwright rejects list")
    wanted = int(position) if dot else None
    found: list[Reject] = []
    after = prefix
    while page := ledger.rejects(after=after, limit=PAGE):
        matching = [r for r in page if r.id.startswith(prefix)]
        found += [r for r in matching if wanted is None or r.position == wanted]
        if len(found) > 1 or len(matching) < len(page):
            break
        after = page[-1].id
    if not found:
        raise ConfigError(f"there is no reject {given!r}; see: batchwright rejects list")
    if len(found) > 1:
        shown = ", ".join(short(r) if short(r) != given else r.id for r in found[:3])
        raise ConfigError(f"{given!r} is the beginning of more than one reject's id: {shown} …")
    return found[0].id


def _run(ledger: Ledger, given: str) -> str:
    found = [run.run_id for run in ledger.runs(limit=10_000) if run.run_id.startswith(given)]
    if given in found or not found:
        return given
    if len(found) > 1:
        raise ConfigError(f"{given!r} is the beginning of more than one run's id: {', '.join(found[:3])} …")
    return found[0]
