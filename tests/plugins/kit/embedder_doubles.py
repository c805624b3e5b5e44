"""An embedder that keeps its contract, and such that break one promise each."""

from __future__ import annotations

import itertools
import logging
import math
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from pydantic import ConfigDict, SecretStr

from batchwright import BadRecords, Embedder, EmbedderLimits, EmbedderOptions, EmbeddingModel
from batchwright.testing.embeddings_server import hashed
from tests.plugins.kit.reference import Broken

REFUSED = "a text that is refused"
_away = threading.Event()
_chance = itertools.count()

Vectors = Sequence[Sequence[float]]


@contextmanager
def cut_off() -> Iterator[None]:
    _away.set()
    try:
        yield
    finally:
        _away.clear()


class Options(EmbedderOptions):
    key: SecretStr | None = None


class GoodEmbedder(Embedder[Options]):
    name = "good"
    options_type = Options
    limits = EmbedderLimits(texts=16, tokens=100_000, tokens_a_text=50_000)

    @property
    def model(self) -> EmbeddingModel:
        return EmbeddingModel("good", 16)

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.reach()
        if REFUSED in texts:
            self.refuse(texts)
        return [self.vector(text) for text in texts]

    def reach(self) -> None:
        if _away.is_set():
            raise ConnectionError("the model is out of reach")
        if self.options.key is not None:
            self.complain(self.options.key.get_secret_value())

    def complain(self, key: str) -> None:
        raise ConnectionError("the model doesn't know the key")

    def refuse(self, texts: Sequence[str]) -> None:
        raise BadRecords({position: "refused" for position, text in enumerate(texts) if text == REFUSED})

    def vector(self, text: str) -> Sequence[float]:
        return hashed(text, 16)


class DropsDuplicates(GoodEmbedder):
    def embed(self, texts: Sequence[str]) -> Vectors:
        return super().embed(list(dict.fromkeys(texts)))


class OtherDimensions(GoodEmbedder):
    def vector(self, text: str) -> Sequence[float]:
        return hashed(text, 15)


class NaN(GoodEmbedder):
    def vector(self, text: str) -> Sequence[float]:
        return [math.nan, *hashed(text, 15)]


class ByPlace(GoodEmbedder):
    def embed(self, texts: Sequence[str]) -> Vectors:
        return super().embed(texts)[::-1]


class ByChance(GoodEmbedder):
    def vector(self, text: str) -> Sequence[float]:
        return hashed(f"{text}{next(_chance)}", 16)


class Truncates(GoodEmbedder):
    def vector(self, text: str) -> Sequence[float]:
        return hashed(text[:50], 16)


class PromisesTooMuch(GoodEmbedder):
    def embed(self, texts: Sequence[str]) -> Vectors:
        if len(texts) > 8:
            raise Broken("too many")
        return super().embed(texts)


class SharesItsState(GoodEmbedder):
    texts: Sequence[str] = ()

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.texts = texts
        time.sleep(0.01)
        return super().embed(self.texts)


class QueriesAreLists(GoodEmbedder):
    def embed_query(self, text: str) -> Any:
        return self.embed([text])


class RaisesForSurrogates(GoodEmbedder):
    def vector(self, text: str) -> Sequence[float]:
        return hashed(text.encode().decode(), 16)


class NamesTheFirst(GoodEmbedder):
    def embed(self, texts: Sequence[str]) -> Vectors:
        if any("\0" in text for text in texts):
            raise BadRecords({0: "NUL"})
        return super().embed(texts)


class RefusesWithValueErrors(GoodEmbedder):
    def refuse(self, texts: Sequence[str]) -> None:
        raise Broken("one of them is refused")


class NoName(GoodEmbedder):
    @property
    def model(self) -> EmbeddingModel:
        return EmbeddingModel("", 16)


class ChangesItsModel(GoodEmbedder):
    @property
    def model(self) -> EmbeddingModel:
        return EmbeddingModel("good", 16, revision=str(next(_chance)))


