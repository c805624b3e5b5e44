"""What becomes of texts when the embedder fails: a test for each row of the design's table."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from batchwright import BadRecords, BatchTooLarge, ConfigError, EmbedderLimits
from batchwright.engine.embedding import line
from batchwright.engine.embedding.canary import CANARY
from batchwright.engine.embedding.stage import Stage
from tests.support.embedding import Status
from tests.unit.embedding.conftest import Base

Vectors = Sequence[Sequence[float]]


def failing(times: int, error: Callable[[], Exception]) -> Callable[[list[str], int], None]:
    """Raise so often, then no more."""

    def act(_texts: list[str], before: int) -> None:
        if before < times:
            raise error()

    return act


def refusing(word: str, error: Callable[[], Exception]) -> Callable[[list[str], int], None]:
    def act(texts: list[str], _before: int) -> None:
        if any(word in text for text in texts):
            raise error()

    return act


# --- outages --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [ConnectionRefusedError, lambda: Status(503), TimeoutError])
def test_an_outage_is_waited_for_and_said(
    base: Base, error: Callable[[], Exception], caplog: pytest.LogCaptureFixture
) -> None:
    began: list[float] = []

    def act(*_: object) -> None:
        began.append(time.monotonic())
        if time.monotonic() < began[0] + 1.2:
            raise error()

    base.script.act = act
    base.script.probe = act
    result = base.load(reporters=["logging"])
    assert result.exit_code == 0, result
    assert base.script.probes >= 1
    base.check()
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings[0].startswith("embedding: attempt 1 failed, again in 0.05 s: ")
    assert any(warning.startswith("the embedder seems to be down") for warning in warnings)
    assert result.account.retries == 0, "no batch was written again"


@pytest.mark.parametrize("slow", [False, True])
def test_an_outage_that_lasts_interrupts_the_run_and_what_was_paid_is_kept(base: Base, slow: bool) -> None:
    def tokens(text: str) -> int:
        if slow and text.endswith(CANARY):  # it would be overtaken, and then held back by the outage
            time.sleep(0.5)
        return len(text.split())

    base.script.tokens = tokens

    def act(_texts: list[str], before: int) -> None:
        if before >= 2:
            raise ConnectionRefusedError

    base.script.act = act
    base.script.probe = lambda: act([], 9)
    result = base.load(max_outage=1.0)
    assert result.state == "interrupted"
    assert result.exit_code == 1
    assert "the embedder was down" in result.reason
    paid = {text for texts in base.script.asked[:2] for text in texts}
    base.script.act, base.script.asked = (lambda *_: None), []
    assert base.load().exit_code == 0
    assert not paid & base.script.texts.keys()
    base.check()


def test_in_an_outage_rows_may_be_published_without_and_the_next_run_fills_them_in(base: Base) -> None:
    def act(_texts: list[str], before: int) -> None:
        if before >= 1:
            raise ConnectionRefusedError

    base.script.act = act
    base.script.probe = lambda: act([], 9)
    result = base.load({"on_outage": "publish"}, max_outage=1.0)
    vectors = result.account.vectors
    assert (result.state, result.exit_code) == ("done", 3), result
    assert vectors is not None
    assert vectors.made == len(base.script.asked[0]) == vectors.texts
    assert vectors.outage == result.account.records.written - vectors.made
    base.check(without=vectors.outage)
    base.script.act, base.script.asked = (lambda *_: None), []
    again = base.load()
    assert again.exit_code == 0, again
    assert again.account.vectors is not None
    assert again.account.vectors.filled == vectors.outage == len(base.script.texts)
    base.check()


def test_an_embedder_that_was_never_there_may_be_made_up_for(base: Base) -> None:
    def act(*_: object) -> None:
        raise ConnectionRefusedError

    base.script.act = act
    base.script.probe = act
    base.script.canary = act
    result = base.load({"on_outage": "publish"}, max_outage=0.5)
    assert (result.state, result.exit_code) == ("done", 3), result
    base.script.act, base.script.canary = lambda *_: None, lambda: None
    assert base.load().exit_code == 0
    base.check()


# --- 429 ------------------------------------------------------------------------------------------------


def test_too_many_requests_are_waited_for_by_all_threads(base: Base) -> None:
    said: list[float] = []
    begun: list[float] = []

    def act(_texts: list[str], before: int) -> None:
        begun.append(time.monotonic())
        if before == 1:
            said.append(time.monotonic())
            raise Status(429, retry_after=0.7)

    base.script.act = act
    assert base.load().exit_code == 0
    assert not [moment for moment in begun if said[0] + 0.05 < moment < said[0] + 0.65]
    base.check()


# --- texts that are refused -----------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_request_is_halved_until_the_text_that_is_refused_stands_alone(base: Base, status: int) -> None:
    base.script.act = refusing("Paragraph 3 of document 2", lambda: Status(status))
    result = base.load()
    vectors = result.account.vectors
    assert (result.state, result.exit_code) == ("done", 3), result
    assert vectors is not None
    assert (vectors.refused, result.account.records.rejected) == (1, 0)
    base.check(without=1)
    [(error, decided, payload)] = base.query("SELECT error, decided_by, payload FROM knowledge_base_rejects")
    assert (error, decided) == ("batchwright.errors.TextRefused", "embedder")
    assert "Paragraph 3" in payload
    asked = len(base.script.asked)
    assert base.load().exit_code == 0
    assert len(base.script.asked) == asked  # it is not asked for again


def test_a_text_that_the_embedder_names_is_left_out_and_the_others_sent_again(
    base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "LINGER", 30.0)  # else a machine that is busy sends requests that are not full

    def act(texts: list[str], _before: int) -> None:
        if bad := [n for n, text in enumerate(texts) if "Paragraph 3 of document 2" in text]:
            raise BadRecords(dict.fromkeys(bad, "no"))

    base.script.act = act
    result = base.load()
    assert result.account.vectors is not None
    assert result.account.vectors.refused == 1
    assert len(base.script.asked) == math.ceil(result.account.records.written / 8) + 1
    base.check(without=1)


def test_requests_are_full_although_texts_come_late(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly(text: str) -> int:  # the last texts are looked at when all documents are there
        time.sleep(0.03)
        return len(text.split())

    monkeypatch.setattr(line, "LINGER", 30.0)
    put = Stage.put

    def late(stage: Stage, unit: Any) -> bool:
        time.sleep(0.03)
        return put(stage, unit)

    monkeypatch.setattr(Stage, "put", late)
    base.script.tokens = slowly
    base.write(16, 2)
    assert base.load().exit_code == 0
    assert [len(texts) for texts in base.script.asked] == [8] * 4
    base.check()


def test_a_limit_of_texts_that_nobody_knew_is_found(base: Base) -> None:
    def act(texts: list[str], _before: int) -> None:
        if len(texts) > 3:
            raise BatchTooLarge("at most 3")

    base.script.act = act
    assert base.load().exit_code == 0
    base.check()


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_vector_of_numbers_that_are_none_is_refused(base: Base, number: float) -> None:
    def act(texts: list[str], _before: int) -> Vectors:
        vectors = base.script.vectors(texts)
        for vector, text in zip(vectors, texts, strict=True):
            if "Paragraph 1 of document 1" in text:
                vector[3] = number
        return vectors

    base.script.act = act
    result = base.load()
    assert result.account.vectors is not None
    assert (result.exit_code, result.account.vectors.refused) == (3, 1)
    base.check(without=1)


def test_a_refused_text_may_cost_its_row(base: Base) -> None:
    base.script.act = refusing("Paragraph 3 of document 2", lambda: Status(422))
    result = base.load({"on_refused": "reject"})
    assert (result.state, result.exit_code, result.account.records.rejected) == ("done", 3, 1), result
    assert base.query(
        "SELECT count(*) FROM knowledge_base WHERE chunk_text LIKE '%Paragraph 3 of document 2%'"
    ) == [(0,)]
    base.check()


def test_where_every_text_is_refused_the_run_fails(base: Base) -> None:
    base.write(20, 8)
    base.script.act = failing(10**6, lambda: Status(400))
    result = base.load()
    assert (result.state, result.exit_code) == ("failed", 1)
    assert "refuses every text" in result.reason
    assert result.account.records.written == 0


def test_one_document_of_which_every_text_is_refused_is_published(base: Base) -> None:
    base.write(1, 1)
    for number in range(1, 5):
        (base.folder / f"d{number:03}.md").unlink()
    base.script.act = failing(10**6, lambda: Status(400))
    result = base.load()
    assert (result.state, result.exit_code) == ("done", 3), result
    base.check(without=2)


def test_a_text_at_which_the_server_breaks_is_that_texts_fault(base: Base) -> None:
    base.script.act = refusing("Paragraph 3 of document 2", lambda: Status(500))
    result = base.load()
    assert (result.state, result.exit_code) == ("done", 3), result
    base.check(without=1)


# --- an embedder that says no ---------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 402, 403, 404])
def test_an_embedder_that_says_no_fails_the_run(base: Base, status: int) -> None:
    base.script.act = failing(10**6, lambda: Status(status))
    result = base.load()
    assert (result.state, result.exit_code) == ("failed", 1)
    assert str(status) in result.reason
    assert len(base.script.asked) <= 2


@pytest.mark.parametrize("wrong", ["count", "dimensions"])
def test_of_an_answer_with_wrong_vectors_nothing_is_kept(base: Base, wrong: str) -> None:
    def act(texts: list[str], _before: int) -> Vectors:
        vectors = base.script.vectors(texts)
        return vectors[1:] if wrong == "count" else [*vectors[:-1], vectors[-1][:-1]]

    base.script.act = act
    result = base.load()
    assert (result.state, result.exit_code) == ("failed", 1)
    if base.query("SELECT 1 FROM sqlite_master WHERE name = 'knowledge_base_vectors'"):
        assert base.query("SELECT count(*) FROM knowledge_base_vectors") == [(0,)]


def test_a_model_that_changed_behind_its_name_is_refused(base: Base) -> None:
    assert base.load().exit_code == 0
    base.write(changed=" And so on.")
    base.script.salt = "other"
    result = base.load()
    assert (result.state, result.exit_code) == ("failed", 1)
    assert "changed" in result.reason
    base.check()


# --- long texts, empty texts ----------------------------------------------------------------------------


def test_long_texts_are_refused_cut_or_embedded_in_parts(base: Base) -> None:
    base.script.limits = replace(base.script.limits, tokens_a_text=12)
    base.write(2, 2)
    for number in range(2, 5):
        (base.folder / f"d{number:03}.md").unlink()
    with pytest.raises(ConfigError, match="takes 12 tokens a text"):
        base.load()
    result = base.load({"too_long": "cut"})
    vectors = result.account.vectors
    assert result.exit_code == 0
    assert vectors is not None
    assert vectors.too_long > 0
    assert max(len(text.split()) for text in base.script.texts) == 12
    base.script.asked = []
    again = base.load({"too_long": "mean"})  # another model: filled in from the table
    assert again.exit_code == 0
    assert sum(base.script.texts.values()) > 4
    assert max(len(text.split()) for text in base.script.texts) <= 12
    said = base.query(
        "SELECT count(*) FROM knowledge_base_vectors AS v JOIN knowledge_base_models m "
        "ON m.id = v.model WHERE m.is_used"
    )
    assert said == [(result.account.records.written,)]


# --- limits ---------------------------------------------------------------------------------------------


def test_requests_keep_to_the_limits_of_tokens_and_threads(base: Base) -> None:
    base.write(20, 8)
    base.script.limits = EmbedderLimits(texts=64, tokens=60, at_once=3)
    base.script.delay = 0.01
    assert base.load().exit_code == 0
    assert max(sum(len(text.split()) for text in texts) for texts in base.script.asked) <= 60
    assert base.script.most == 3
    base.check()


def test_more_tokens_than_allowed_are_refused_before_anything_is_sent(base: Base) -> None:
    with pytest.raises(ConfigError, match="max_tokens = 50"):
        base.load({"max_tokens": 50})
    assert base.script.asked == []
    assert base.load({"max_tokens": 5000}).exit_code == 0


def test_a_plan_says_what_would_be_sent_and_sends_nothing(base: Base) -> None:
    made = base.plan()
    assert (made.embedder, made.model, made.texts) == ("scripted", "scripted", made.records)
    assert base.script.asked == []
    assert base.script.canaries == 0
    result = base.load({"max_tokens": made.tokens})
    assert result.account.vectors is not None
    assert (result.account.vectors.texts, result.account.vectors.tokens) == (made.texts, made.tokens)
    assert base.plan().texts == 0
    base.script.model = replace(base.script.model, name="newer")
    newer = base.plan({"max_tokens": made.tokens - 1})
    assert (newer.texts, newer.tokens, newer.records) == (made.texts, made.tokens, 0)
    assert "max_tokens" in newer.too_much


def test_rows_are_counted_before_anything_is_sent(base: Base) -> None:
    path = base.folder.parent / "rows.csv"
    path.write_text("id,said\n" + "".join(f"{n},said so {n} times\n" for n in range(50)))
    script = base.script
    settings: dict[str, Any] = {"source": path, "input_dir": None, "text": "said", "key": "id"}
    with pytest.raises(ConfigError, match="200 tokens or more would be sent"):
        base.load({"max_tokens": 199}, **settings)
    assert (script.asked, script.canaries) == ([], 0)
    result = base.load({"max_tokens": 200}, **settings)
    assert result.exit_code == 0
    assert sum(script.texts.values()) == 50


def test_a_text_whose_tokens_cannot_be_counted_is_refused(base: Base) -> None:
    def tokens(text: str) -> int:
        if "Paragraph 3 of document 2" in text:
            raise KeyError("no such token")
        return len(text.split())

    base.script.tokens = tokens
    result = base.load()
    assert result.account.vectors is not None
    assert (result.exit_code, result.account.vectors.refused) == (3, 1)
    base.check(without=1)


def test_an_embedder_that_returns_nothing_fails_the_run(base: Base) -> None:
    base.script.vectors = lambda _texts: None  # type: ignore[assignment,method-assign,return-value]
    base.script.act = lambda *_: None
    result = base.load()
    assert (result.state, result.exit_code) == ("failed", 1)
    assert "returned no vectors" in result.reason
