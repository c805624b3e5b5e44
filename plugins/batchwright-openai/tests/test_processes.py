"""Embedders in other processes and in many threads."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from batchwright_openai import OpenAIEmbedder
from batchwright_openai.client import Client

from batchwright.testing import EmbeddingsServer, ServerFault
from batchwright.testing.embeddings_server import vector_of

from .conftest import Make


def embedded(embedder: OpenAIEmbedder, answers: Any) -> None:
    """Put a vector; run in another process."""
    try:
        answers.put(list(embedder.embed(["x"])[0]))
    finally:
        embedder.close()


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_an_embedder_that_is_in_use_works_in_another_process(make: Make, method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system can't {method}")
    embedder = make()
    embedder.embed(["x"])
    context = multiprocessing.get_context(method)
    answers = context.Queue()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of Python 3.12: threads and fork
        process = context.Process(target=embedded, args=(embedder, answers))
        process.start()
    try:
        assert answers.get(timeout=60) == vector_of("x", 8)
    finally:
        process.join(60)
        process.kill()
    assert process.exitcode == 0
    assert list(embedder.embed(["x"])[0]) == vector_of("x", 8)


def test_it_can_be_pickled_before_and_after_it_was_used(make: Make) -> None:
    embedder = make(api_key="hunter2hunter2")
    for _ in range(2):
        copy = pickle.loads(pickle.dumps(embedder))
        assert list(copy.embed(["x"])[0]) == vector_of("x", 8)
        assert copy.model == embedder.model
        copy.close()
        embedder.embed(["x"])


def test_a_closed_embedder_can_be_closed_again_and_used_again(make: Make) -> None:
    embedder = make()
    for _ in range(2):
        embedder.embed(["x"])
        embedder.close()
        embedder.close()


def test_threads_share_connections_and_each_gets_its_own_vectors(
    server: EmbeddingsServer, make: Make
) -> None:
    server.set_faults(ServerFault(at=(7,), reset=True), ServerFault(at=(20,), cut=30))
    embedder = make(at_once=8)

    def ask(number: int) -> bool:
        texts = [f"{number} {position}" for position in range(20)]
        for _ in range(3):
            try:
                vectors = embedder.embed(texts)
                break
            except ConnectionError:
                continue
        return [list(vector) for vector in vectors] == [vector_of(text, 8) for text in texts]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(60)))
    assert len(server.requests) == 62


def test_making_an_embedder_connects_to_nothing_and_loads_no_client() -> None:
    code = (
        "import sys, batchwright_openai as o; e = o.OpenAIEmbedder(o.OpenAIOptions()); e.model; e.host;"
        "sys.exit(' '.join({'httpx', 'ssl', 'http.client', 'asyncio', 'toktok'} & set(sys.modules)) or None)"
    )
    assert os.spawnl(os.P_WAIT, sys.executable, sys.executable, "-c", code) == 0


def test_threads_that_begin_together_make_one_client(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    made, begin, make_it = list[int](), threading.Barrier(8), Client._made

    def counted(self: Client) -> Any:
        made.append(threading.get_ident())
        time.sleep(0.05)
        return make_it(self)

    def embed(_: int) -> None:
        begin.wait(30)
        embedder.embed(["x"])

    monkeypatch.setattr(Client, "_made", counted)
    embedder = make()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(embed, range(8)))
    assert len(made) == 1
