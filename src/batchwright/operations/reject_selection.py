"""Which rejects a command selects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from batchwright.contracts.ledger import Ledger, pages
from batchwright.contracts.receipts import Reject, RejectFilter
from batchwright.errors import ConfigError
from batchwright.operations.relation import Relation
from batchwright.operations.target import WAY_ON, OpenTarget

_WHOLE_ID = 36  # characters of a UUID
PAGE = 200
"""Rejects that are in memory at a time; each may have a text."""


@dataclass(frozen=True, slots=True)
class RejectSelection:
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

    def pages(self, target: OpenTarget) -> Iterator[list[Reject]]:
        """Yield the rejects by relation and id, some at a time; those of a page may be gone at the next.

        Raises:
            ConfigError: There is no reject, or more than one, with an id that was given; or no collection of
                the name to which the target is limited.
        """
        run = None if self.run is None else _run(target, self.run)
        for relation, ids in self._places(target):
            if relation.collection is not None:
                relation.collections()
            collection = self.collection or relation.collection
            wanted = RejectFilter(collection, ids=ids, run_id=run, key=self.key, error=self.error)
            for page in _pages(relation.ledger, wanted):
                yield [replace(reject, relation=relation.name) for reject in page]

    def _places(self, target: OpenTarget) -> Iterable[tuple[Relation, list[str] | None]]:
        """Return where to look, and for which ids; None for all."""
        relations = target.about(self.collection)
        if not self.ids:
            return ((relation, None) for relation in relations)
        places: dict[Relation, list[str]] = {}
        for relation, reject in resolve(relations, self.ids):
            places.setdefault(relation, []).append(reject.id)
        return places.items()


def short(reject: Reject) -> str:
    """Return a short id: the beginning of the document version's, and the position in the document."""
    return reject.id[:8] if reject.position is None else f"{reject.id[:8]}.{reject.position}"


def resolve(relations: Iterable[Relation], given: Sequence[str]) -> list[tuple[Relation, Reject]]:
    """Return the one reject that is meant by each id, beginning of one, or short id, and where it is.

    Raises:
        ConfigError: There is none, or more than one.
    """
    found: dict[str, list[tuple[Relation, Reject]]] = {one: [] for one in given}
    for relation in relations:
        for one, places in found.items():
            places += [(relation, reject) for reject in _meant(relation.ledger, one)]
    return [_only(one, places) for one, places in found.items()]


def _meant(ledger: Ledger, given: str) -> list[Reject]:
    """Return the reject with an id, or those that it is the beginning of: more than one is enough."""
    if exact := ledger.rejects(RejectFilter(ids=[given]), limit=1):
        return exact
    prefix, dot, position = given.lower().partition(".")
    if not prefix or (dot and not position.isdecimal()):
        raise ConfigError(f"{given!r} is not the id of a reject; see: batchwright rejects list")
    wanted = int(position) if dot else None
    found: list[Reject] = []
    for page in _pages(ledger, RejectFilter(), prefix):
        matching = [r for r in page if r.id.startswith(prefix)]
        found += [r for r in matching if wanted is None or r.position == wanted]
        if len(found) > 1 or len(matching) < len(page):
            break
    return found


def _pages(ledger: Ledger, wanted: RejectFilter, after: str = "") -> Iterator[Sequence[Reject]]:
    return pages(lambda at: ledger.rejects(wanted, after=at, limit=PAGE), lambda reject: reject.id, after)


def _only(given: str, found: list[tuple[Relation, Reject]]) -> tuple[Relation, Reject]:
    if not found:
        raise ConfigError(f"there is no reject {given!r}; see: batchwright rejects list")
    if len(found) == 1:
        return found[0]
    if len({reject.id for _, reject in found}) == 1:  # the same document, loaded into two relations
        listed = ", ".join(str(relation.name) for relation, _ in found[:3])
        raise ConfigError(f"the reject {given!r} is in several relations: {listed}; choose one{WAY_ON}")
    rejects = [reject for _, reject in found[:3]]
    shown = ", ".join(short(r) if short(r) != given else r.id for r in rejects)
    raise ConfigError(f"{given!r} is the beginning of more than one reject's id: {shown} …")


def _run(target: OpenTarget, given: str) -> str:
    """Return the id of the run that is meant by its beginning; as it is, where there is none."""
    relations = () if len(given) == _WHOLE_ID else target.about_past()
    runs = (run for relation in relations for run in relation.ledger.runs(limit=10_000))
    found = [*dict.fromkeys(run.run_id for run in runs if run.run_id.startswith(given))]
    if given in found or not found:
        return given
    if len(found) > 1:
        raise ConfigError(f"{given!r} is the beginning of more than one run's id: {', '.join(found[:3])} …")
    return found[0]
