"""A search between whose statements others commit: it finds what was there at one moment."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from batchwright import SinkError
from batchwright.builtin.postgres import vector_index
from batchwright.contracts.embedder import EmbeddingModel
from batchwright.contracts.search import Searchable, SearchHit
from batchwright.testing.embedded import MODEL, OTHER, embedded, put, vector_of, vectors_of
from batchwright.testing.records import Sample, batch, receipt, sample
from tests.support.targets import Target
from tests.support.vector_worker import sink_of

_MOST = 60
"""Statements of a search, at most."""

_NEVER_YET = "2999-01-01T00:00:00+00:00"


class Beside:
    """A store that is searched, and another that changes what is there."""

    def __init__(self, url: str) -> None:
        self._numbers = itertools.count()
        self._before: Sample | None = None
        self.other: Any = sink_of(url).open()
        self.model = MODEL
        self._prepare()
        self.publish()
        self.vectors.use(MODEL)
        self.store: Any = sink_of(url).open()
        self.is_sqlite = url.startswith("sqlite:")

    @property
    def vectors(self) -> Any:
        return vectors_of(self.other)

    def _prepare(self) -> None:
        self.vectors.prepare(self.model, vector_of("canary", self.model))

    def publish(self) -> None:
        """Replace the document."""
        number = next(self._numbers)
        one = sample("a.md", ["about walruses"], content=f"{number}")
        put(self.vectors, ["about walruses"], self.model)
        written = receipt(
            1,
            batch_id=f"{number}",
            publications=(one.publication(),),
            embedded=embedded(one, model=self.model),
        )
        self.other.write(batch(one.chunks), written)

    def switch(self) -> None:
        """Have searches use the other model, and remove the vectors of this one."""
        self.model = OTHER if self.model == MODEL else MODEL
        self._prepare()
        put(self.vectors, ["about walruses"], self.model)
        assert self.vectors.use(self.model) == []
        self.vectors.sweep(_NEVER_YET)

    def reindex(self) -> None:
        """Begin to make the index of texts anew."""
        assert isinstance(self.other, Searchable)
        steps = iter(self.other.reindex())
        next(steps)

    @contextmanager
    def counting(self, before_each: Callable[[], None]) -> Iterator[None]:
        """Call before each statement of the store that is searched."""
        if self.is_sqlite:
            connection = self.store._file._connection
            connection.set_trace_callback(lambda _: before_each())
            yield
            connection.set_trace_callback(None)
            return
        connection = self.store._database._connection
        execute = connection.execute

        def counted(*arguments: Any, **named: Any) -> Any:
            before_each()
            return execute(*arguments, **named)

        connection.execute = counted
        yield
        connection.execute = execute

    def close(self) -> None:
        self.store.close()
        self.other.close()


@pytest.fixture
def beside(target: Target) -> Iterator[Beside]:
    made = Beside(target.fresh())
    yield made
    made.close()


def _search(beside: Beside, mode: str, model: EmbeddingModel) -> Sequence[SearchHit]:
    asked = {} if mode == "text" else {"mode": mode, "vector": vector_of("about walruses", model)}
    found: Sequence[SearchHit] = beside.store.search("walruses", **asked)
    return found


@pytest.mark.parametrize("mode", ["text", "vector", "hybrid"])
@pytest.mark.parametrize("change", ["publish", "switch", "reindex"])
def test_whatever_is_committed_between_its_statements_a_search_finds_what_is_there(
    beside: Beside, mode: str, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_index, "PATIENCE", 0.05)  # a search that waits for us does not end
    if mode == "text" and change == "switch":
        return
    for at in range(1, _MOST):
        model, made = beside.model, 0

        def before_each(at: int = at) -> None:
            nonlocal made
            made += 1
            if made == at:
                getattr(beside, change)()

        with beside.counting(before_each):
            try:
                hits = _search(beside, mode, model)
            except SinkError as error:  # it was switched before the search began to look
                if change != "switch" or "numbers" not in str(error):
                    raise
            else:
                assert [hit.key for hit in hits] == ["a.md"], f"changed before statement {at}"
        if made < at:
            assert at > 3
            return
    pytest.fail("a search makes too many statements")
