"""The double that each check of vectors must catch."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from batchwright import ProcessedChunk, Receipt, SearchHit
from batchwright.contracts.embedder import EmbeddingModel
from batchwright.contracts.vectors import Key, Unembedded, Vector, Without
from tests.plugins.kit.vectors_reference import (
    Held,
    ReferenceVectors,
    VectorStore,
    with_vectors,
)
from tests.support.model import Tables


class TakesTheLastCanary(ReferenceVectors):
    def prepare(self, model: EmbeddingModel, canary: Vector) -> Vector:
        super().prepare(model, canary)
        self.kept.models[model.identity] = canary
        return canary


class Overwrites(ReferenceVectors):
    def keep(self, place: tuple[str, Key], vector: Vector) -> None:
        self.kept.vectors[place] = vector


class TakesAnyLength(ReferenceVectors):
    def put(self, model: EmbeddingModel, vectors: Mapping[Key, Vector]) -> None:
        for key, vector in vectors.items():
            self.keep((model.identity, key), vector)


class LooksAtTheFirst(ReferenceVectors):
    def missing(self, model: EmbeddingModel, keys: Collection[Key], *, keep: bool = True) -> set[Key]:
        return super().missing(model, list(keys)[:1_000], keep=keep)


class KeepsWhateverIsAsked(ReferenceVectors):
    def missing(self, model: EmbeddingModel, keys: Collection[Key], *, keep: bool = True) -> set[Key]:
        return super().missing(model, keys)


class PublishesWithout(VectorStore):
    def check_vectors(self, tables: Tables, keys: Mapping[str, Held], receipt: Receipt) -> None:
        pass


class ChecksItsBatch(VectorStore):
    def check_vectors(self, tables: Tables, keys: Mapping[str, Held], receipt: Receipt) -> None:
        known = {id_: row for id_, row in tables.rows.items() if id_ in keys}
        super().check_vectors(Tables(rows=known), keys, receipt)


class KnowsNoReasons(VectorStore):
    def is_embedded(self, held: Held | None, model: str) -> bool:
        return isinstance(held, bytes) and super().is_embedded(held, model)


class PagesByPlace(ReferenceVectors):
    def lacking(
        self, model: EmbeddingModel, collection: str, after: str = "", limit: int = 1000
    ) -> list[Unembedded]:
        return super().lacking(model, collection, "", 1_000)[:limit] if not after else []


class AttachesAnywhere(ReferenceVectors):
    def attach(
        self, model: EmbeddingModel, collection: str, keys: Mapping[str, Key | Without], token: str | None
    ) -> None:
        for row in self.rows(None):
            if row.id in keys:
                self.give(row, self.held(model, keys[row.id]))


class AttachesWithoutLease(ReferenceVectors):
    def guard(self, collection: str, token: str | None) -> None:
        pass


class ForgetsWhoRefused(ReferenceVectors):
    def has(self, model: EmbeddingModel, row: ProcessedChunk) -> str:
        held = self.kept.keys.get(row.id)
        return "refused" if isinstance(held, tuple) else super().has(model, row)


class KeepsStaleKeys(VectorStore):
    def attach_keys(
        self,
        keys: dict[str, Held],
        before: Mapping[str, ProcessedChunk],
        receipt: Receipt,
        rows: Sequence[ProcessedChunk],
    ) -> None:
        super().attach_keys(keys, {row.id: row for row in rows}, receipt, rows)


class UsesAtOnce(ReferenceVectors):
    def may_use(self, lacking: Sequence[str]) -> bool:
        return True


class SweepsAtOnce(ReferenceVectors):
    def sweep(self, before: str) -> int:
        return super().sweep(before) + super().sweep(before)


class SweepsTheNext(ReferenceVectors):
    def outdated(self) -> list[str]:
        return [identity for identity in self.kept.order if identity != self.kept.used]


class PurgesAll(VectorStore):
    def purge(self, keys: Collection[Any]) -> None:
        used = self.vectors.used()
        self.vectors.remove([place for place in self.memory.kept.vectors if place[1] not in used])


class FailsBesideAnother(ReferenceVectors):
    def put(self, model: EmbeddingModel, vectors: Mapping[Key, Vector]) -> None:
        if any((model.identity, key) in self.kept.vectors for key in vectors):
            raise RuntimeError("a key is there already")
        super().put(model, vectors)


class FailsWhereTwoAreFirst(ReferenceVectors):
    def prepare(self, model: EmbeddingModel, canary: Vector) -> Vector:
        was_there = model.identity in self.kept.models
        time.sleep(0.05)  # as long as it takes to create a table
        if not was_there and model.identity in self.kept.models:
            raise RuntimeError("the tables are there already")
        return super().prepare(model, canary)


class FindsTheFirst(VectorStore):
    def nearest(self, vector: Vector, rows: Sequence[ProcessedChunk], limit: int) -> list[SearchHit]:
        return super().nearest(vector, rows[: len(rows) // 2], limit)


class CitesNothing(VectorStore):
    def hit(self, row: ProcessedChunk, score: float) -> SearchHit:
        return replace(super().hit(row, score), line=None, page=None)


class FiltersTheNearest(VectorStore):
    def nearest(self, vector: Vector, rows: Sequence[ProcessedChunk], limit: int) -> list[SearchHit]:
        every = super().nearest(vector, self.searched(), limit)
        first = sorted(every, key=lambda hit: -hit.score)[:limit]
        return [hit for hit in first if hit.id in {row.id for row in rows}]


class SearchesAllCollections(VectorStore):
    def search(
        self, text: str, limit: int = 10, *, collection: str | None = None, **asked: Any
    ) -> Sequence[SearchHit]:
        return super().search(text, limit, **asked)


class FindsTheInvisible(VectorStore):
    def searched(self) -> list[ProcessedChunk]:
        return list(self.opened().tables.rows.values())


class RepeatsItself(VectorStore):
    def nearest(self, vector: Vector, rows: Sequence[ProcessedChunk], limit: int) -> list[SearchHit]:
        return [hit for row in rows for hit in super(RepeatsItself, self).nearest(vector, [row], limit)]


class StaysWithItsModel(VectorStore):
    def nearest(self, vector: Vector, rows: Sequence[ProcessedChunk], limit: int) -> list[SearchHit]:
        kept = self.memory.kept
        now, kept.used = kept.used, getattr(self, "_first", kept.used)
        self._first = kept.used
        try:
            return super().nearest(vector, rows, limit)
        finally:
            kept.used = now


class RemembersItsRows(VectorStore):
    def searched(self) -> list[ProcessedChunk]:
        if not hasattr(self, "_seen"):
            self._seen = super().searched()
        return self._seen


class FindsNothingForMistakes(VectorStore):
    def known(self, where: Mapping[str, Any]) -> None:
        pass


class OnlyNear(VectorStore):
    def search(
        self, text: str, limit: int = 10, *, collection: str | None = None, **asked: Any
    ) -> Sequence[SearchHit]:
        mode = "vector" if asked.get("mode") == "hybrid" else asked.get("mode", "text")
        return super().search(text, limit, collection=collection, **{**asked, "mode": mode})


class FindsNothingWithoutModel(VectorStore):
    def nearest(self, vector: Vector, rows: Sequence[ProcessedChunk], limit: int) -> list[SearchHit]:
        return super().nearest(vector, rows, limit) if self.memory.kept.used else []


VECTORS: Mapping[str, Callable[..., Any]] = {
    "a_model_is_prepared_once": with_vectors(TakesTheLastCanary),
    "vectors_put_twice_are_kept_once": with_vectors(Overwrites),
    "a_vector_of_another_length_is_refused": with_vectors(TakesAnyLength),
    "thousands_of_keys_are_looked_up": with_vectors(LooksAtTheFirst),
    "no_row_is_published_without_its_vector": PublishesWithout,
    "rows_of_earlier_batches_need_vectors_too": ChecksItsBatch,
    "a_reason_stands_for_a_vector": KnowsNoReasons,
    "rows_without_a_vector_are_found_by_pages": with_vectors(PagesByPlace),
    "keys_are_attached_to_published_rows": with_vectors(AttachesAnywhere),
    "keys_are_attached_under_the_lease": with_vectors(AttachesWithoutLease),
    "what_one_model_refuses_is_another_ones_to_embed": with_vectors(ForgetsWhoRefused),
    "a_row_that_changes_has_its_vector_no_more": KeepsStaleKeys,
    "a_model_is_used_once_all_rows_have_its_vectors": with_vectors(UsesAtOnce),
    "vectors_go_that_no_row_uses_for_long": with_vectors(SweepsAtOnce),
    "a_question_that_keeps_nothing_writes_nothing": with_vectors(KeepsWhateverIsAsked),
    "vectors_go_of_a_model_that_was_given_up": with_vectors(SweepsTheNext),
    "a_purge_removes_the_vectors_of_its_rows": PurgesAll,
    "stores_that_put_the_same_at_once_agree": with_vectors(FailsBesideAnother),
    "the_first_runs_of_all_may_be_at_once": with_vectors(FailsWhereTwoAreFirst),
    "the_nearest_records_are_found": FindsTheFirst,
    "a_near_record_says_where_its_text_begins": CitesNothing,
    "a_filter_that_leaves_few_loses_none": FiltersTheNearest,
    "a_collection_is_searched_by_itself": SearchesAllCollections,
    "only_what_is_published_takes_places": FindsTheInvisible,
    "the_same_text_takes_one_place": RepeatsItself,
    "searches_never_mix_models": StaysWithItsModel,
    "what_is_added_is_found_by_stores_that_are_open": RemembersItsRows,
    "fields_and_metadata_are_searched_by": FindsNothingForMistakes,
    "words_and_vectors_are_searched_together": OnlyNear,
    "without_a_model_in_use_a_search_says_so": FindsNothingWithoutModel,
}
