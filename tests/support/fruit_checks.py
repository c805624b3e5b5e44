"""What must hold of a program's records with every kind of field, in every sink that takes them."""

from __future__ import annotations

import json
import math
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from batchwright import BatchConfig, BatchProcessor, Corrected, RecordType, RunResult, Target
from batchwright.contracts.events import BatchStarted
from batchwright.plugins.manager import PluginManager
from tests.support.fruits import Fruit, fruit, fruits
from tests.support.loads import Watcher

POISON = "refused by the target, which doesn't say which record it is"

FROM_TEXT: Mapping[str, Callable[[Any], Any]] = {
    "price": Decimal,
    "discount": Decimal,
    "organic": bool,
    "picked": date.fromisoformat,
    "at": time.fromisoformat,
    "sold": datetime.fromisoformat,
    "seen": datetime.fromisoformat,
    "batch": UUID,
    "grower": json.loads,
    "tags": json.loads,
}
"""How to read the fields of a row in which they are text."""


def fruit_of(row: Mapping[str, Any], read: Mapping[str, Callable[[Any], Any]] = FROM_TEXT) -> Fruit:
    """Return the model of a published row, the engine's columns left out."""
    fields = {name: value for name, value in row.items() if not name.startswith("_")}
    given = {name: value for name, value in fields.items() if value is not None and name in read}
    return Fruit.model_validate(fields | {name: read[name](value) for name, value in given.items()})


def load(url: str, records: Any, settings: Any = None, **more: Any) -> RunResult:
    """Load them, as a program does."""
    return BatchProcessor(BatchConfig(to=url, reporters=(), **(settings or {}))).load(records, **more)


def states(result: RunResult) -> dict[str, int]:
    """What became of the documents of a load that got done."""
    assert result.state == "done", result.reason
    counted = result.account.documents
    names = ("added", "changed", "unchanged", "refused", "deleted", "failed", "not_attempted")
    return {name: getattr(counted, name) for name in names if getattr(counted, name)}


def bad(number: int) -> dict[str, Any]:
    """One with a value that its field can't have."""
    return {**dict(fruit(number)), "name": None}


class FruitChecks:
    """Subclass it, and supply the fixtures.

    Fixtures to supply:
        url: An empty target.
        read_back: Reads the published records, without the sink, by id.

    Attributes:
        query: What to add to the URL, to read the relation of these records.
    """

    query = "?table=fruit"

    def _shop(self, url: str) -> Target:
        return Target(f"{url}{self.query}")

    def test_every_kind_of_field_comes_back_equal(
        self, url: str, read_back: Callable[[], list[Fruit]]
    ) -> None:
        assert states(load(url, fruits(50))) == {"added": 50}
        assert read_back() == list(fruits(50))
        with self._shop(url) as shop:
            assert [one.name for one in shop.collections()] == ["fruit"]
            assert list(shop.verify()) == []

    def test_again_nothing_is_written_and_one_changed_is_one_written(
        self, url: str, read_back: Callable[[], list[Fruit]]
    ) -> None:
        load(url, fruits(50))
        again = load(url, fruits(50))
        assert (states(again), again.account.batches) == ({"unchanged": 50}, 0)
        changed = [fruit(n, note="another") if n == 7 else fruit(n) for n in range(50)]
        result = load(url, changed)
        assert (states(result), result.account.records.written) == ({"changed": 1, "unchanged": 49}, 1)
        assert read_back() == changed
        same_instant = fruit(3).model_copy(update={"seen": fruit(3).seen.astimezone()})
        assert states(load(url, [same_instant])) == {"unchanged": 1}

    def test_deleted_and_pruned_ones_are_gone(self, url: str, read_back: Callable[[], list[Fruit]]) -> None:
        load(url, fruits(20))
        processor = BatchProcessor(BatchConfig(to=url, reporters=()))
        assert processor.delete([3, 4, 99], record=Fruit) == 2
        result = load(url, [fruit(n) for n in range(15)], prune=True)
        assert states(result) == {"added": 2, "unchanged": 13, "deleted": 5}
        assert [one.id for one in read_back()] == list(range(15))

    def test_bad_records_cost_themselves_and_are_listed_mended_and_replayed(
        self, url: str, read_back: Callable[[], list[Fruit]]
    ) -> None:
        given = [bad(n) if n in (10, 11, 90) else dict(fruit(n)) for n in range(128)]
        watcher = Watcher()
        processor = BatchProcessor(BatchConfig(to=url, batch_size=128), reporters=[watcher])
        result = processor.load(given, record=Fruit)
        assert (result.account.records.written, result.account.records.rejected) == (125, 3)
        assert watcher.seen(BatchStarted) <= 2
        with self._shop(url) as shop:
            rejects = {reject.key: reject for reject in shop.rejects()}
            assert sorted(rejects) == ["10", "11", "90"]
            assert all("name" in reject.message for reject in rejects.values())
            one = rejects["90"]
            [fate] = shop.replay([Corrected(one.id, {**(one.payload or {}), "name": fruit(90).name})])
            assert fate.fate.value == "stored"
        assert next(record for record in read_back() if record.id == 90) == fruit(90)
        mended = states(load(url, fruits(128)))
        # two were not there at all; one was replayed with a value corrected
        assert mended in ({"added": 2, "changed": 1, "unchanged": 125}, {"added": 2, "unchanged": 126})
        with self._shop(url) as shop:
            assert list(shop.rejects()) == []
        assert read_back() == list(fruits(128))

    def test_bad_records_that_nobody_names_cost_at_most_the_promised_writes(
        self, url: str, read_back: Callable[[], list[Fruit]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with PluginManager.load().make_sink(url).open(RecordType.of(Fruit)) as store:
            kind: Any = type(store)
        original, writes = kind.write, 0

        def write(store: Any, batch: Any, receipt: Any) -> None:
            nonlocal writes
            writes += bool(batch.documents)
            if any(POISON in row.values for row in batch.documents):
                raise ValueError(POISON)
            original(store, batch, receipt)

        monkeypatch.setattr(kind, "write", write)
        number, wrong = 64, {9, 10, 50}
        given = [fruit(n, note=POISON) if n in wrong else fruit(n) for n in range(number)]
        result = load(url, given, {"batch_size": number})
        assert (result.account.records.written, result.account.records.rejected) == (number - 3, 3)
        assert writes <= 1 + 2 * len(wrong) * math.ceil(math.log2(number))
        assert [one.id for one in read_back()] == sorted({*range(number)} - wrong)

    def test_killed_half_way_and_called_again_it_is_exact(
        self, url: str, read_back: Callable[[], list[Fruit]]
    ) -> None:
        seed = random.SystemRandom().randrange(1_000_000)
        chance = random.Random(seed)
        for _ in range(2):
            at, when = chance.randint(1, 8), chance.choice(["before", "after"])
            command = [sys.executable, "-m", "tests.support.killed_load", url, "60", str(at), when, "fruit"]
            done = subprocess.run(command, timeout=60, check=False, capture_output=True, text=True)
            assert done.returncode in (-signal.SIGKILL, 0), done.stderr
        result = load(url, fruits(60))
        assert (result.state, result.account.documents.total) == ("done", 60), f"seed {seed}"
        assert read_back() == list(fruits(60)), f"seed {seed}"
        with self._shop(url) as shop:
            assert list(shop.verify()) == [], f"seed {seed}"
        assert states(load(url, fruits(60))) == {"unchanged": 60}
