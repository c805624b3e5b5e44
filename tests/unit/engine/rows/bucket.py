"""Files of rows in a bucket in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any

from batchwright import BatchConfig, BatchProcessor, Item, RunResult, hookimpl
from batchwright.contracts.source import AnySource, Fetched, Source, SourceOptions
from tests.unit.engine.rows.fruit import TO

HEAD = "id,name\n"


class Bucket(Source[SourceOptions]):
    """Objects in memory; a fingerprint is the object itself."""

    name = "bucket"
    schemes = ("bucket",)
    objects: dict[str, str] = {}  # noqa: RUF012 - a test sets it
    breaks_behind = ""
    fetched: list[str] = []  # noqa: RUF012

    def list(self, after: str = "", until: str | None = None, since: str | None = None) -> Iterator[Item]:
        """Yield the objects."""
        for key, text in sorted(self.objects.items()):
            yield Item(key, key, len(text), str(hash(text)))
            if key == self.breaks_behind:
                raise ConnectionError("the listing broke off")

    def fetch(self, item: Item) -> Fetched:
        """Return an object."""
        self.fetched.append(item.key)
        return Fetched(lambda: BytesIO(self.objects[item.key].encode()))


class Plugin:
    """Offers the bucket."""

    @hookimpl
    def register_sources(self) -> Iterable[type[AnySource]]:
        """Offer it."""
        return [Bucket]


def load(**settings: Any) -> RunResult:
    Bucket.fetched.clear()
    config = BatchConfig(source="bucket://fruit", to=TO, key="id", reporters=(), **settings)
    return BatchProcessor(config, plugins=[Plugin()]).run()
