"""What comes back: faults of servers and of the way to them, and what the classifier makes of them."""

from __future__ import annotations

import math
import pickle
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from batchwright_openai import AnswerError, WrongAnswer
from batchwright_openai.answers import parsed, placed
from batchwright_openai.refusals import refusal

from batchwright import BadRecords, BatchTooLarge, ErrorRecoveryAction, Failure, PluginManager
from batchwright.testing import EmbeddingsServer, ServerFault

from .conftest import Make

RETRY, FAIL = ErrorRecoveryAction.RETRY, ErrorRecoveryAction.FAIL
KEY = "sk-0123456789abcdef"


def failing(make: Make, *texts: str, **options: Any) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - looked at by the caller
        make(**options).embed(texts or ["a", "b"])
    return caught.value


def action(error: Exception) -> ErrorRecoveryAction:
    return PluginManager.load().classify(Failure(error, phase="embed")).action


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 529])
def test_what_passes_is_tried_again(server: EmbeddingsServer, make: Make, status: int) -> None:
    server.set_faults(ServerFault(at=(1,), status=status, retry_after=7))
    error = failing(make)
    assert (Failure(error).http_status, Failure(error).retry_after, action(error)) == (status, 7.0, RETRY)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.status_code, again.retry_after) == (str(error), status, error.retry_after)  # type: ignore[attr-defined]


def test_the_time_to_wait_may_be_a_date_or_milliseconds(server: EmbeddingsServer, make: Make) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    server.set_faults(ServerFault(at=(1,), status=429, retry_after=later))
    assert 80 < (Failure(failing(make)).retry_after or 0) <= 100
    error = refusal("h", 429, {"retry-after-ms": "1500", "retry-after": "9"}, b"", 1, [])
    assert Failure(error).retry_after == 1.5
    error = refusal("h", 429, {"retry-after-ms": "soon", "retry-after": "9"}, b"", 1, [])
    assert Failure(error).retry_after == 9


@pytest.mark.parametrize("code", ["insufficient_quota", "billing_hard_limit_reached"])
def test_a_quota_that_is_used_up_does_not_pass(server: EmbeddingsServer, make: Make, code: str) -> None:
    server.set_faults(ServerFault(at=(1,), status=429, code=code, retry_after=1))
    error = failing(make)
    assert action(error) is FAIL
    assert "quota is used up" in str(error)


@pytest.mark.parametrize(
    ("status", "advice"), [(401, "check the key"), (403, "rights"), (404, "check model"), (405, "base_url")]
)
def test_what_does_not_pass_comes_with_advice(
    server: EmbeddingsServer, make: Make, status: int, advice: str
) -> None:
    server.set_faults(ServerFault(at=(1,), status=status))
    error = failing(make)
    assert isinstance(error, AnswerError)
    assert action(error) is FAIL
    assert advice in str(error)
    assert str(error).startswith(f"127.0.0.1: HTTP status {status}: the script says so")


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refusal_of_several_texts_asks_for_fewer_and_of_one_names_it(
    server: EmbeddingsServer, make: Make, status: int
) -> None:
    server.set_faults(ServerFault(text="bad", status=status))
    assert isinstance(failing(make, "good", "bad"), BatchTooLarge)
    error = failing(make, "bad")
    assert isinstance(error, BadRecords)
    assert error.reasons == {0: f"127.0.0.1: HTTP status {status}: the script says so"}


