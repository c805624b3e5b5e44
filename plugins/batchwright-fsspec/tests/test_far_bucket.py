"""Many objects, far away: as fast as requests at the same time allow, in flat memory."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .far_bucket import DELAY
from .test_runs import run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

OBJECTS = 10_000
AT_ONCE = 16


@pytest.fixture
def far_bucket() -> Iterator[str]:
    """The URL of a bucket of 10,000 objects of 4 KB."""
    script = Path(__file__).with_name("far_bucket.py")
    command = [sys.executable, str(script), str(OBJECTS), "4096"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.kill()


def test_ten_thousand_objects_take_little_longer_than_their_requests(
    far_bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")
    to, sources = f"sqlite:///{tmp_path}/kb.db", {"s3": {"endpoint_url": far_bucket, "at_once": AT_ONCE}}
    began = time.perf_counter()
    result = run("s3://bucket/docs/", to, sources=sources, batch_size=1000)
    seconds = time.perf_counter() - began
    assert (result.exit_code, result.account.documents.added) == (0, OBJECTS)
    print(f"{seconds:.1f} s, {seconds / (OBJECTS * DELAY / AT_ONCE):.2f} times the requests' own time")
    began = time.perf_counter()
    assert run("s3://bucket/docs/", to, sources=sources).account.documents.unchanged == OBJECTS
    print(f"again, unchanged: {time.perf_counter() - began:.1f} s")
    assert seconds <= 1.3 * OBJECTS * DELAY / AT_ONCE
