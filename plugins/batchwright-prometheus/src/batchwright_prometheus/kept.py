"""What earlier processes left in the file, and the metrics of this one added to it.

`increase` needs counters that go on over runs, and a run that ends says nothing of other collections.
So counters and histograms of this process are added to what the file holds, whoever wrote that: an earlier
run, or another that goes on at the same time. Gauges of other collections stay in the file as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from batchwright_prometheus.registry import is_by_collection

_ENDINGS = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}

Key = tuple[str, tuple[tuple[str, str], ...]]
Values = dict[Key, float]


def samples_in(file: Path) -> list[Sample]:
    """Return the samples that a file holds; none if it is not there, or not one of ours."""
    with suppress(OSError, ValueError):
        families = list(text_string_to_metric_families(file.read_text("utf-8")))
        return [sample for family in families for sample in family.samples]
    return []


class Kept(CollectorRegistry):
    """The metrics of a process together with those in the file.

    Args:
        registry: The metrics of the process.
        file: The file.
        added: Its counts that are in the file already.

    Attributes:
        counts: Its counts that are in the file once this is written.
    """

    def __init__(self, registry: CollectorRegistry, file: Path, added: Values) -> None:
        super().__init__()
        self.counts: Values = {}
        self._registry = registry
        self._added = added
        self._old: dict[str, Values] = {}
        for sample in samples_in(file):
            self._old.setdefault(sample.name, {})[_key(sample)] = sample.value

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics that the file shall hold."""
        families = list(self._registry.collect())
        knows_collection = any(
            sample.labels.get("collection") for family in families for sample in family.samples
        )
        for family in families:
            mine = {_key(sample): sample.value for sample in family.samples if not _is_birth(sample)}
            if family.type in ("counter", "histogram"):
                self.counts.update(mine)
                values = self._sum(family, mine)
            elif is_by_collection(family.name):
                values = self._of_others(family.name, knows_collection) | mine
            else:
                values = mine
            yield _metric(family, values)

    def _sum(self, family: Metric, mine: Values) -> Values:
        """Return the counts of all processes."""
        names = [family.name + ending for ending in _ENDINGS[family.type]]
        old = {key: value for name in names for key, value in self._of(name).items()}
        new = {key: old.get(key, 0.0) + value - self._added.get(key, 0.0) for key, value in mine.items()}
        return old | new

    def _of_others(self, name: str, knows_collection: bool) -> Values:
        """Return a gauge of other collections; a run that begins settles what had no collection."""
        return {
            key: value
            for key, value in self._of(name).items()
            if dict(key[1]).get("collection") or not knows_collection
        }

    def _of(self, name: str) -> Values:
        return self._old.get(name, {})


def _metric(family: Metric, values: Values) -> Metric:
    metric = Metric(family.name, family.documentation, family.type, family.unit)
    for (name, labels), value in values.items():
        metric.add_sample(name, dict(labels), value)
    return metric


def _key(sample: Sample) -> Key:
    return sample.name, tuple(sorted(sample.labels.items()))


def _is_birth(sample: Sample) -> bool:
    """Tell whether it says when this process made a counter: the file counts from earlier."""
    return sample.name.endswith("_created")
