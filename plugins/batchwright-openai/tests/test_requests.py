"""What is sent, and where."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path
from typing import Any

import pytest
from batchwright_openai import AnswerError, OpenAIEmbedder, OpenAIOptions, WrongAnswer

from batchwright import BadRecords, ConfigError, CountedVectors
from batchwright.testing import EmbeddingsServer, ServerFault, ServerSettings
from batchwright.testing.embeddings_server import vector_of

from .conftest import Make

KEY = "sk-0123456789abcdef"


def as_lists(vectors: Any) -> list[list[float]]:
    return [list(vector) for vector in vectors]


@pytest.mark.parametrize("encoding", ["base64", "float"])
def test_each_text_gets_its_vector_though_answers_are_shuffled(make: Make, encoding: str) -> None:
    texts = [f"text {number}" for number in range(50)] + ["a\0b", "\U0001f600", "é" * 50_000]
    vectors = make(encoding_format=encoding).embed(texts)
    assert as_lists(vectors) == [vector_of(text, 8) for text in texts]
    assert isinstance(vectors, CountedVectors)
    assert vectors.used_tokens > 50_000


def test_a_request_says_what_is_asked_and_no_key_where_none_was_given(
    server: EmbeddingsServer, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)  # which is OpenAI's, and nobody else's
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    make(user="me", headers={"X-Org": "1"}, secret_headers={"X-Secret": "s"}, extra_body={"a": 1}).embed(
        ["x"]
    )
    [asked] = server.requests
    assert asked.path == "/v1/embeddings"
    assert asked.body == {"a": 1, "model": "tiny", "user": "me", "encoding_format": "base64"}
    assert (asked.headers["x-org"], asked.headers["x-secret"]) == ("1", "s")
    assert not any(KEY in value for value in asked.headers.values())
    assert "authorization" not in asked.headers


def test_what_is_searched_for_has_a_body_of_its_own(server: EmbeddingsServer, make: Make) -> None:
    embedder = make(extra_body={"input_type": "passage", "b": 1}, query_extra_body={"input_type": "query"})
    assert list(embedder.embed_query("x")) == vector_of("x", 8)
    embedder.embed(["x"])
    query, passage = (request.body for request in server.requests)
    assert (query["input_type"], query["b"], passage["input_type"]) == ("query", 1, "passage")


@pytest.mark.parametrize("where", ["given", "file", "variable"])
def test_the_key_comes_from_one_of_three_places(
    server: EmbeddingsServer, make: Make, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    monkeypatch.setenv("MY_KEY", KEY)
    given = {
        "given": {"api_key": KEY},
        "file": {"api_key_file": tmp_path / "key"},
        "variable": {"api_key_env": "MY_KEY"},
    }
    make(**given[where]).embed(["x"])
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_azure_gets_its_version_and_its_header(
    server: EmbeddingsServer, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    base = server.url.removesuffix("/v1") + "/openai/deployments/mine"
    make(base_url=base, api_version="2024-10-21").embed(["x"])
    [asked] = server.requests
    assert asked.path == "/openai/deployments/mine/embeddings?api-version=2024-10-21"
    assert asked.headers["api-key"] == KEY
    assert "authorization" not in asked.headers


def test_a_key_may_stand_in_another_header(server: EmbeddingsServer, make: Make) -> None:
    make(api_key=KEY, key_header="X-Api-Key").embed(["x"])
    assert server.requests[0].headers["x-api-key"] == KEY
    assert "authorization" not in server.requests[0].headers


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({"model": "tiny", "dimensions": 5}, None),
        ({"model": "tiny", "dimensions": 5, "send_dimensions": True}, 5),
        ({"model": "text-embedding-3-small", "dimensions": 5}, 5),
        ({"model": "text-embedding-3-small", "dimensions": 1536}, None),
        ({"model": "text-embedding-3-large", "dimensions": None}, None),
        ({"model": "text-embedding-ada-002", "dimensions": None}, None),
    ],
)
def test_dimensions_are_sent_where_the_model_shortens(
    server: EmbeddingsServer, make: Make, options: dict[str, Any], sent: int | None
) -> None:
    embedder = make(**options)
    server.settings = ServerSettings(dimensions=embedder.model.dimensions)
    embedder.embed(["x"])
    assert server.requests[0].body.get("dimensions") == sent


def test_a_server_that_knows_no_base64_is_asked_for_numbers_from_then_on(
    server: EmbeddingsServer, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.set_faults(ServerFault(at=(1,), status=422, code="encoding_format: unknown field"))
    embedder = make()
    for _ in range(2):
        assert as_lists(embedder.embed(["x", "y"])) == [vector_of("x", 8), vector_of("y", 8)]
    assert [request.body["encoding_format"] for request in server.requests] == ["base64", "float", "float"]
    server.set_faults(ServerFault(text="x", status=422, code="encoding_format"))
    with pytest.raises(WrongAnswer, match="encoding_format = float"):
        embedder.embed(["x"])


def test_texts_that_have_no_utf8_form_are_named_and_nothing_is_sent(
    server: EmbeddingsServer, make: Make
) -> None:
    with pytest.raises(BadRecords) as caught:
        make().embed(["good", "bad \ud800", "good", "\udfff"])
    assert caught.value.reasons.keys() == {1, 3}
    assert server.requests == []


def test_a_server_that_cuts_texts_without_a_word_is_a_warning_once(
    server: EmbeddingsServer, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    server.settings = ServerSettings(tokens_a_text=5, truncates=True)
    embedder = make()
    embedder.embed(["one two three"])
    assert not caplog.records
    embedder.embed(["one two three four five six"])
    embedder.embed(["one two three four five six"])
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert "cuts long texts without a word" in record.getMessage()
    exact = make(model="text-embedding-3-small", dimensions=8)
    assert (exact.counts_exactly, embedder.counts_exactly) == (True, False)
    exact.embed(["one two three four five six"])  # of which the run warns itself
    assert len(caplog.records) == 1


def test_a_server_that_counts_nothing_or_wrongly_is_none(server: EmbeddingsServer, make: Make) -> None:
    server.settings = ServerSettings(counts=False)
    assert not isinstance(make().embed(["x"]), CountedVectors)


def test_tokens_are_counted_exactly_for_models_of_openai_and_over_estimated_for_others(make: Make) -> None:
    text = "The quick brown fox jumps over the lazy dog."
    assert make(model="text-embedding-3-small").tokens(text) == 10
    assert 10 < make().tokens(text) < 20
    assert make(model="text-embedding-3-small").tokens("\ud800") > 0


def test_a_redirect_is_not_followed(server: EmbeddingsServer, make: Make) -> None:
    with EmbeddingsServer() as other:
        server.set_faults(ServerFault(at=(1,), status=307, location=f"{other.url}/embeddings"))
        with pytest.raises(WrongAnswer, match="sends us elsewhere"):
            make(api_key=KEY).embed(["x"])
        assert other.requests == []


def test_a_proxy_of_the_environment_is_used_and_its_password_is_not_shown(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    with EmbeddingsServer() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://me:hunter2@127.0.0.1:{proxy.port}")
        embedder = make(base_url="http://embeddings.invalid/v1", allow_http=True)
        embedder.embed(["x"])
        assert proxy.requests[0].path == "http://embeddings.invalid/v1/embeddings"
    with pytest.raises(ConnectionError) as caught:
        make(base_url="http://embeddings.invalid/v1", allow_http=True).embed(["x"])
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("fault", [ServerFault(at=(1,), delay=3), ServerFault(at=(1,), drip=3)])
def test_an_answer_takes_no_longer_than_the_timeout_in_drops_neither(
    server: EmbeddingsServer, make: Make, fault: ServerFault
) -> None:
    server.set_faults(fault)
    began = time.monotonic()
    with pytest.raises(TimeoutError, match=r"127\.0\.0\.1: no answer within 0\.5 s"):
        make(timeout=0.5).embed(["x"])
    assert time.monotonic() - began < 2


def test_the_probe_says_that_the_server_answers(server: EmbeddingsServer, make: Make) -> None:
    make().probe()
    server.set_faults(ServerFault(text="probe", status=401))
    with pytest.raises(AnswerError, match="check the key"):
        make().probe()


def test_the_model_is_its_name_dimensions_and_extra_members(make: Make) -> None:
    model = make(extra_body={"b": 1, "a": 2}, revision="7", api_key=KEY).model
    assert (model.name, model.dimensions, model.metric, model.revision) == ("tiny", 8, "cosine", "7")
    assert model.settings == (("extra_body", json.dumps({"a": 2, "b": 1})),)
    assert model != make().model
    assert make(user="me", at_once=9, query_extra_body={"x": 1}).model == make().model
    assert OpenAIEmbedder(OpenAIOptions()).model.dimensions == 1536


def test_the_limits_are_those_of_the_options(make: Make) -> None:
    limits = make().limits
    assert (limits.texts, limits.tokens, limits.tokens_a_text, limits.at_once) == (64, 300_000, 8_191, 4)
    limits = make(
        texts=2, tokens=3, tokens_a_text=4, at_once=5, requests_a_minute=6, tokens_a_minute=7
    ).limits
    assert (limits.texts, limits.tokens, limits.tokens_a_text, limits.at_once) == (2, 3, 4, 5)
    assert (limits.requests_a_minute, limits.tokens_a_minute) == (6, 7)


def test_plan_says_where_texts_go(server: EmbeddingsServer, make: Make) -> None:
    assert make().host == f"127.0.0.1:{server.port}"
    assert OpenAIEmbedder(OpenAIOptions()).host == "api.openai.com"


@pytest.mark.parametrize("given", ["", " \n", "with\nlines", "ümlaut"])
def test_what_is_no_key_is_refused_without_being_shown(make: Make, tmp_path: Path, given: str) -> None:
    (tmp_path / "key").write_text(given)
    with pytest.raises(ConfigError) as caught:
        make(api_key_file=tmp_path / "key").embed(["x"])
    assert "ümlaut" not in str(caught.value)
    with pytest.raises(ConfigError, match="FileNotFoundError"):
        make(api_key_file=tmp_path / "none").embed(["x"])
    with pytest.raises(ConfigError, match="NO_SUCH_KEY is empty"):
        make(api_key_env="NO_SUCH_KEY").embed(["x"])


def test_a_missing_key_of_openai_is_said_before_anything_is_sent() -> None:
    with pytest.raises(ConfigError, match="set OPENAI_API_KEY"):
        OpenAIEmbedder(OpenAIOptions()).embed(["x"])


def test_a_header_that_cannot_be_sent_is_named_without_its_value(make: Make) -> None:
    with pytest.raises(ConfigError, match="X-A") as caught:
        make(secret_headers={"X-A": "hunter2\n"}).embed(["x"])
    assert "hunter2" not in str(caught.value)
