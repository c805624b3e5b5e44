"""Searching by vectors and fields: from a program, and from the command line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from batchwright import BatchConfig, ConfigError, PluginError, SinkError, Target, hookimpl
from batchwright.builtin.sqlite import SqliteOptions, SqliteSink
from batchwright.cli.main import execute
from batchwright.contracts.embedder import Embedder, EmbedderOptions, EmbeddingModel
from batchwright.contracts.search import SearchHit
from batchwright.sinkkit.search.candidates import Candidate
from batchwright.sinkkit.search.query import Query
from batchwright.sinkkit.search.rank import rank
from batchwright.sinkkit.vectors.fusion import fused
from batchwright.testing.embedded import MODEL, embedded, numbers_of, put, vectors_of
from batchwright.testing.records import batch, receipt, sample

PLUGIN = """
from batchwright import hookimpl
from tests.unit.test_search_modes import Kit
@hookimpl
def register_embedders():
    return [Kit]
"""


class Kit(Embedder[EmbedderOptions]):
    """Makes the vectors of `batchwright.testing.embedded`."""

    name = "kit"
    closed = 0

    @property
    def model(self) -> EmbeddingModel:
        return MODEL

    def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        if texts == ["query: fail"]:
            raise OSError("the model is gone")
        return [numbers_of(text.removeprefix("query: ")) for text in texts]

    def close(self) -> None:
        type(self).closed += 1


class Other(Kit):
    name = "other"

    @property
    def model(self) -> EmbeddingModel:
        return EmbeddingModel("other", 16)


@hookimpl
def register_embedders() -> Iterable[type[Embedder[EmbedderOptions]]]:
    return [Kit, Other]


PLUGINS = [SimpleNamespace(register_embedders=register_embedders)]


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'kb.db'}"
    one = sample("a.md", ["about walruses", "about penguins"], metadata={"kind": "animal"})
    two = sample("b.md", ["about pears"], metadata={"kind": "fruit"})
    with SqliteSink(SqliteOptions.model_validate({"url": url})).open() as store:
        vectors = vectors_of(store)
        put(vectors, ["about walruses", "about penguins", "about pears"])
        published = (one.publication(), two.publication())
        chunks = [*one.chunks, *two.chunks]
        store.write(batch(chunks), receipt(3, publications=published, embedded=embedded(one, two)))
        vectors.use(MODEL)
    return url


def _config(url: str, **values: object) -> BatchConfig:
    given = {"to": url, "embedder": "kit", "embedders": {"kit": {"query_prefix": "query: "}}}
    return BatchConfig.model_validate({**given, **values})


def test_a_program_searches_by_vectors_of_the_embedder_it_loaded_with(url: str) -> None:
    Kit.closed = 0
    with Target(_config(url), plugins=PLUGINS) as kb:
        assert [hit.excerpt for hit in kb.search("about pears", 1, mode="vector")] == ["about pears"]
        assert kb.search("about pears", 1, mode="vector", where={"kind": "animal"})[0].key == "a.md"
        found = {hit.key for hit in kb.search("walruses", 3, mode="hybrid")}
        assert found == {"a.md", "b.md"}
        assert Kit.closed == 0
    assert Kit.closed == 1


def test_the_notes_are_those_of_the_mode(url: str) -> None:
    with Target(_config(url), plugins=PLUGINS) as kb:
        [said] = kb.search_notes("pears -walruses")
        assert said.startswith("-walruses leaves out")
        [only] = kb.search_notes("pears -walruses", mode="vector")
        assert only.startswith("phrases, beginnings* and -words count for words only")
        assert kb.search_notes("pears -walruses", mode="hybrid") == [only, said]
        assert kb.search_notes("*", mode="vector") == kb.search_notes("pears", mode="hybrid") == []


def test_the_settings_say_how_to_search(url: str) -> None:
    with Target(_config(url, search_mode="vector"), plugins=PLUGINS) as kb:
        assert len(kb.search("about pears")) == 3
        assert len(kb.search("pears", mode="text")) == 1


def test_a_program_may_bring_the_vector(url: str) -> None:
    with Target(url) as kb:
        hits = kb.search("", 1, mode="vector", vector=numbers_of("about pears"))
        assert [hit.excerpt for hit in hits] == ["about pears"]
        with pytest.raises(ConfigError, match="3 numbers"):
            kb.search("", mode="vector", vector=[1, 2, 3])


def test_what_a_search_by_vectors_lacks_is_said(url: str, tmp_path: Path) -> None:
    with Target(url) as kb, pytest.raises(ConfigError, match="embedder = NAME"):
        kb.search("pears", mode="vector")
    wrong = pytest.raises(ConfigError, match=r"vectors of kit .* has other")
    with Target(_config(url, embedder="other"), plugins=PLUGINS) as kb, wrong:
        kb.search("pears", mode="vector")
    with Target(_config(url), plugins=PLUGINS) as kb, pytest.raises(PluginError, match="the model is gone"):
        kb.search("fail", mode="hybrid")
    plain = f"sqlite:///{tmp_path / 'plain.db'}"
    with SqliteSink(SqliteOptions.model_validate({"url": plain})).open() as store:
        one = sample("a.md")
        store.write(batch(one.chunks), receipt(3, publications=(one.publication(),)))
    with (
        Target(_config(plain), plugins=PLUGINS) as kb,
        pytest.raises(SinkError, match="no vectors are in use"),
    ):
        kb.search("pears", mode="vector")


def test_the_command_searches_in_all_modes(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    plugin = tmp_path / "kit_plugin.py"
    plugin.write_text(PLUGIN)
    (tmp_path / "batchwright.toml").write_text(
        'embedder = "kit"\n[embedders.kit]\nquery_prefix = "query: "\n'
    )
    command = ["search", "--to", url, "--plugin", str(plugin), "--json"]

    def found(*more: str) -> list[str]:
        assert execute([*command, *more]) == 0
        return [hit["excerpt"] for hit in json.loads(capsys.readouterr().out)["hits"]]

    assert found("--mode", "vector", "--limit", "1", "about pears") == ["about pears"]
    assert len(found("--mode", "hybrid", "pears")) == 3
    assert len(found("--mode", "hybrid", "--where", "kind=animal", "pears")) == 2
    assert len(found("--where", "kind=animal", "about")) == 2
    assert execute([*command, "--where", "kind", "about"]) == 2
    assert "NAME=VALUE" in capsys.readouterr().err
    assert execute([*command, "--where", "kinds=fruit", "about"]) == 2
    assert "'kinds'" in capsys.readouterr().err


def _hits(**scores: float) -> list[SearchHit]:
    return [SearchHit(name, "c", "k", "", name, score) for name, score in scores.items()]


def test_both_sides_count_as_they_are_said_to() -> None:
    words, near = _hits(a=9.0, b=5.0, c=1.0), _hits(d=0.9, b=0.8, e=0.1)
    assert [hit.id for hit in fused(words, near, 5, share=0.0)][:3] == ["a", "b", "c"]
    assert [hit.id for hit in fused(words, near, 5, share=1.0)][:2] == ["d", "b"]
    best = fused(words, near, 5, share=0.5)
    assert best[0].id == "b", "what both find comes before what one finds"
    assert [hit.score for hit in best] == sorted((hit.score for hit in best), reverse=True)
    assert len(fused(words, near, 2)) == 2
    assert fused([], near, 3)[0].id == "d"
    assert fused(words, [], 3)[0].id == "a"
    assert fused([], [], 3) == []


def test_as_many_come_as_are_asked_for_and_the_first_are_the_same() -> None:
    words = _hits(**{f"w{number}": 200.0 - number for number in range(150)}, both=1.0)
    near = _hits(**{f"n{number}": 1 - number / 200 for number in range(150)}, both=0.1)
    everything = fused(words, near, 1_000)
    assert len(everything) == len({hit.id for hit in everything}) == 301
    scores = [hit.score for hit in everything]
    assert scores == sorted(scores, reverse=True)
    for limit in (10, 60, 150, 300):
        assert fused(words, near, limit) == everything[:limit]
        assert fused(words[: max(50, limit)], near[: max(50, limit)], limit) == everything[:limit]


def test_words_count_less_where_they_are_few_of_those_asked_for() -> None:
    words, near = _hits(a=9.0, b=8.0), _hits(d=0.9, e=0.1)

    def covering(a: float, b: float) -> list[SearchHit]:
        return [replace(hit, cover=cover) for hit, cover in zip(words, (a, b), strict=True)]

    assert fused(covering(1.0, 1.0), near, 1)[0].id == "a"
    assert fused(covering(0.2, 0.1), near, 1)[0].id == "d"


def test_the_cover_counts_rare_words_more_and_what_no_record_has_most() -> None:
    query = Query.parse("the walrus quagga")
    candidates = [Candidate(name, "c", name, "", text) for name, text in _TEXTS.items()]
    known = {"the": 900.0, "walrus": 2.0}
    covers = {hit.id: hit.cover for hit in rank(query, candidates, known, 1_000, 5.0, 5)}
    assert covers["a"] < covers["b"] < covers["c"] < 0.6
    asked = rank(Query.parse("the walrus"), candidates, known, 1_000, 5.0, 5)
    covers = {hit.id: hit.cover for hit in asked}
    assert covers["a"] < 0.1 < 0.9 < covers["b"] < covers["c"] == 1.0


_TEXTS = {"a": "The end", "b": "a WALRUS", "c": "the walrus"}