def test_a_refusal_of_something_else_than_the_texts_ends_the_run() -> None:
    body = b'{"error": {"message": "no such dimensions", "param": "dimensions"}}'
    error = refusal("h", 400, {}, body, 5, [])
    assert isinstance(error, AnswerError)
    assert action(error) is FAIL
    assert isinstance(refusal("h", 400, {}, body.replace(b"dimensions", b"input"), 5, []), BatchTooLarge)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error": {"message": "one"}}', "one"),
        (b'{"error": "two", "error_type": "Validation"}', "two"),
        (b'{"message": "three", "object": "error"}', "three"),
        (b'{"detail": "four"}', "four"),
        (b'{"detail": [{"loc": ["body"], "msg": "five", "input": "the secret text"}]}', "five"),
        (b"six\nlines", "six"),
        (b"<html>no</html>", ""),
        (b'{"error": {"code": 7}}', ""),
        (b"[1, 2]", ""),
        (b"\xff\xfe", ""),
        (b"", ""),
        (b'{"error": {"message": "key sk-0123456789abcdef is wrong \\u001b[31m"}}', "key *** is wrong"),
        (b'{"error": {"message": "' + b"x" * 10_000 + b'"}}', "xxx"),
    ],
)
def test_the_words_of_servers_are_shown_and_nothing_else(body: bytes, words: str) -> None:
    said = str(refusal("h", 500, {}, body, 1, [KEY]))
    assert words in said
    assert len(said) < 400
    for never in ("the secret text", KEY, "\x1b", "\n", "<html"):
        assert never not in said


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (ServerFault(at=(1,), spoilt="missing"), "1 vector for 2 texts"),
        (ServerFault(at=(1,), spoilt="twice"), "two vectors with index 1"),
        (ServerFault(at=(1,), spoilt="no index"), "index None"),
        (ServerFault(at=(1,), spoilt="text"), "neither a list of numbers nor"),
        (ServerFault(at=(1,), spoilt="not json"), "no JSON"),
        (ServerFault(at=(1,), dimensions=3), "a vector of 3 numbers where 8 are expected"),
    ],
)
def test_an_answer_that_is_wrong_ends_the_run(
    server: EmbeddingsServer, make: Make, fault: ServerFault, words: str
) -> None:
    server.set_faults(fault)
    error = failing(make)
    assert isinstance(error, WrongAnswer)
    assert words in str(error)
    assert action(error) is FAIL


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        [],
        [{"index": 0}],
        [{"index": -1, "embedding": [1.0]}],
        [{"index": 1, "embedding": [1.0]}],
        [{"index": True, "embedding": [1.0]}],
        [{"index": "0", "embedding": [1.0]}],
        [{"index": 0, "embedding": "no base64!"}],
        [{"index": 0, "embedding": "AAA="}],
        [{"index": 0, "embedding": [[1.0]]}],
        [{"index": 0, "embedding": {"0": 1.0}}],
        ["row"],
    ],
)
def test_no_answer_is_taken_for_vectors_that_is_none(data: object) -> None:
    with pytest.raises(WrongAnswer):
        placed(data, 1, 1)


def test_a_single_vector_needs_no_index_and_null_is_nan() -> None:
    [vector] = placed([{"embedding": [None, 2]}], 1, 2)
    assert math.isnan(vector[0])
    assert vector[1] == 2
    with pytest.raises(WrongAnswer):
        placed([{"embedding": [1]}, {"embedding": [2]}], 2, 1)


@pytest.mark.parametrize("spoilt", ["nan", "infinite", "zero"])
@pytest.mark.parametrize("encoding", ["base64", "float"])
def test_numbers_that_are_none_are_left_to_the_engine(
    server: EmbeddingsServer, make: Make, spoilt: Any, encoding: str
) -> None:
    server.set_faults(ServerFault(at=(1,), spoilt=spoilt))
    vector = make(encoding_format=encoding).embed(["a"])[0]
    assert {"nan": math.isnan, "infinite": math.isinf, "zero": lambda number: number == 0}[spoilt](vector[0])


@pytest.mark.parametrize(
    "fault",
    [
        ServerFault(at=(1,), cut=200),
        ServerFault(at=(1,), cut=200, reset=True),
        ServerFault(at=(1,), reset=True),
        ServerFault(at=(1,), refuse=30.0),
    ],
)
def test_a_way_that_breaks_is_tried_again(server: EmbeddingsServer, make: Make, fault: ServerFault) -> None:
    embedder = make()
    server.set_faults(fault)
    with pytest.raises(ConnectionError) as caught:
        embedder.embed(["a" * 1000, "b"])
    assert action(caught.value) is RETRY
    if fault.refuse:
        with pytest.raises(ConnectionError):
            make().embed(["a"])
    else:
        assert len(embedder.embed(["a", "b"])) == 2


def test_json_that_ends_early_is_a_way_that_broke() -> None:
    with pytest.raises(ConnectionError):
        parsed(b'{"data": [{"index": 0, "embedd')
    for body in (b"[]", b"null", b"", b"\xff", b"hello"):
        with pytest.raises(WrongAnswer):
            parsed(body)


def test_no_key_is_in_an_error(server: EmbeddingsServer, make: Make) -> None:
    server.set_faults(ServerFault(at=(1,), status=401, code=KEY), ServerFault(at=(2,), status=500))
    for _ in range(2):
        error = failing(make, api_key=KEY, secret_headers={"X": "hunter2"})
        assert KEY not in repr(error)
        assert "hunter2" not in repr(error)


def test_an_answer_that_is_nested_too_deep_is_no_defect() -> None:
    with pytest.raises(WrongAnswer, match="nested too deep"):
        parsed(b'{"data":' + b"[" * 100_000)
    assert "h" in str(refusal("h", 500, {}, b"[" * 100_000, 1, []))