class IdentityByHash(GoodEmbedder):
    @property
    def model(self) -> EmbeddingModel:
        return EmbeddingModel("good", 16, revision=str(hash("good")))


class NoLimits(GoodEmbedder):
    limits = EmbedderLimits(texts=16, tokens=0)


class CountsOnce(GoodEmbedder):
    def tokens(self, text: str) -> int:
        return 1


class ConnectsAtOnce(GoodEmbedder):
    def __init__(self, options: Options) -> None:
        super().__init__(options)
        _ask()


class Downloads(GoodEmbedder):
    def reach(self) -> None:
        super().reach()
        _ask()


class NeverWell(GoodEmbedder):
    def probe(self) -> None:
        raise Broken("not well")


class ClosesOnce(GoodEmbedder):
    closed = False

    def close(self) -> None:
        if self.closed:
            raise Broken("closed already")
        self.closed = True


class SharesWhatItCloses(GoodEmbedder):
    closed: set[str] = set()  # noqa: RUF012 - the point

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.closed.clear()

    def reach(self) -> None:
        super().reach()
        if self.closed:
            raise Broken("closed")

    def close(self) -> None:
        self.closed.add("closed")


class Prints(GoodEmbedder):
    def vector(self, text: str) -> Sequence[float]:
        print("embedding")
        return super().vector(text)


class LaxOptions(Options):
    model_config = ConfigDict(extra="ignore")


class Lax(GoodEmbedder):
    options_type = LaxOptions


class BlamesTheTexts(GoodEmbedder):
    def reach(self) -> None:
        if _away.is_set():
            raise BadRecords({0: "out of reach"})
        super().reach()


class Talks(GoodEmbedder):
    def __repr__(self) -> str:
        key = self.options.key
        return f"<Talks {key and key.get_secret_value()}>"


class LogsTheKey(GoodEmbedder):
    def complain(self, key: str) -> None:
        logging.getLogger("double").debug("the key is %s", key)
        super().complain(key)


def _ask() -> None:
    with suppress(OSError), socket.socket() as connection:
        connection.settimeout(0.2)
        connection.connect(("127.0.0.1", 9))


EMBEDDERS: dict[str, Callable[..., Any]] = {
    "there_is_one_vector_a_text": DropsDuplicates,
    "a_vector_has_the_dimensions_of_the_model": OtherDimensions,
    "the_numbers_are_finite_and_not_all_zero": NaN,
    "vectors_come_in_the_order_of_the_texts": ByPlace,
    "the_same_text_has_the_same_vector": ByChance,
    "texts_that_differ_have_vectors_that_differ": Truncates,
    "a_full_request_is_taken": PromisesTooMuch,
    "requests_may_be_made_at_the_same_time": SharesItsState,
    "what_is_searched_for_has_a_vector_of_the_same_kind": QueriesAreLists,
    "a_hostile_text_has_a_vector_or_is_named": RaisesForSurrogates,
    "a_hostile_text_costs_no_other": NamesTheFirst,
    "a_text_that_is_refused_is_named": RefusesWithValueErrors,
    "the_model_says_what_it_is": NoName,
    "the_model_stays_the_same": ChangesItsModel,
    "another_process_has_the_same_model_and_vectors": IdentityByHash,
    "limits_are_numbers_from_one": NoLimits,
    "tokens_are_counted_the_same_each_time_and_more_for_more": CountsOnce,
    "making_it_asks_nobody": ConnectsAtOnce,
    "where_no_host_is_said_nobody_is_asked": Downloads,
    "the_probe_passes": NeverWell,
    "it_may_be_closed_twice_and_before_it_was_used": ClosesOnce,
    "closing_one_leaves_others_alone": SharesWhatItCloses,
    "nothing_is_written_to_stdout": Prints,
    "an_unknown_option_is_refused": Lax,
    "an_outage_is_no_fault_of_the_texts_and_passes": BlamesTheTexts,
    "nothing_that_is_shown_holds_the_key": Talks,
    "an_error_shows_no_key": LogsTheKey,
}
"""By check, the embedder that it must catch."""
