"""The services of the how-to do what it says: behind FastAPI, and in workers of Celery."""

from __future__ import annotations

import importlib
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from batchwright import SearchHit, Target
from tests.support.pages import DOCS, blocks, environment

MODULES = ("articles", "app", "tasks", "worker")
TEXT = {"Content-Type": "text/plain"}

FILES = """
from tasks import app

app.conf.update(
    broker_url="filesystem://",
    broker_transport_options={
        "data_folder_in": "queue", "data_folder_out": "queue", "control_folder": "control"
    },
    worker_hijack_root_logger=False,
)
"""
"""A worker whose queue is a folder, so that it may be another process."""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the files of the how-to, to import from."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for block in blocks(DOCS / "how-to" / "services.md"):
        if block.mark == "file":
            (tmp_path / block.what).write_text(block.text, "utf-8")
    yield tmp_path
    for name in MODULES:
        sys.modules.pop(name, None)


def imported(name: str) -> Any:
    for known in MODULES:
        sys.modules.pop(known, None)
    return importlib.import_module(name)


def make_the_tables() -> None:
    articles = imported("articles")
    articles.BatchProcessor(articles.config).load([])


@pytest.mark.filterwarnings("ignore:Using `httpx` with")
def test_the_service_behind_fastapi_stores_and_finds() -> None:
    make_the_tables()
    with TestClient(imported("app").app) as client:
        said = client.put("/articles/peas", content="Sow them in March.", headers=TEXT)
        assert said.json() == {"key": "peas", "state": "added"}
        [hit] = client.get("/search", params={"q": "sow"}).json()
    assert (hit["key"], set(hit)) == ("peas", {field.name for field in fields(SearchHit)})


@pytest.mark.filterwarnings("ignore:Using `httpx` with")
def test_the_service_behind_fastapi_takes_many_requests_at_once() -> None:
    make_the_tables()
    with TestClient(imported("app").app) as client, ThreadPoolExecutor(8) as requests:

        def put_and_search(number: int) -> tuple[str, int]:
            said = client.put(f"/articles/{number % 10}", content=f"Text {number}.", headers=TEXT)
            return said.json()["state"], client.get("/search", params={"q": "text"}).status_code

        states = list(requests.map(put_and_search, range(40)))
        assert {code for _, code in states} == {200}
        assert sum(state == "added" for state, _ in states) == 10
        assert len(client.get("/search", params={"q": "text", "limit": 100}).json()) == 10


def test_a_worker_of_celery_with_threads_stores_what_it_is_sent() -> None:
    pytest.importorskip("celery", reason="celery isn't installed: make docs does it")
    testing = importlib.import_module("celery.contrib.testing.worker")
    tasks = imported("tasks")
    tasks.app.conf.update(
        broker_url="memory://", result_backend="cache+memory://", worker_hijack_root_logger=False
    )
    with testing.start_worker(tasks.app, pool="threads", concurrency=4, perform_ping_check=False):
        sent = [tasks.store_article.delay(f"key {n % 5}", f"Text of {n % 5}.") for n in range(20)]
        states = [one.get(timeout=60) for one in sent]
    assert (states.count("added"), states.count("unchanged")) == (5, 15)


@pytest.mark.slow
def test_a_worker_of_celery_that_forks_stores_what_it_is_sent(here: Path) -> None:
    pytest.importorskip("celery", reason="celery isn't installed: make docs does it")
    (here / "worker.py").write_text(FILES, "utf-8")
    (here / "queue").mkdir()
    make_the_tables()
    worker = imported("worker")
    for number in range(20):
        worker.app.send_task("tasks.store_article", [f"key {number % 10}", f"Text of {number % 10}."])
    command = [sys.executable, "-m", "celery", "-A", "worker", "worker", "-P", "prefork", "-c", "3"]
    with subprocess.Popen(
        command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as running:
        try:
            until = time.monotonic() + 60
            with Target("sqlite:///kb.db") as kb:
                while kb.status().published < 10 or any(here.joinpath("queue").iterdir()):
                    assert running.poll() is None, running.stderr.read().decode() if running.stderr else ""
                    assert time.monotonic() < until
                    time.sleep(0.1)
        finally:
            running.terminate()
            running.wait(30)
    with Target("sqlite:///kb.db") as kb:
        assert list(kb.verify()) == []
