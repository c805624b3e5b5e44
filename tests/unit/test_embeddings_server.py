"""The kit's server of embeddings: what it answers, what goes wrong on it, what it writes down."""

from __future__ import annotations

import base64
import http.client
import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from array import array
from collections.abc import Iterator
from operator import mul
from pathlib import Path
from typing import Any, ClassVar

import pytest

from batchwright.testing.embeddings_server import (
    EmbeddingsProcess,
    EmbeddingsServer,
    ServerFault,
    ServerSettings,
    vector_of,
)


class Client:
    """One connection, which the test's end closes."""

    opened: ClassVar[list[http.client.HTTPConnection]] = []

    def __init__(self, server: EmbeddingsServer | EmbeddingsProcess) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        self.opened.append(self.connection)

    def ask(self, *texts: str, **body: Any) -> tuple[int, dict[str, str], Any]:
        request = json.dumps({"model": "m", "input": texts, **body})
        self.connection.request("POST", "/v1/embeddings?a=b", request, {"Api-Key": "k"})
        answer = self.connection.getresponse()
        read = answer.read()
        return answer.status, dict(answer.getheaders()), json.loads(read) if read[:1] == b"{" else read


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    while Client.opened:
        Client.opened.pop().close()


def vectors(said: Any) -> list[list[float]]:
    return [row["embedding"] for row in sorted(said["data"], key=lambda row: row["index"])]


def test_each_text_gets_its_vector_though_the_answer_is_shuffled() -> None:
    texts = [f"text {number}" for number in range(20)] + ["\ud800 lone", "\0", "😀"]
    with EmbeddingsServer() as server:
        status, _, said = Client(server).ask(*texts)
    assert status == 200
    assert vectors(said) == [vector_of(text, 8) for text in texts]
    assert [row["index"] for row in said["data"]] != list(range(len(texts)))
    assert said["usage"]["prompt_tokens"] > len(texts)


def test_vectors_are_of_length_one_and_differ_by_text_dimensions_and_salt() -> None:
    assert math.hypot(*vector_of("a", 384)) == pytest.approx(1, abs=1e-6)
    assert vector_of("a", 8) != vector_of("b", 8) != vector_of("b", 8, "salt")
    assert vector_of("a", 2) == pytest.approx(
        [0.4209386110305786, -0.907089114189148]
    )  # the same on every machine


def test_vectors_of_words_are_near_where_words_are_shared() -> None:
    def near(one: str, other: str) -> float:
        return math.fsum(map(mul, *(vector_of(text, 64, kind="words") for text in (one, other))))

    assert near("the red apple", "apple red") > 0.7
    assert near("the red apple", "some blue plum") < 0.5


def test_base64_holds_the_same_numbers() -> None:
    with EmbeddingsServer() as server:
        _, _, said = Client(server).ask("a", encoding_format="base64", dimensions=5)
    assert array("f", base64.b64decode(said["data"][0]["embedding"])).tolist() == vector_of("a", 5)


def test_faults_come_by_number_by_text_and_so_often() -> None:
    faults = [
        ServerFault(at=(2,), status=429, retry_after=1.5, code="insufficient_quota"),
        ServerFault(text="poison", status=422),
        ServerFault(text="twice", times=2, status=503, retry_after="Wed, 25 Nov 2026 12:00:00 GMT"),
    ]
    with EmbeddingsServer(faults) as server:
        client = Client(server)
        asked = [client.ask(text) for text in ("a", "b", "the poison", "twice", "twice", "twice", "a poison")]
        assert [status for status, _, _ in asked] == [200, 429, 422, 503, 503, 200, 422]
        assert asked[1][1]["Retry-After"] == "1.5"
        assert asked[1][2]["error"]["code"] == "insufficient_quota"
        assert asked[3][1]["Retry-After"].endswith("GMT")
        server.set_faults(ServerFault(at=(8,), dimensions=3))
        assert len(vectors(client.ask("a")[2])[0]) == 3
        assert [request.status for request in server.requests] == [status for status, _, _ in asked] + [200]
        first = server.requests[0]
        assert (first.texts, first.path, first.headers["api-key"]) == (("a",), "/v1/embeddings?a=b", "k")
        assert first.ended is not None
        assert first.ended >= first.began


