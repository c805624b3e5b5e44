"""Random receipts, legal and illegal ones, and what each leaves in a store, compared with the model.

    check_random_receipts(store, seed, 200)

The same seed gives the same receipts. Each version stands in one of a receipt's lists (or is continued and
published), and each document at most once in `publications` and `patched`, as in those that the engine makes.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from batchwright.contracts.ledger import Ledger, LedgerBeside
from batchwright.contracts.receipts import DocumentVersion, ItemVersion, Receipt, Reject
from batchwright.contracts.sink import Inspectable, Store
from batchwright.errors import IncompleteDocument
from batchwright.model import Batch, ProcessedChunk
from batchwright.testing.records import Sample, reject, sample
from tests.support.model import Tables, apply

_SIZES = (3, 1, 4)  # records of the versions of a document
_KEYS = ("a.md", "b/ü.md", "c", "d.md")
_COLLECTIONS = ("one", "two")  # with the same keys


@dataclass
class Draft:
    """A batch and its receipt in the making."""

    collection: str
    begun: list[DocumentVersion] = field(default_factory=list)
    continued: list[str] = field(default_factory=list)
    publications: list[tuple[Sample, int, bool]] = field(default_factory=list)
    patched: list[DocumentVersion] = field(default_factory=list)
    refused: list[DocumentVersion] = field(default_factory=list)
    deleted: list[tuple[str, str]] = field(default_factory=list)
    discarded: list[str] = field(default_factory=list)
    orphaned: list[str] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    resolved: list[str] = field(default_factory=list)
    noted: list[DocumentVersion] = field(default_factory=list)
    items: list[ItemVersion] = field(default_factory=list)
    items_gone: list[str] = field(default_factory=list)
    rows: list[ProcessedChunk] = field(default_factory=list)


class RandomReceipts:
    """Makes one receipt after the other; what the model holds makes some of them likelier.

    Args:
        seed: The same one gives the same receipts.
        patched: Whether programs take part.
    """

    def __init__(self, seed: int, *, patched: bool = True) -> None:
        self._random = random.Random(seed)
        self._made: list[tuple[list[ProcessedChunk], Receipt]] = []
        self._patched = patched
        self._versions = {
            (name, key): [
                sample(key, size, content=str(number), collection=name) for number, size in enumerate(_SIZES)
            ]
            for name in _COLLECTIONS
            for key in _KEYS
        }
        self._programs = {
            (name, key): [
                sample(key, size, content=f"program {size}", brought_by="program", collection=name)
                for size in (2, 3)
            ]
            for name in _COLLECTIONS
            for key in _KEYS
        }

    def next(self, tables: Tables) -> tuple[list[ProcessedChunk], Receipt]:
        """Return the next batch and its receipt, after what left these tables."""
        chance = self._random
        if self._made and chance.random() < 0.08:
            return chance.choice(self._made[-5:])
        draft = Draft(chance.choice(_COLLECTIONS))
        for key in chance.sample(_KEYS, chance.choice((1, 1, 2, 3))):
            self._touch(draft, key, tables)
        if chance.random() < 0.1:
            draft.rejects.append(
                self._reject(draft, id=f"unreadable {chance.randrange(3)}", key=chance.choice(_KEYS))
            )
        if tables.rejects and chance.random() < 0.2:
            draft.resolved.append(chance.choice(sorted(tables.rejects)))
        self._note(draft)
        rows = list({row.id: row for row in draft.rows}.values())
        chance.shuffle(rows)
        lists: dict[str, Any] = {
            f.name: tuple(getattr(draft, f.name))
            for f in fields(draft)
            if f.name not in ("collection", "publications", "rows")
        }
        publications = tuple(
            replace(one.publication(rejected), was_refused=was_refused)
            for one, rejected, was_refused in draft.publications
        )
        number = len(self._made)
        made = Receipt(
            f"batch {number}",
            f"run {number // 50}",
            draft.collection,
            number,
            len(rows),
            publications=publications,
            cursor=str(number) if chance.random() < 0.05 else None,
            **lists,
        )
        self._made.append((rows, made))
        return rows, made

    def _touch(self, draft: Draft, key: str, tables: Tables) -> None:
        """Do something about one or two versions of a document."""
        chance = self._random
        place = draft.collection, key
        versions = [*self._versions[place], *(self._programs[place] if self._patched else ())]
        chance.shuffle(versions)
        one, other = versions[:2]
        if one.version.brought_by == "program" and chance.random() < 0.8:
            self._patch(draft, one)
        elif one.version.brought_by == "run" and chance.random() < 0.15:
            self._refuse(draft, one)
        elif chance.random() < 0.25:
            self._go(draft, key, one, tables)
        else:
            self._come(draft, one, tables)
        if chance.random() < 0.4:
            self._go(draft, key, other, tables)

    def _patch(self, draft: Draft, one: Sample) -> None:
        draft.patched.append(one.version)
        draft.rows += self._some(one.chunks)
        self._maybe_reject(draft, one)

    def _come(self, draft: Draft, one: Sample, tables: Tables) -> None:
        """Begin, continue or publish a version."""
        chance = self._random
        pending = one.id in tables.pending
        what = chance.choice(
            ("begin", "publish", "publish") if not pending else ("continue", "publish", "publish")
        )
        if chance.random() < 0.1:
            what = chance.choice(("begin", "continue", "publish"))
        if what == "publish":
            self._publish(draft, one, tables)
            return
        if what == "begin":
            draft.begun.append(one.version)
        else:
            draft.continued.append(one.id)
        draft.rows += self._some(one.chunks)
        self._maybe_reject(draft, one)

    def _refuse(self, draft: Draft, one: Sample) -> None:
        """Refuse a version: all of its records are set aside, now or before."""
        draft.refused.append(one.version)
        draft.rejects += [self._reject(draft, chunk) for chunk in self._some(one.chunks)]

    def _publish(self, draft: Draft, one: Sample, tables: Tables) -> None:
        """Publish a version, mostly with the rows that are missing, with none or one of them set aside."""
        chance = self._random
        missing = [chunk for chunk in one.chunks if chunk.id not in tables.rows]
        bring = list(one.chunks) if chance.random() < 0.4 else missing
        rejected = 0
        if missing and chance.random() < 0.2:
            bad = chance.choice(missing)
            bring = [chunk for chunk in bring if chunk.id != bad.id]
            draft.rejects.append(self._reject(draft, bad))
            rejected = 1
        if chance.random() < 0.15:  # one too few, or too many
            bring = bring[1:]
        if chance.random() < 0.05:
            rejected += chance.choice((-1, 1))
        if chance.random() < 0.15:  # a replay or a repair, for which the version has to be known still
            draft.continued.append(one.id)
        was_refused = one.id in tables.refused if chance.random() < 0.9 else chance.random() < 0.5
        draft.publications.append((one, max(0, rejected), was_refused))
        draft.rows += bring

    def _go(self, draft: Draft, key: str, one: Sample, tables: Tables) -> None:
        """Discard, delete or sweep: mostly what is there to be."""
        chance = self._random
        published = tables.documents.get((draft.collection, key))
        taken = {version.document_id for version in (*draft.begun, *draft.patched)}
        taken |= {*draft.continued, *(coming.id for coming, *_ in draft.publications)}
        taken |= {version.document_id for version in draft.refused}
        if published and chance.random() < 0.4:
            gone = published.version.document_id
            if gone not in taken:
                draft.deleted.append((key, gone))
                return
        what = chance.choice(("discarded", "deleted", "orphaned", "stray"))
        if what == "deleted":
            draft.deleted.append((key, one.id))
        elif what == "stray":  # as a crash leaves them where a ledger lies beside the sink
            draft.rows += self._some(one.chunks)
            self._maybe_reject(draft, one)
        else:
            getattr(draft, what).append(one.id)
        if chance.random() < 0.1:  # another collection's must stay
            other = _COLLECTIONS[draft.collection == _COLLECTIONS[0]]
            foreign = chance.choice(self._versions[other, key])
            draft.discarded.append(foreign.id)
            draft.deleted.append((key, foreign.id))

    def _note(self, draft: Draft) -> None:
        """Have something known of the source: of documents published, or not any more, and of items."""
        chance = self._random
        for key in _KEYS if chance.random() < 0.2 else ():
            one = chance.choice(
                [*self._versions[draft.collection, key], *self._programs[draft.collection, key]]
            )
            tag, item = chance.choice(("", "etag", "ü")), chance.choice(("", "rows.csv"))
            draft.noted.append(replace(one.version, fingerprint=tag, item=item, size=7))
        for key in chance.sample(_KEYS, chance.choice((0, 0, 0, 1, 2))):
            if chance.random() < 0.3:
                draft.items_gone.append(key)
            else:
                draft.items.append(ItemVersion(key, f"etag {chance.random()}", "csv1", chance.randrange(9)))

    def _reject(self, draft: Draft, chunk: ProcessedChunk | None = None, **values: str) -> Reject:
        return reject(chunk, collection=draft.collection, **values)

    def _some(self, chunks: Sequence[ProcessedChunk]) -> list[ProcessedChunk]:
        return self._random.sample(chunks, self._random.randint(0, len(chunks)))

    def _maybe_reject(self, draft: Draft, one: Sample) -> None:
        if self._random.random() < 0.15:
            draft.rejects.append(self._reject(draft, self._random.choice(one.chunks)))


def check_random_receipts(
    store: Store, seed: int, number: int, beside: LedgerBeside | None = None
) -> Counter[str]:
    """Write random batches, and compare what a store and its ledger hold with the model after each.

    Args:
        store: An open store of an empty target; it can be looked into (`Inspectable`).
        seed: What chance starts from.
        number: How many receipts.
        beside: The ledger, where the store has none; then no program takes part.

    Returns:
        How many were stored, and how many refused.

    Raises:
        AssertionError: The two differ.
    """
    ledger = store.ledger or beside
    assert ledger is not None
    receipts, tables, counted = RandomReceipts(seed, patched=beside is None), Tables(), Counter[str]()
    for step in range(number):
        rows, receipt = receipts.next(tables)
        wanted = _outcome(apply, tables, receipt, rows)
        found = _outcome(_write, store, beside, rows, receipt)
        counted[wanted] += 1
        where = f"seed {seed}, step {step}: {receipt}"
        assert found == wanted, where
        assert ledger.committed(receipt.batch_id) == (receipt.batch_id in tables.receipts), where
        assert _look(store, ledger) == _expected(tables), where
    return counted


def _write(
    store: Store, beside: LedgerBeside | None, rows: Sequence[ProcessedChunk], receipt: Receipt
) -> None:
    if beside is None:
        store.write(Batch(rows, 0), receipt)
    elif not beside.committed(receipt.batch_id):
        store.write(Batch(rows, 0), replace(receipt, removed=beside.removals(receipt)))
        beside.record(receipt)


def _outcome(call: Callable[..., None], *arguments: object) -> str:
    try:
        call(*arguments)
    except IncompleteDocument:
        return "refused"
    return "stored"


def _look(store: Store, ledger: Ledger) -> dict[str, object]:
    """What is there: ids of rows by version, published and pending versions, rejects."""
    assert isinstance(store, Inspectable)
    held = {holding.document_id: holding.rows for holding in store.holdings()}
    rows = {version: store.sound(version) for version in held}
    assert {version: len(ids) for version, ids in rows.items()} == held
    return {
        "rows": rows,
        "documents": {
            name: [(known.version, known.rejected) for known in ledger.documents(name)]
            for name in _COLLECTIONS
        },
        "pending": {name: ledger.pending(name) for name in _COLLECTIONS},
        "refused": {name: ledger.refused(name) for name in _COLLECTIONS},
        "rejects": ledger.rejects(),
        "items": {name: ledger.items(name) for name in _COLLECTIONS},
        "cursors": {name: ledger.cursor(name) for name in _COLLECTIONS},
    }


def _expected(tables: Tables) -> dict[str, object]:
    rows: dict[str, set[str]] = {}
    for row in tables.rows.values():
        rows.setdefault(row.document_id, set()).add(row.id)
    return {
        "rows": rows,
        "documents": {
            name: [
                (known.version, known.rejected)
                for (own, _), known in sorted(tables.documents.items())
                if own == name
            ]
            for name in _COLLECTIONS
        },
        "pending": {
            name: sorted(
                (one for id_, one in tables.pending.items() if tables.owners[id_] == name),
                key=lambda version: (version.key, version.document_id),
            )
            for name in _COLLECTIONS
        },
        "refused": {
            name: sorted(
                (one for id_, one in tables.refused.items() if tables.owners[id_] == name),
                key=lambda version: version.key,
            )
            for name in _COLLECTIONS
        },
        "rejects": [kept for _, kept in sorted(tables.rejects.items())],
        "items": {
            name: [item for (own, _), item in sorted(tables.items.items()) if own == name]
            for name in _COLLECTIONS
        },
        "cursors": {name: tables.cursors.get(name) for name in _COLLECTIONS},
    }
