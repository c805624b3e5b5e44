"""What an embedder says of itself, and answers, where that is not what it is to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from batchwright import EmbedderLimits, EmbeddingModel, PluginError, Target
from batchwright.contracts.embedder import CountedVectors
from tests.support.embedding import DIMENSIONS
from tests.support.loads import config_of
from tests.unit.embedding.conftest import Base


def model(**wrong: Any) -> EmbeddingModel:
    return replace(EmbeddingModel("scripted", DIMENSIONS), **wrong)


def limits(**wrong: Any) -> EmbedderLimits:
    return EmbedderLimits(**wrong)


WRONG: list[tuple[str, Any, str]] = [
    ("model", None, "has no model: it is None, and is to be EmbeddingModel"),
    ("model", "all-MiniLM-L6-v2", "has no model: it is 'all-MiniLM-L6-v2'"),
    (
        "model",
        model(dimensions="384"),
        "model.dimensions is '384', and is to be a whole number",
    ),
    ("model", model(dimensions=0), "model.dimensions is 0"),
    ("model", model(dimensions=True), "model.dimensions is True"),
    ("model", model(name=""), "has no sound model"),
    ("model", model(revision=3), "has no sound model"),
    ("model", model(settings={"a": "b"}), "has no sound model: its settings"),
    ("model", model(settings=(("a", 1),)), "has no sound model: its settings"),
    ("limits", None, "has no limits: it is None, and is to be EmbedderLimits"),
    ("limits", {"texts": 3}, "has no limits: it is dict"),
    ("limits", limits(texts="many"), "has the limit texts = 'many';"),
    ("limits", limits(texts=0), "has the limit texts = 0;"),
    ("limits", limits(at_once=None), "has the limit at_once = None;"),
    ("limits", limits(tokens_a_text="512"), "has the limit tokens_a_text = '512';"),
    ("limits", limits(tokens=1.5), "has the limit tokens = 1.5;"),
    ("host", None, "has no host: it is None, and is to be str"),
]


@pytest.mark.parametrize(("name", "value", "said"), WRONG)
def test_what_an_embedder_says_of_itself_is_checked_where_it_is_made(
    base: Base, monkeypatch: pytest.MonkeyPatch, name: str, value: Any, said: str
) -> None:
    plugin = base.script.plugin()
    [made] = plugin.register_embedders()  # type: ignore[attr-defined]
    monkeypatch.setattr(made, name, value)
    config = config_of(base.folder, f"sqlite:///{base.db}", embedder="scripted")
    with pytest.raises(PluginError) as raised:
        Target(config, plugins=[plugin]).plan()
    assert "the embedder 'scripted'" in str(raised.value)
    assert said in str(raised.value)


def test_a_model_that_cannot_be_read_is_said(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = base.script.plugin()
    [made] = plugin.register_embedders()  # type: ignore[attr-defined]

    def broken(_: object) -> EmbeddingModel:
        raise KeyError("dimensions")

    monkeypatch.setattr(made, "model", property(broken))
    config = config_of(base.folder, f"sqlite:///{base.db}", embedder="scripted")
    with pytest.raises(PluginError, match="'scripted' has no model: reading it raised KeyError"):
        Target(config, plugins=[plugin]).plan()


@pytest.mark.parametrize("count", ["three", None, 2.5, -1])
def test_a_count_of_tokens_that_is_no_number_fails_the_run(base: Base, count: Any) -> None:
    base.script.tokens = lambda _text: count
    with pytest.raises(PluginError, match=r"the embedder 'scripted': what tokens\(\) returns is"):
        base.load()


def test_tokens_used_that_are_no_number_fail_the_run(base: Base) -> None:
    base.script.act = lambda texts, _: CountedVectors(base.script.vectors(texts), "12")  # type: ignore[arg-type]
    result = base.load()
    assert (result.state, result.exit_code) == ("failed", 1)
    assert "the embedder 'scripted': used_tokens is '12'" in result.reason


def test_vectors_that_are_none_fail_the_run(base: Base) -> None:
    base.script.act = lambda texts, _: [None] * len(texts)  # type: ignore[list-item]
    result = base.load()
    assert (result.state, result.exit_code) == ("failed", 1)
    assert "the embedder 'scripted' returned as a vector NoneType" in result.reason


def test_a_model_that_makes_zeros_is_not_said_to_have_changed(base: Base) -> None:
    def zeros(texts: Sequence[str]) -> list[list[float]]:
        return [[0.0] * DIMENSIONS for _ in texts]

    base.script.vectors = zeros  # type: ignore[method-assign]
    result = base.load()
    assert (result.state, result.exit_code) == ("failed", 1)
    assert "a vector of nothing but zeros" in result.reason
    assert "changed" not in result.reason