@pytest.mark.parametrize(
    ("spoilt", "found"),
    [
        ("nan", lambda said: math.isnan(vectors(said)[0][0])),
        ("infinite", lambda said: math.isinf(vectors(said)[0][0])),
        ("zero", lambda said: not any(vectors(said)[0])),
        ("missing", lambda said: len(said["data"]) == 1),
        ("twice", lambda said: [row["index"] for row in said["data"]] == [1, 1]),
        ("no index", lambda said: sum("index" in row for row in said["data"]) == 1),
        ("text", lambda said: str(vectors(said)[0][0]) == "word"),
        ("not json", lambda said: said.startswith(b"<html>")),
    ],
)
def test_answers_can_be_spoilt(spoilt: Any, found: Any) -> None:
    with EmbeddingsServer([ServerFault(at=(1,), spoilt=spoilt)]) as server:
        status, _, said = Client(server).ask("a", "b")
        assert status == 200
        assert found(said)


def test_bodies_are_cut_and_connections_reset() -> None:
    faults = [
        ServerFault(at=(1,), cut=50),
        ServerFault(at=(2,), cut=50, reset=True),
        ServerFault(at=(3,), reset=True),
    ]
    with EmbeddingsServer(faults) as server:
        for error in (http.client.IncompleteRead, ConnectionResetError, ConnectionResetError):
            with pytest.raises(error):
                Client(server).ask("a" * 1000)
        assert Client(server).ask("a")[0] == 200
        assert [request.status for request in server.requests] == [0, 0, 0, 200]


def test_connections_are_refused_for_a_while_at_the_same_port_and_those_that_stand_end() -> None:
    with EmbeddingsServer([ServerFault(at=(2,), refuse=0.5)]) as server:
        other, client = Client(server), Client(server)
        other.ask("a")
        began = time.monotonic()
        with pytest.raises(OSError):  # noqa: PT011 - the one or the other
            client.ask("b")
        with pytest.raises(ConnectionRefusedError):
            Client(server).ask("c")
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            other.ask("d")
        while True:
            try:
                assert Client(server).ask("e")[0] == 200
                break
            except ConnectionRefusedError:
                assert time.monotonic() < began + 30
                time.sleep(0.02)
        assert time.monotonic() - began >= 0.5


def test_limits_are_refused_as_servers_do_or_cut_without_a_word() -> None:
    settings = ServerSettings(texts=2, tokens_a_text=5, tokens=9, key="k", model="m")
    with EmbeddingsServer(settings=settings) as server:
        client = Client(server)
        asked = [
            ("a", "b"),
            ("a", "b", "c"),
            ("one two three four five six",),
            ("one two three four five", "one two three four five"),
            ("",),
        ]
        assert [client.ask(*texts)[0] for texts in asked] == [200, 413, 400, 400, 400]
        assert client.ask("a", model="other")[0] == 404
    with EmbeddingsServer(settings=ServerSettings(key="other")) as server:
        assert Client(server).ask("a")[0] == 401
    with EmbeddingsServer(settings=ServerSettings(tokens_a_text=5, truncates=True)) as server:
        assert Client(server).ask("one two three four five six")[2]["usage"]["prompt_tokens"] == 5


def test_a_server_that_is_busy_refuses_what_is_too_much() -> None:
    with EmbeddingsServer(settings=ServerSettings(at_once=2, delay=0.3)) as server:
        said: list[int] = []
        threads = [threading.Thread(target=lambda: said.append(Client(server).ask("a")[0])) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert 429 in said
        assert said.count(200) >= 2
        assert max(request.in_flight for request in server.requests) > 2


def test_a_delay_is_from_the_request_to_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    with EmbeddingsServer(settings=ServerSettings(delay=60.0, dimensions=1536)) as server:
        Client(server).ask(*map(str, range(64)))
    assert 0 < max(slept) < 60, "what it took to make the vectors is a part of it"


def test_a_process_of_its_own_keeps_its_log_through_a_kill_and_goes_on_at_its_port(tmp_path: Path) -> None:
    with EmbeddingsProcess([ServerFault(at=(1,), status=503)], log=tmp_path / "log") as server:
        assert Client(server).ask("\ud800")[0] == 503
        server.set_faults(ServerFault(text="b", status=400))
        assert Client(server).ask("b")[0] == 400
        server.kill()
        with pytest.raises(ConnectionRefusedError):
            Client(server).ask("c")
        server.start()
        assert Client(server).ask("d")[0] == 200
    assert [(request.number, request.texts, request.status) for request in server.requests] == [
        (1, ("\ud800",), 503),
        (2, ("b",), 400),
        (3, ("d",), 200),
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="kills as Linux does")
def test_it_ends_with_the_process_that_began_it_even_a_killed_one(tmp_path: Path) -> None:
    program = f"""
from pathlib import Path; import time
from batchwright.testing.embeddings_server import EmbeddingsProcess
server = EmbeddingsProcess(log=Path({str(tmp_path / "log")!r})); server.start()
print(server._process.pid, flush=True); time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    for _ in range(500):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        state = Path(f"/proc/{pid}/stat")
        if state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z":
            return  # nobody to reap it in a container
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("it is still there")
