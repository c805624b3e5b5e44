"""Many objects, far away: as fast as requests at the same time allow, in flat memory."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import aiohttp
import pytest

from batchwright import Item

from .conftest import source
from .far_bucket import DELAY, key
from .test_runs import run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

OBJECTS = 10_000
AT_ONCE = 16


@pytest.fixture
def far_bucket() -> Iterator[Callable[[int, int], str]]:
    """Makes buckets of so many objects of so many bytes; returns the URL of their server."""
    with ExitStack() as stack:

        def make(objects: int, size: int) -> str:
            script = Path(__file__).with_name("far_bucket.py")
            command = [sys.executable, str(script), str(objects), str(size)]
            process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            stack.callback(process.kill)
            assert process.stdout is not None
            return f"http://127.0.0.1:{process.stdout.readline().strip()}"

        yield make


async def bare(url: str) -> float:
    """Return the seconds that nothing but the requests takes, as many at once."""

    async def ask(session: aiohttp.ClientSession, numbers: Iterator[int]) -> None:
        for n in numbers:
            async with session.get(f"{url}/bucket/{key(n)}") as answer:
                await answer.read()

    numbers, began = iter(range(OBJECTS)), time.perf_counter()
    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(ask(session, numbers) for _ in range(AT_ONCE)))
    return time.perf_counter() - began


def test_ten_thousand_objects_take_little_longer_than_their_requests(
    far_bucket: Callable[[int, int], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")
    url = far_bucket(OBJECTS, 4096)
    to, sources = f"sqlite:///{tmp_path}/kb.db", {"s3": {"endpoint_url": url, "at_once": AT_ONCE}}
    least = max(OBJECTS * DELAY / AT_ONCE, asyncio.run(bare(url)))
    began, cpu = time.perf_counter(), time.process_time()
    result = run("s3://bucket/docs/", to, sources=sources, batch_size=1000)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    assert (result.exit_code, result.account.documents.added) == (0, OBJECTS)
    began = time.perf_counter()
    assert run("s3://bucket/docs/", to, sources=sources).account.documents.unchanged == OBJECTS
    again = time.perf_counter() - began
    print(f"{seconds:.1f} s ({cpu:.1f} s of CPU), the requests alone {least:.1f} s; unchanged: {again:.1f} s")
    assert seconds <= 1.3 * least


def test_a_large_object_is_fetched_in_flat_memory(far_bucket: Callable[[int, int], str]) -> None:
    size = 200_000_000
    large = source(far_bucket(1, size), "s3://bucket/docs/")
    item = Item("000000.md", key(0), size)
    large.fetch(item)
    tracemalloc.start()
    try:
        with large.fetch(item).open() as stream:
            assert sum(len(block) for block in iter(lambda: stream.read(100_000), b"")) == size
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
        large.close()
