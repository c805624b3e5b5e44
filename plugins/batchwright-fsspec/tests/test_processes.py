"""Sources in other processes and threads: pickled, forked, spawned."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import sys
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from batchwright_fsspec import HttpOptions, HttpSource, S3Options, S3Source
from pydantic import SecretStr

from batchwright import Item

from .servers import HttpServer, S3Server

Make = Callable[..., S3Source]


def fetched(source: Any, answers: Any) -> None:
    """Put all that a source has; run in another process."""
    try:
        answers.put({item.key: source.fetch(item).open().read() for item in source.list()})
    finally:
        source.close()


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_a_source_that_is_in_use_works_in_another_process(s3: S3Server, make: Make, method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system can't {method}")
    s3.objects = {f"docs/{n}.md": str(n).encode() for n in range(3)}
    docs = make()
    before = list(docs.list())
    context = multiprocessing.get_context(method)
    answers = context.Queue()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of Python 3.12: threads and fork
        process = context.Process(target=fetched, args=(docs, answers))
        process.start()
    try:
        assert answers.get(timeout=60) == {"0.md": b"0", "1.md": b"1", "2.md": b"2"}
    finally:
        process.join(60)
        process.kill()
    assert process.exitcode == 0
    assert [docs.fetch(item).open().read() for item in before] == [b"0", b"1", b"2"]


def test_a_source_can_be_pickled_before_and_after_it_was_used(
    s3: S3Server, http: HttpServer, make: Make
) -> None:
    s3.objects, http.files = {"docs/a.md": b"x"}, {"/a.md": b"x"}
    file = HttpSource(HttpOptions(url=SecretStr(f"{http.url}/a.md")))
    for source in (make(), file):
        for _ in range(2):
            copy = pickle.loads(pickle.dumps(source))
            [item] = copy.list()
            assert pickle.loads(pickle.dumps(item)) == item
            assert copy.fetch(item).open().read() == b"x"
            copy.close()
            list(source.list())
        source.close()


def test_a_closed_source_can_be_closed_again_and_used_again(s3: S3Server, make: Make) -> None:
    s3.objects = {"docs/a.md": b"x"}
    docs = make()
    for _ in range(2):
        assert docs.fetch(Item("a.md", "docs/a.md")).open().read() == b"x"
        docs.close()
        docs.close()


def test_making_a_source_connects_to_nothing_and_loads_no_driver() -> None:
    code = (
        "import sys, batchwright_fsspec as f; from pydantic import SecretStr as S;"
        "f.S3Source(f.S3Options(url=S('s3://bucket/'))); f.HttpSource(f.HttpOptions(url=S('http://h/a')));"
        "f.GcsSource(f.GcsOptions(url=S('gs://b/'))); f.FilesystemSource(f.FilesystemOptions(url=S('ftp://h/')));"
        "sys.exit(' '.join({'fsspec', 'aiohttp', 'botocore', 'asyncio'} & set(sys.modules)) or None)"
    )
    assert os.spawnl(os.P_WAIT, sys.executable, sys.executable, "-c", code) == 0


def test_no_secret_is_shown() -> None:
    options = S3Options(
        url=SecretStr("s3://bucket/docs/"),
        access_key_id=SecretStr("AKID"),
        secret_access_key=SecretStr("hunter2"),
        session_token=SecretStr("sesame"),
    )
    shown = f"{options!r} {options} {options.model_dump()} {options.model_dump_json()} {S3Source(options)!r}"
    assert "hunter2" not in shown
    assert "sesame" not in shown
